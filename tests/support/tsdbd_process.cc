#include "tests/support/tsdbd_process.h"

#include <filesystem>

#include <signal.h>

#include "base/number.h"
#include "base/text.h"

namespace tsdb::testing {

std::string EncodeForm(const QueryParameters& parameters) {
  std::string form;
  for (const auto& [name, value] : parameters) {
    if (!form.empty()) form += '&';
    form += PercentEncode(name) + "=" + PercentEncode(value);
  }
  return form;
}

std::string ProgramPath(std::string_view name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

TsdbdProcess::TsdbdProcess(std::string data_directory, std::vector<std::string> arguments)
    : data_directory_(std::move(data_directory)),
      arguments_(std::move(arguments)),
      log_file_(data_directory_ + ".log"),
      port_(FreePort()),
      client_(net::HttpClient::Create()) {}

std::string TsdbdProcess::url() const { return "http://127.0.0.1:" + std::to_string(port_); }

Status TsdbdProcess::Start(int64_t timeout_ms) {
  ChildProcess::Options options;
  options.arguments = {ProgramPath("tsdbd"), "--storage.path=" + data_directory_,
                       "--web.listen-address=127.0.0.1:" + std::to_string(port_)};
  options.arguments.insert(options.arguments.end(), arguments_.begin(), arguments_.end());
  options.log_file = log_file_;
  ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Start(options));
  process_ = std::move(process);
  bool ready = false;
  Eventually(timeout_ms, [&] {
    const Result<net::ClientResponse> answer = Get("/-/ready");
    ready = answer.ok() && answer->status == 200;
    return ready || !process_->Running();
  });
  if (ready) return Status::Ok();
  return Unavailable("tsdbd is not ready:\n" + ReadFile(log_file_));
}

Result<int> TsdbdProcess::Stop(int64_t timeout_ms) {
  process_->Signal(SIGTERM);
  return process_->Wait(timeout_ms);
}

void TsdbdProcess::Kill() {
  process_->Signal(SIGKILL);
  process_.reset();
}

Result<net::ClientResponse> TsdbdProcess::Get(const std::string& path,
                                              const QueryParameters& parameters) {
  net::ClientRequest request;
  request.url = url() + path + (parameters.empty() ? "" : "?" + EncodeForm(parameters));
  return client_->Do(request);
}

Result<net::ClientResponse> TsdbdProcess::Post(const std::string& path, std::string body,
                                               std::vector<net::Headers::Entry> headers) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = url() + path;
  request.body = std::move(body);
  request.timeout_ms = 30'000;
  for (auto& [name, value] : headers) request.headers.Add(std::move(name), std::move(value));
  return client_->Do(request);
}

Result<net::ClientResponse> TsdbdProcess::PostForm(const std::string& path,
                                                   const QueryParameters& parameters) {
  return Post(path, EncodeForm(parameters),
              {{"Content-Type", "application/x-www-form-urlencoded"}});
}

Result<JsonValue> TsdbdProcess::Api(const std::string& path, const QueryParameters& parameters) {
  ASSIGN_OR_RETURN(net::ClientResponse answer, Get(path, parameters));
  if (answer.status != 200) {
    return FailedPrecondition(path + ": " + std::to_string(answer.status) + " " + answer.body);
  }
  ASSIGN_OR_RETURN(JsonValue document, JsonValue::Parse(answer.body));
  return document.Find("data");
}

Result<JsonValue> TsdbdProcess::Query(const std::string& promql, std::optional<double> time) {
  QueryParameters parameters = {{"query", promql}};
  if (time) parameters.emplace_back("time", FormatFloat(*time));
  ASSIGN_OR_RETURN(JsonValue data, Api("/api/v1/query", parameters));
  return data.Find("result");
}

std::optional<double> TsdbdProcess::QueryOne(const std::string& promql,
                                             std::optional<double> time) {
  const Result<JsonValue> result = Query(promql, time);
  if (!result.ok() || result->array().size() != 1) return std::nullopt;
  const std::vector<JsonValue>& value = result->array()[0].Find("value").array();
  return value.size() == 2 ? ParseFloat(value[1].text()) : std::nullopt;
}

}  // namespace tsdb::testing
