#include "tools/tsdbctl/api_client.h"

#include <fstream>

#include "base/text.h"

namespace tsdb::tsdbctl {
namespace {

Result<std::string> FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return InvalidArgument("cannot read a line from " + path);
  return std::string(TrimSpace(line));
}

std::string Encode(const Parameters& parameters) {
  std::string encoded;
  for (const auto& [name, value] : parameters) {
    if (!encoded.empty()) encoded += '&';
    encoded += PercentEncode(name) + "=" + PercentEncode(value);
  }
  return encoded;
}

}  // namespace

ApiClient::ApiClient(Connection connection)
    : connection_(std::move(connection)), http_(net::HttpClient::Create()) {
  while (connection_.url.ends_with('/')) connection_.url.pop_back();
}

Result<std::unique_ptr<ApiClient>> ApiClient::Create(const Connection& connection) {
  if (connection.user.empty() != connection.password_file.empty()) {
    return InvalidArgument("--user and --password-file belong together");
  }
  if (!connection.user.empty() && !connection.token_file.empty()) {
    return InvalidArgument("either --user or --token-file");
  }
  std::unique_ptr<ApiClient> client(new ApiClient(connection));
  if (!connection.token_file.empty()) {
    ASSIGN_OR_RETURN(const std::string token, FirstLine(connection.token_file));
    client->authorization_ = "Bearer " + token;
  } else if (!connection.user.empty()) {
    ASSIGN_OR_RETURN(const std::string password, FirstLine(connection.password_file));
    client->authorization_ = "Basic " + Base64Encode(connection.user + ":" + password);
  }
  return client;
}

Result<net::ClientResponse> ApiClient::Send(std::string method, const std::string& path,
                                            const Parameters& parameters, std::string body,
                                            std::vector<net::Headers::Entry> headers) {
  net::ClientRequest request;
  request.method = std::move(method);
  request.url = connection_.url + path;
  if (!parameters.empty()) request.url += "?" + Encode(parameters);
  request.body = std::move(body);
  request.timeout_ms = connection_.timeout_ms;
  request.max_response_bytes = size_t{1} << 30;
  for (auto& [name, value] : headers) request.headers.Add(std::move(name), std::move(value));
  if (!authorization_.empty()) request.headers.Set("Authorization", authorization_);
  Result<net::ClientResponse> answer = http_->Do(request);
  if (!answer.ok()) {
    return std::move(answer).status().Annotate("cannot reach tsdbd at " + connection_.url);
  }
  return answer;
}

Result<JsonValue> ApiClient::ParseAnswer(const net::ClientResponse& answer) {
  Result<JsonValue> document = JsonValue::Parse(answer.body);
  if (answer.status / 100 == 2 && document.ok()) return document;
  const std::string error = document.ok() ? document->StringOr("error", "") : "";
  std::string text = error.empty() ? std::string(TrimSpace(answer.body.substr(0, 500))) : error;
  return FailedPrecondition(text.empty() ? "HTTP status " + std::to_string(answer.status) : text);
}

Result<JsonValue> ApiClient::GetDocument(const std::string& path, const Parameters& parameters) {
  ASSIGN_OR_RETURN(const net::ClientResponse answer, Send("GET", path, parameters, "", {}));
  return ParseAnswer(answer);
}

Result<JsonValue> ApiClient::PostForm(const std::string& path, const Parameters& parameters) {
  ASSIGN_OR_RETURN(const net::ClientResponse answer,
                   Send("POST", path, {}, Encode(parameters),
                        {{"Content-Type", "application/x-www-form-urlencoded"}}));
  return ParseAnswer(answer);
}

}  // namespace tsdb::tsdbctl
