// The client against our own server, with and without TLS.
#include "net/http_client.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gtest/gtest.h"
#include "net/http_server.h"
#include "tests/support/child_process.h"

namespace tsdb::net {
namespace {

// Writes a self-signed certificate for "tsdbd.test" and its key.
void MakeCertificate(const std::string& cert_file, const std::string& key_file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("tsdbd.test"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509_EXTENSION* alt =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:tsdbd.test");
  X509_add_ext(cert, alt, -1);
  X509_EXTENSION_free(alt);
  X509_sign(cert, key, EVP_sha256());
  std::FILE* file = std::fopen(cert_file.c_str(), "w");
  PEM_write_X509(file, cert);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : pool_("test", 2, 64), client_(HttpClient::Create()) {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ("http_client_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
  }
  ~HttpClientTest() override {
    client_.reset();
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Start(std::unique_ptr<TlsFiles> tls = nullptr) {
    HttpServerOptions options;
    options.listen_addresses = {"127.0.0.1:0"};
    options.tls = std::move(tls);
    Router router;
    for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
      router.Add(method, "/echo", [](HttpRequest& request) {
        HttpResponse response = HttpResponse::Text(
            200,
            request.method + " " + std::string(request.headers.Get("X-Mine")) + " " + request.body);
        response.headers.Add("X-Host", std::string(request.headers.Get("Host")));
        response.headers.Add("X-Type", std::string(request.headers.Get("Content-Type")));
        return response;
      });
    }
    router.Add("GET", "/big",
               [](HttpRequest&) { return HttpResponse::Text(200, std::string(100'000, 'b')); });
    router.Add("GET", "/moved", [](HttpRequest&) {
      HttpResponse response = HttpResponse::Text(302, "");
      response.headers.Add("Location", "/big");
      return response;
    });
    router.Add("GET", "/slow", [](HttpRequest& request) {
      for (int i = 0; i < 3000 && request.cancel->Check().ok(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      return HttpResponse::Text(200, "late");
    });
    auto server = HttpServer::Start(std::move(options), std::move(router),
                                    {&pool_, &pool_, &pool_, &pool_}, nullptr, nullptr, nullptr);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
  }
  ClientRequest Request(const std::string& path, const std::string& scheme = "http") {
    ClientRequest request;
    request.url = scheme + "://" + server_->addresses()[0] + path;
    return request;
  }
  std::unique_ptr<TlsFiles> Certificate() {
    auto tls = std::make_unique<TlsFiles>();
    tls->cert_file = directory_ / "cert.pem";
    tls->key_file = directory_ / "key.pem";
    MakeCertificate(tls->cert_file, tls->key_file);
    return tls;
  }

  ThreadPool pool_;
  std::filesystem::path directory_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, SendsMethodHeadersAndBody) {
  Start();
  for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
    ClientRequest request = Request("/echo");
    request.method = method;
    request.headers.Add("X-Mine", "yes");
    if (request.method != "GET") request.body = std::string("b\0dy", 4);
    const auto answer = client_->Do(request);
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, std::string(method) + " yes " + request.body);
    EXPECT_EQ(answer->headers.Get("content-type"), "text/plain; charset=utf-8");
  }
}

TEST_F(HttpClientTest, NamesNoContentTypeUnlessTheCallerDoes) {
  Start();
  ClientRequest request = Request("/echo");
  request.method = "POST";
  request.body = "b";
  EXPECT_EQ(client_->Do(request)->headers.Get("X-Type"), "");
  request.headers.Add("content-type", "text/csv");
  EXPECT_EQ(client_->Do(request)->headers.Get("X-Type"), "text/csv");
}

TEST_F(HttpClientTest, FollowsRedirectsOnlyWhenAsked) {
  Start();
  ClientRequest request = Request("/moved");
  EXPECT_EQ(client_->Do(request)->body.size(), 100'000U);
  request.follow_redirects = false;
  EXPECT_EQ(client_->Do(request)->status, 302);
}

TEST_F(HttpClientTest, TellsApartWhatWentWrong) {
  Start();
  ClientRequest large = Request("/big");
  large.max_response_bytes = 1000;
  EXPECT_EQ(client_->Do(large).status().code(), StatusCode::kResourceExhausted);
  ClientRequest slow = Request("/slow");
  slow.timeout_ms = 50;
  EXPECT_EQ(client_->Do(slow).status().code(), StatusCode::kDeadlineExceeded);
  ClientRequest bad;
  bad.url = "gopher://127.0.0.1/";
  EXPECT_EQ(client_->Do(bad).status().code(), StatusCode::kInvalidArgument);
  ClientRequest injected = Request("/echo");
  injected.headers.Add("X-Mine", "a\r\nX-Other: b");
  EXPECT_EQ(client_->Do(injected).status().code(), StatusCode::kInvalidArgument);
  ClientRequest nobody = Request("/echo");
  server_->Stop(0);
  EXPECT_EQ(client_->Do(nobody).status().code(), StatusCode::kUnavailable);
}

TEST_F(HttpClientTest, AnswersWhatIsUnderWayWhenDestroyed) {
  Start();
  std::atomic<int> answered{0};
  for (int i = 0; i < 3; ++i) {
    client_->DoAsync(Request("/slow"), [&](Result<ClientResponse> result) {
      EXPECT_EQ(result.status().code(), StatusCode::kUnavailable);
      answered.fetch_add(1);
    });
  }
  client_.reset();
  EXPECT_EQ(answered.load(), 3);
}

TEST_F(HttpClientTest, TalksTlsAndVerifiesTheServer) {
  Start(Certificate());
  ClientRequest request = Request("/big", "https");
  EXPECT_EQ(client_->Do(request).status().code(), StatusCode::kUnavailable);  // unknown issuer
  request.tls.ca_file = directory_ / "cert.pem";
  EXPECT_EQ(client_->Do(request).status().code(), StatusCode::kUnavailable);  // another name
  request.tls.server_name = "tsdbd.test";
  const auto named = client_->Do(request);
  ASSERT_TRUE(named.ok()) << named.status().ToString();
  EXPECT_EQ(named->body.size(), 100'000U);
  request = Request("/echo", "https");
  request.tls.insecure_skip_verify = true;
  request.method = "POST";
  request.body = std::string(300'000, 'p');
  const auto unverified = client_->Do(request);
  ASSERT_TRUE(unverified.ok()) << unverified.status().ToString();
  EXPECT_EQ(unverified->body.size(), 6 + 300'000U);
}

TEST_F(HttpClientTest, AsksForClientCertificateWhenConfigured) {
  auto tls = Certificate();
  tls->client_ca_file = tls->cert_file;
  tls->require_client_cert = true;
  Start(std::move(tls));
  ClientRequest request = Request("/big", "https");
  request.tls.insecure_skip_verify = true;
  EXPECT_FALSE(client_->Do(request).ok());
  request.tls.cert_file = directory_ / "cert.pem";
  request.tls.key_file = directory_ / "key.pem";
  const auto answer = client_->Do(request);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpClientTest, TakesCertificatesAsTextAndKeepsToProtocolVersions) {
  auto tls = Certificate();
  tls->client_ca_file = tls->cert_file;
  tls->require_client_cert = true;
  Start(std::move(tls));
  ClientRequest request = Request("/big", "https");
  request.tls.server_name = "tsdbd.test";
  request.tls.ca = request.tls.cert = testing::ReadFile((directory_ / "cert.pem").string());
  request.tls.key = testing::ReadFile((directory_ / "key.pem").string());
  for (const TlsVersion version : {TlsVersion::kTls12, TlsVersion::kTls13}) {
    request.tls.min_version = request.tls.max_version = version;
    const auto answer = client_->Do(request);
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 200);
  }
  request.tls.min_version = request.tls.max_version = TlsVersion::kTls11;  // the server has none
  EXPECT_EQ(client_->Do(request).status().code(), StatusCode::kUnavailable);
}

TEST_F(HttpClientTest, GoesThroughAProxyButForItsExceptions) {
  Start();
  ClientRequest request;
  request.url = "http://nowhere.invalid/echo";
  request.proxy.url = "http://" + server_->addresses()[0];
  request.proxy.connect_headers.Add("X-Mine", "through");
  const auto answer = client_->Do(request);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->body, "GET through ");
  EXPECT_EQ(answer->headers.Get("X-Host"), "nowhere.invalid");
  request.proxy.exceptions = "nowhere.invalid,other";
  EXPECT_EQ(client_->Do(request).status().code(), StatusCode::kUnavailable);
}

TEST_F(HttpClientTest, TakesAProxyOfTheEnvironmentOnlyWhenAsked) {
  Start();
  ClientRequest request;
  request.url = "http://nowhere.invalid/echo";
  setenv("http_proxy", ("http://" + server_->addresses()[0]).c_str(), 1);
  EXPECT_EQ(client_->Do(request).status().code(), StatusCode::kUnavailable);
  request.proxy.from_environment = true;
  const auto answer = client_->Do(request);
  unsetenv("http_proxy");
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpClientTest, ServerNamesTheTlsFileItCannotUse) {
  HttpServerOptions options;
  options.listen_addresses = {"127.0.0.1:0"};
  options.tls = std::make_unique<TlsFiles>();
  options.tls->cert_file = "/nonexistent/cert.pem";
  auto server = HttpServer::Start(std::move(options), Router(), {&pool_, &pool_, &pool_, &pool_},
                                  nullptr, nullptr, nullptr);
  EXPECT_EQ(server.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(server.status().message().find("/nonexistent/cert.pem"), std::string::npos);
}

}  // namespace
}  // namespace tsdb::net
