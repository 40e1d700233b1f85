#include "net/http_client.h"

#include <array>
#include <atomic>
#include <deque>
#include <thread>
#include <unordered_map>
#include <utility>

#include <curl/curl.h>

#include "base/mutex.h"
#include "base/text.h"

namespace tsdb::net {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

struct Transfer {
  ClientRequest request;
  std::function<void(Result<ClientResponse>)> done;
  ClientResponse response;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  curl_slist* proxy_headers = nullptr;
  curl_slist* connect_to = nullptr;
  bool too_large = false;
  char error[CURL_ERROR_SIZE] = {};

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
    curl_slist_free_all(proxy_headers);
    curl_slist_free_all(connect_to);
  }
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (transfer->response.body.size() + bytes > transfer->request.max_response_bytes) {
    transfer->too_large = true;
    return 0;  // ends the transfer
  }
  transfer->response.body.append(data, bytes);
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string_view line = TrimSpace(std::string_view(data, size * count));
  if (line.starts_with("HTTP/")) {  // of a redirect or "100 Continue" before, if any
    transfer->response.headers = Headers();
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer->response.headers.Add(std::string(line.substr(0, colon)),
                                   std::string(TrimSpace(line.substr(colon + 1))));
  }
  return size * count;
}

Status FromCurl(CURLcode code, const Transfer& transfer) {
  const std::string reason = transfer.error[0] != '\0' ? transfer.error : curl_easy_strerror(code);
  if (transfer.too_large) {
    return ResourceExhausted("response is larger than " +
                             std::to_string(transfer.request.max_response_bytes) + " bytes");
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return DeadlineExceeded(reason);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return InvalidArgument("bad URL: " + reason);
    case CURLE_OUT_OF_MEMORY:
      return ResourceExhausted(reason);
    default:
      return Unavailable(reason);
  }
}

// TLS is to be told another server name than the URL's host: curl takes the name from the URL, so
// the URL names that server and CONNECT_TO leads to the real host. The Host header stays the URL's.
Status UseServerName(Transfer* transfer, std::string* url) {
  const std::string& name = transfer->request.tls.server_name;
  const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
  if (curl_url_set(parsed.get(), CURLUPART_URL, url->c_str(), 0) != CURLUE_OK) {
    return InvalidArgument("bad URL");
  }
  const auto part = [&](CURLUPart which, unsigned flags) {
    char* text = nullptr;
    std::string result;
    if (curl_url_get(parsed.get(), which, &text, flags) == CURLUE_OK && text != nullptr) {
      result = text;
    }
    curl_free(text);
    return result;
  };
  const std::string host = part(CURLUPART_HOST, 0);
  const std::string port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  if (part(CURLUPART_SCHEME, 0) != "https" || EqualsIgnoreCase(host, name)) return Status::Ok();
  if (!transfer->request.headers.Has("Host")) {
    transfer->request.headers.Add("Host", port == "443" ? host : host + ":" + port);
  }
  if (curl_url_set(parsed.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) {
    return InvalidArgument("bad TLS server name \"" + name + "\"");
  }
  *url = part(CURLUPART_URL, 0);
  const std::string rule = name + ":" + port + ":" + host + ":" + port;
  transfer->connect_to = curl_slist_append(nullptr, rule.c_str());
  curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
  return Status::Ok();
}

void SetBlob(CURL* easy, CURLoption option, const std::string& text) {
  if (text.empty()) return;
  curl_blob blob{};
  blob.data = const_cast<char*>(text.data());  // is copied
  blob.len = text.size();
  blob.flags = CURL_BLOB_COPY;
  curl_easy_setopt(easy, option, &blob);
}

long VersionRange(const ClientTls& tls) {
  constexpr std::array<long, 5> kLowest = {CURL_SSLVERSION_DEFAULT, CURL_SSLVERSION_TLSv1_0,
                                           CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
                                           CURL_SSLVERSION_TLSv1_3};
  constexpr std::array<long, 5> kHighest = {
      CURL_SSLVERSION_MAX_DEFAULT, CURL_SSLVERSION_MAX_TLSv1_0, CURL_SSLVERSION_MAX_TLSv1_1,
      CURL_SSLVERSION_MAX_TLSv1_2, CURL_SSLVERSION_MAX_TLSv1_3};
  return kLowest[static_cast<size_t>(tls.min_version)] |
         kHighest[static_cast<size_t>(tls.max_version)];
}

void SetTls(CURL* easy, const ClientTls& tls) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, VersionRange(tls));
  SetBlob(easy, CURLOPT_CAINFO_BLOB, tls.ca);
  SetBlob(easy, CURLOPT_SSLCERT_BLOB, tls.cert);
  SetBlob(easy, CURLOPT_SSLKEY_BLOB, tls.key);
  if (!tls.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.cert_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.cert_file.c_str());
  if (!tls.key_file.empty()) curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.key_file.c_str());
  if (tls.insecure_skip_verify) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

// A line break in a header would begin another one.
Status AppendHeaders(const Headers& headers, curl_slist** list) {
  for (const auto& [name, value] : headers.entries()) {
    if ((name + value).find_first_of("\r\n") != std::string::npos) {
      return InvalidArgument("a line break in request header \"" + name + "\"");
    }
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    *list = curl_slist_append(*list, line.c_str());
  }
  return Status::Ok();
}

Status SetProxy(Transfer* transfer) {
  const ClientProxy& proxy = transfer->request.proxy;
  if (!proxy.from_environment) {
    // An empty text instead of none: the environment does not count.
    curl_easy_setopt(transfer->easy, CURLOPT_PROXY, proxy.url.c_str());
    curl_easy_setopt(transfer->easy, CURLOPT_NOPROXY, proxy.exceptions.c_str());
  }
  if (proxy.connect_headers.entries().empty()) return Status::Ok();
  RETURN_IF_ERROR(AppendHeaders(proxy.connect_headers, &transfer->proxy_headers));
  curl_easy_setopt(transfer->easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  curl_easy_setopt(transfer->easy, CURLOPT_PROXYHEADER, transfer->proxy_headers);
  return Status::Ok();
}

void SetMethodAndBody(CURL* easy, const ClientRequest& request) {
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (has_body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method == "GET") {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

Status Prepare(Transfer* transfer) {
  transfer->easy = curl_easy_init();
  if (transfer->easy == nullptr) return ResourceExhausted("cannot begin a transfer: out of memory");
  CURL* easy = transfer->easy;
  std::string url = transfer->request.url;
  if (!transfer->request.tls.server_name.empty()) RETURN_IF_ERROR(UseServerName(transfer, &url));
  const ClientRequest& request = transfer->request;
  if (curl_easy_setopt(easy, CURLOPT_URL, url.c_str()) != CURLE_OK) {
    return InvalidArgument("bad URL");
  }
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request.follow_redirects ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
  curl_easy_setopt(easy, CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  SetTls(easy, request.tls);
  RETURN_IF_ERROR(SetProxy(transfer));
  SetMethodAndBody(easy, request);
  // Waiting for "100 Continue" would cost a second with servers that do not know it.
  transfer->headers = curl_slist_append(transfer->headers, "Expect:");
  // libcurl would call a body without a content type a form.
  if (!request.headers.Has("Content-Type")) {
    transfer->headers = curl_slist_append(transfer->headers, "Content-Type:");
  }
  RETURN_IF_ERROR(AppendHeaders(request.headers, &transfer->headers));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
  return Status::Ok();
}

class CurlClient : public HttpClient {
 public:
  CurlClient() {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(global == CURLE_OK);
    multi_ = curl_multi_init();
    CHECK(multi_ != nullptr);
    thread_ = std::thread([this] { Run(); });
  }

  ~CurlClient() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  Result<ClientResponse> Do(const ClientRequest& request) override {
    Mutex mutex;
    CondVar condition;
    std::optional<Result<ClientResponse>> answer;
    DoAsync(request, [&](Result<ClientResponse> result) {
      MutexLock lock(mutex);
      answer.emplace(std::move(result));
      condition.NotifyOne();
    });
    MutexLock lock(mutex);
    while (!answer.has_value()) condition.Wait(mutex);
    return *std::move(answer);
  }

  void DoAsync(ClientRequest request, std::function<void(Result<ClientResponse>)> done) override {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    {
      MutexLock lock(mutex_);
      waiting_.push_back(std::move(transfer));
    }
    curl_multi_wakeup(multi_);
  }

 private:
  void Run() {
    for (;;) {
      if (!StartWaiting()) break;
      int running = 0;
      curl_multi_perform(multi_, &running);
      FinishTransfers();
      curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    for (auto& [easy, transfer] : running_) {
      curl_multi_remove_handle(multi_, easy);
      transfer->done(Unavailable("the client is shutting down"));
    }
    running_.clear();
  }

  // False when the client is stopping; everything waiting has been answered then.
  bool StartWaiting() {
    std::deque<std::unique_ptr<Transfer>> fresh;
    bool stopping = false;
    {
      MutexLock lock(mutex_);
      fresh.swap(waiting_);
      stopping = stopping_;
    }
    for (std::unique_ptr<Transfer>& transfer : fresh) {
      Status status =
          stopping ? Unavailable("the client is shutting down") : Prepare(transfer.get());
      if (!status.ok()) {
        transfer->done(std::move(status));
        continue;
      }
      CURL* easy = transfer->easy;
      curl_multi_add_handle(multi_, easy);
      running_.emplace(easy, std::move(transfer));
    }
    return !stopping;
  }

  void FinishTransfers() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_, easy);
      const auto it = running_.find(easy);
      CHECK(it != running_.end());
      const std::unique_ptr<Transfer> transfer = std::move(it->second);
      running_.erase(it);
      if (code != CURLE_OK) {
        transfer->done(FromCurl(code, *transfer));
        continue;
      }
      long status = 0;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      transfer->response.status = static_cast<int>(status);
      transfer->done(std::move(transfer->response));
    }
  }

  CURLM* multi_ = nullptr;
  std::thread thread_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> running_;  // the thread's own
  Mutex mutex_;
  std::deque<std::unique_ptr<Transfer>> waiting_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::Create() { return std::make_unique<CurlClient>(); }

}  // namespace tsdb::net
