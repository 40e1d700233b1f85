#include "server/query_log.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/duration.h"
#include "base/json.h"
#include "server/api/result_json.h"

namespace tsdb::server {
namespace {

class LoggedEngine : public promql::Engine {
 public:
  LoggedEngine(std::unique_ptr<promql::Engine> engine, QueryLog* log)
      : engine_(std::move(engine)), log_(log) {}

  Result<promql::QueryResult> Execute(const promql::QueryRequest& request) override {
    if (!log_->enabled()) return engine_->Execute(request);
    const int64_t start_ns = Clock::Real().MonotonicNs();
    Result<promql::QueryResult> result = engine_->Execute(request);
    log_->Add(request, result, Clock::Real().NowNs(), Clock::Real().MonotonicNs() - start_ns);
    return result;
  }
  std::vector<promql::ActiveQuery> ActiveQueries() const override {
    return engine_->ActiveQueries();
  }
  bool Kill(uint64_t id) override { return engine_->Kill(id); }
  const promql::EngineOptions& options() const override { return engine_->options(); }

 private:
  std::unique_ptr<promql::Engine> engine_;
  QueryLog* log_;
};

}  // namespace

Status QueryLog::SetFile(const std::string& path) {
  std::unique_ptr<std::FILE, Close> file;
  if (!path.empty()) {
    file.reset(std::fopen(path.c_str(), "ae"));
    if (file == nullptr) {
      return FailedPrecondition("cannot open the query log " + path + ": " + std::strerror(errno));
    }
  }
  const MutexLock lock(mutex_);
  file_ = std::move(file);
  return Status::Ok();
}

bool QueryLog::enabled() const {
  const MutexLock lock(mutex_);
  return file_ != nullptr;
}

void QueryLog::Add(const promql::QueryRequest& request, const Result<promql::QueryResult>& result,
                   int64_t end_ns, int64_t duration_ns) {
  if (duration_ns < min_duration_ms_ * 1'000'000) return;
  std::string line;
  JsonWriter json(&line);
  json.BeginObject();
  json.Key("time").String(FormatRfc3339Nano(end_ns));
  json.Key("level").String(result.ok() ? "INFO" : "ERROR");
  json.Key("msg").String("promql query logged");
  json.Key("params").BeginObject();
  json.Key("query").String(request.query);
  json.Key("start").String(FormatRfc3339Ms(request.start_ms));
  json.Key("end").String(FormatRfc3339Ms(request.end_ms));
  json.Key("step").Int(request.step_ms / 1000);
  json.EndObject();
  if (!result.ok()) json.Key("error").String(result.status().message());
  json.Key("seconds").Double(static_cast<double>(duration_ns) / 1e9);
  if (result.ok()) json.Key("stats").Raw(StatsJson(result.value().stats, StatsDetail::kTotals));
  json.Key("origin").String(request.origin);
  json.Key("user").String(request.user);
  json.EndObject();
  line.push_back('\n');
  const MutexLock lock(mutex_);
  if (file_ == nullptr) return;
  // A full disk must not fail the query; the line is lost.
  std::fwrite(line.data(), 1, line.size(), file_.get());
  std::fflush(file_.get());
}

std::unique_ptr<promql::Engine> LogQueries(std::unique_ptr<promql::Engine> engine, QueryLog* log) {
  return std::make_unique<LoggedEngine>(std::move(engine), log);
}

}  // namespace tsdb::server
