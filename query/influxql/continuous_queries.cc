#include "query/influxql/continuous_queries.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "query/influxql/parser.h"
#include "query/influxql/select_compile.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kTickMs = 1000;

int64_t Truncate(int64_t time, int64_t length, const std::shared_ptr<const TimeZone>& zone) {
  return Windows({length, 0}, TimeRange(), zone).Of(time).start;
}

ExprPtr TimeCondition(const TimeRange& range) {
  const ExprPtr time = VarRef("time");
  return Binary(Token::kAnd, Binary(Token::kGreaterEq, time, TimeLiteral(range.min)),
                Binary(Token::kLessEq, time, TimeLiteral(range.max)));
}

// The SELECT of a stored query over one range; kInvalidArgument for what cannot run.
Result<CreateContinuousQueryStatement> ParseStored(const StoredQuery& stored) {
  ASSIGN_OR_RETURN(std::vector<Statement> statements, ParseQuery(stored.query));
  auto* query =
      statements.empty() ? nullptr : std::get_if<CreateContinuousQueryStatement>(&statements[0]);
  if (query == nullptr || !query->select.target) {
    return InvalidArgument("this is no valid continuous query");
  }
  return std::move(*query);
}

Status RunOne(const ExecutorServices& services, const StoredQuery& stored, CancelToken* cancel,
              bool* ran) {
  ASSIGN_OR_RETURN(CreateContinuousQueryStatement query, ParseStored(stored));
  const int64_t now_ns = services.clock->NowNs();
  ASSIGN_OR_RETURN(const CompiledSelect compiled, CompileSelect(query.select, {now_ns}));
  if (compiled.is_raw) return InvalidArgument("continuous queries must be aggregate queries");
  if (compiled.interval.empty()) return Status::Ok();
  const ContinuousSchedule schedule = {compiled.interval, query.resample_every_ns,
                                       query.resample_for_ns, query.select.zone};
  const std::optional<ContinuousRun> run = PlanContinuousRun(schedule, stored.last_run_ns, now_ns);
  if (!run.has_value()) return Status::Ok();
  RETURN_IF_ERROR(services.queries->NoteRun(stored.database, stored.name, run->last_run_ns));
  if (run->range.empty()) return Status::Ok();
  *ran = true;
  SelectStatement& select = query.select;
  const ExprPtr time = TimeCondition(run->range);
  select.condition = select.condition ? Binary(Token::kAnd, Paren(select.condition), time) : time;
  RequestOptions options;
  options.database = stored.database;
  std::vector<Statement> statements;
  statements.emplace_back(std::move(select));
  QueryRun execution(services, std::move(statements), std::move(options), cancel);
  StatementResult result;
  while (execution.Next(&result)) {
    if (result.has_error) return InvalidArgument(result.error);
  }
  return Status::Ok();
}

}  // namespace

std::optional<ContinuousRun> PlanContinuousRun(const ContinuousSchedule& schedule,
                                               int64_t last_run_ns, int64_t now_ns) {
  const int64_t interval = schedule.interval.length_ns;
  const int64_t offset = schedule.interval.offset_ns;
  int64_t every = schedule.every_ns > 0 ? schedule.every_ns : interval;
  int64_t due_ns = now_ns;
  if (last_run_ns != 0) {
    if (__builtin_add_overflow(last_run_ns, every, &due_ns) || due_ns > now_ns) return std::nullopt;
  }
  ContinuousRun run;
  const auto truncate = [&](int64_t time, int64_t to) {
    return WrapAdd(Truncate(WrapSub(time, offset), to, schedule.zone), offset);
  };
  run.last_run_ns = truncate(now_ns, every);
  int64_t length = interval;
  if (schedule.for_ns > 0) {
    length = schedule.for_ns;
  } else if (interval < every) {
    length = every;
  }
  every = std::min(every, interval);
  // A sum on the way may not fit though the time does.
  run.range.min = truncate(WrapSub(WrapAdd(due_ns, interval), WrapAdd(length, 1)), interval);
  run.range.max = WrapSub(truncate(WrapSub(WrapAdd(now_ns, interval), every), interval), 1);
  return run;
}

void ContinuousQueries::RunDue(const ExecutorServices& services, CancelToken* cancel, Counter* ok,
                               Counter* failed) {
  for (const StoredQuery& stored : services.queries->List()) {
    if (!cancel->Check().ok()) return;
    bool ran = false;
    const Status status = RunOne(services, stored, cancel, &ran);
    if (status.ok()) {
      if (ran && ok != nullptr) ok->Increment();
      continue;
    }
    if (failed != nullptr) failed->Increment();
    LogWarn("a continuous query failed",
            {{"database", stored.database}, {"query", stored.name}, {"error", status.message()}});
  }
}

struct ContinuousQueries::Impl {
  const ExecutorServices* services = nullptr;
  Counter* ok = nullptr;
  Counter* failed = nullptr;
  CancelToken cancel;
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::thread thread;

  void Loop() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      wake.wait_for(lock, std::chrono::milliseconds(kTickMs));
      if (stopping) return;
      lock.unlock();
      RunDue(*services, &cancel, ok, failed);
      lock.lock();
    }
  }
};

ContinuousQueries::ContinuousQueries(const ExecutorServices* services, MetricsRegistry* metrics)
    : impl_(std::make_unique<Impl>()) {
  impl_->services = services;
  if (metrics != nullptr) {
    constexpr const char* kHelp = "Runs of continuous queries, by outcome.";
    impl_->ok =
        metrics->AddCounter("tsdbd_continuous_query_runs_total", kHelp, {{"outcome", "ok"}});
    impl_->failed =
        metrics->AddCounter("tsdbd_continuous_query_runs_total", kHelp, {{"outcome", "failed"}});
  }
  impl_->thread = std::thread([impl = impl_.get()] { impl->Loop(); });
}

ContinuousQueries::~ContinuousQueries() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->cancel.Cancel(StatusCode::kCancelled);
  impl_->wake.notify_all();
  impl_->thread.join();
}

}  // namespace tsdb::influxql
