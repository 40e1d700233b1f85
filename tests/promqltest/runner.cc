#include "tests/promqltest/runner.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "query/promql/engine.h"
#include "query/promql/functions.h"
#include "query/promql/parser.h"
#include "query/promql/printer.h"
#include "tests/promqltest/compare.h"
#include "tests/promqltest/nhcb.h"
#include "tests/promqltest/test_file.h"
#include "tests/support/memory_storage.h"

namespace tsdb::promqltest {
namespace {

using promql::QueryRequest;
using promql::QueryResult;
using promql::ResultKind;

constexpr int64_t kMinuteMs = 60'000;

// Functions whose result goes by the evaluation time even when their arguments do not.
bool DependsOnEvalTime(std::string_view function) {
  static constexpr std::string_view kNames[] = {
      "days_in_month", "day_of_month", "day_of_week", "day_of_year", "end",
      "hour",          "minute",       "month",       "year",        "predict_linear",
      "range",         "start",        "step",        "time",        "timestamp"};
  return std::find(std::begin(kNames), std::end(kNames), function) != std::end(kNames);
}

bool MentionsQueryBounds(std::string_view query) {
  for (const std::string_view call : {"start()", "end()", "range()", "step()"}) {
    if (query.find(call) != std::string_view::npos) return true;
  }
  return false;
}

// Puts `@ at_ms` on what has no time of its own, except inside a subquery that has one (now every
// subquery does). Start and end bounds are replaced: they would follow the evaluation time.
void PinTimes(promql::Expr* expr, int64_t at_ms) {
  promql::TimeModifiers* time = nullptr;
  if (auto* selector = promql::As<promql::VectorSelector>(*expr)) time = &selector->time;
  if (auto* matrix = promql::As<promql::MatrixSelector>(*expr)) time = &matrix->selector->time;
  if (auto* subquery = promql::As<promql::SubqueryExpr>(*expr)) time = &subquery->time;
  if (time == nullptr) {
    for (const promql::Expr* child : promql::Children(*expr)) {
      PinTimes(const_cast<promql::Expr*>(child), at_ms);
    }
  } else if (!time->at_ms.has_value()) {
    time->at_ms = at_ms;
    time->at_bound = promql::AtBound::kNone;
  }
}

bool CallsTimeDependentFunction(const promql::Expr& expr) {
  bool found = false;
  promql::Walk(expr, [&found](const promql::Expr& node, const promql::Path& path) {
    const auto* call = promql::As<promql::Call>(node);
    if (call == nullptr || !DependsOnEvalTime(call->function->name)) return;
    // What stands in a subquery with a time of its own stays as it is.
    const bool pinned = std::any_of(path.begin(), path.end(), [](const promql::Expr* above) {
      return above->kind() == promql::NodeKind::kSubquery;
    });
    found = found || !pinned;
  });
  return found;
}

struct InstantRun {
  std::string query;
  int64_t eval_ms = 0;
};

std::vector<InstantRun> RunsOf(const EvalCommand& command) {
  std::vector<InstantRun> runs = {{command.query, command.eval_ms}};
  Result<promql::ExprPtr> expr = promql::ParseExpr(command.query, AllFeatures());
  CHECK(expr.ok());  // the file was parsed
  if (CallsTimeDependentFunction(**expr)) return runs;
  PinTimes(expr->get(), command.eval_ms);
  const std::string pinned = promql::ExprToString(**expr);
  const int64_t t = command.eval_ms;
  const std::vector<int64_t> times = t == 0 ? std::vector<int64_t>{-1000, 0, 1000}
                                            : std::vector<int64_t>{-10 * t, 0, t / 5, t, 10 * t};
  for (const int64_t time : times) runs.push_back({pinned, time});
  return runs;
}

class Runner {
 public:
  Runner() : engine_(CreateEngine(&storage_)) {}

  FileReport Run(const std::vector<Command>& commands);

 private:
  static std::unique_ptr<promql::Engine> CreateEngine(const MemoryStorage* storage);

  Status Load(const LoadCommand& command);
  Status Eval(const EvalCommand& command);
  Status RunInstant(const EvalCommand& command, const InstantRun& run);
  Status RunAsRange(const EvalCommand& command, const InstantRun& run, ResultKind kind);
  Result<QueryResult> Execute(const std::string& query, int64_t start_ms, int64_t end_ms,
                              int64_t step_ms);
  // OK when the failure is the expected one.
  static Status CheckFailure(const EvalCommand& command, const Status& failure);

  MemoryStorage storage_;
  std::unique_ptr<promql::Engine> engine_;
};

std::unique_ptr<promql::Engine> Runner::CreateEngine(const MemoryStorage* storage) {
  promql::EngineOptions options;
  options.max_samples = 10'000;
  options.features = AllFeatures();
  return promql::Engine::Create(options, storage, /*pool=*/nullptr, /*metrics=*/nullptr);
}

FileReport Runner::Run(const std::vector<Command>& commands) {
  FileReport report;
  for (const Command& command : commands) {
    if (std::holds_alternative<ClearCommand>(command)) {
      storage_.Clear();
    } else if (const auto* load = std::get_if<LoadCommand>(&command)) {
      const Status status = Load(*load);
      if (!status.ok()) report.failures.push_back({load->line, "", status.message()});
    } else {
      const auto& eval = std::get<EvalCommand>(command);
      const Status status = Eval(eval);
      if (status.ok()) {
        ++report.passed;
      } else {
        report.failures.push_back({eval.line, eval.query, status.message()});
      }
    }
  }
  return report;
}

Status Runner::Load(const LoadCommand& command) {
  std::vector<NhcbInput> all;
  for (const LoadCommand::Series& series : command.series) {
    NhcbInput& loaded = all.emplace_back();
    loaded.labels = series.labels;
    for (size_t i = 0; i < series.values.size(); ++i) {
      const promql::SequenceValue& value = series.values[i];
      if (value.omitted) continue;
      MemoryStorage::Sample sample;
      sample.timestamp_ms = static_cast<int64_t>(i) * command.step_ms;
      sample.value = value.value;
      sample.histogram = value.histogram;
      if (!series.start_offsets_ms.empty() && series.start_offsets_ms[i].has_value()) {
        sample.start_timestamp_ms = sample.timestamp_ms + *series.start_offsets_ms[i];
      }
      loaded.samples.push_back(std::move(sample));
    }
  }
  if (command.with_nhcb) {
    ASSIGN_OR_RETURN(std::vector<NhcbInput> converted, ConvertToNhcb(all));
    for (NhcbInput& series : converted) all.push_back(std::move(series));
  }
  for (const NhcbInput& series : all) {
    for (const MemoryStorage::Sample& sample : series.samples) {
      RETURN_IF_ERROR(storage_.Append(series.labels, sample));
    }
  }
  return Status::Ok();
}

Result<QueryResult> Runner::Execute(const std::string& query, int64_t start_ms, int64_t end_ms,
                                    int64_t step_ms) {
  QueryRequest request;
  request.query = query;
  request.start_ms = start_ms;
  request.end_ms = end_ms;
  request.step_ms = step_ms;
  return engine_->Execute(request);
}

Status Runner::CheckFailure(const EvalCommand& command, const Status& failure) {
  if (!command.fail.has_value()) return InvalidArgument("query failed: " + failure.message());
  if (command.fail->Matches(failure.message())) return Status::Ok();
  return InvalidArgument("expected failure with " + command.fail->Description() + ", got " +
                         failure.message());
}

Status Runner::Eval(const EvalCommand& command) {
  if (!command.is_range) {
    for (const InstantRun& run : RunsOf(command)) {
      if (Status status = RunInstant(command, run); !status.ok()) {
        return std::move(status).Annotate(run.query + " at " + std::to_string(run.eval_ms) + " ms");
      }
    }
    return Status::Ok();
  }
  const Result<QueryResult> result =
      Execute(command.query, command.start_ms, command.end_ms, command.step_ms);
  if (!result.ok()) return CheckFailure(command, result.status());
  if (command.fail.has_value())
    return InvalidArgument("expected a failure, but the query succeeded");
  RETURN_IF_ERROR(CompareAnnotations(command, *result));
  return CompareResult(command, *result);
}

Status Runner::RunInstant(const EvalCommand& command, const InstantRun& run) {
  const Result<QueryResult> result = Execute(run.query, run.eval_ms, run.eval_ms, 0);
  if (!result.ok()) return CheckFailure(command, result.status());
  if (command.fail.has_value())
    return InvalidArgument("expected a failure, but the query succeeded");
  RETURN_IF_ERROR(CompareAnnotations(command, *result));
  RETURN_IF_ERROR(CompareResult(command, *result));
  if (command.instant_only || MentionsQueryBounds(run.query)) return Status::Ok();
  return RunAsRange(command, run, result->kind).Annotate("as a range query");
}

// The sample in the middle of a short range query must be what the instant query gave.
Status Runner::RunAsRange(const EvalCommand& command, const InstantRun& run, ResultKind kind) {
  Result<QueryResult> result =
      Execute(run.query, run.eval_ms - kMinuteMs, run.eval_ms + kMinuteMs, kMinuteMs);
  if (!result.ok()) return InvalidArgument("query failed: " + result.status().message());
  if (result->kind != ResultKind::kMatrix) return InvalidArgument("the result is no matrix");
  if (command.ordered) return Status::Ok();
  RETURN_IF_ERROR(CheckMatrixSorted(result->matrix));
  QueryResult middle;
  middle.kind = kind;
  for (const promql::MatrixSeries& series : result->matrix) {
    promql::VectorSample sample;
    sample.labels = series.labels;
    sample.timestamp_ms = run.eval_ms;
    size_t found = 0;
    for (const FloatSample& point : series.floats) {
      if (point.timestamp != run.eval_ms) continue;
      sample.value = point.value;
      ++found;
    }
    for (const auto& [timestamp_ms, histogram] : series.histograms) {
      if (timestamp_ms != run.eval_ms) continue;
      sample.histogram = histogram;
      ++found;
    }
    if (found > 1) return InvalidArgument("two samples at one step of " + series.labels.ToString());
    if (found == 1) middle.vector.push_back(std::move(sample));
  }
  if (kind == ResultKind::kScalar) {
    if (middle.vector.size() != 1) return InvalidArgument("a scalar has no sample in the middle");
    middle.scalar.value = middle.vector[0].value;
  }
  return CompareResult(command, middle);
}

}  // namespace

FileReport RunTestText(std::string_view text) {
  const Result<std::vector<Command>> commands = ParseTestFile(text);
  if (!commands.ok()) {
    FileReport report;
    report.failures.push_back({0, "", commands.status().message()});
    return report;
  }
  return Runner().Run(*commands);
}

}  // namespace tsdb::promqltest
