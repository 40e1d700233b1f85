#include "query/influxql/executor.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

#include "query/influxql/select_compile.h"
#include "query/influxql/select_prepare.h"
#include "query/influxql/show.h"
#include "query/influxql/statement_runner.h"

namespace tsdb::influxql {
namespace {

constexpr std::string_view kNotExecuted = "not executed";

bool IsTopLevelSystemName(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"_fieldKeys", "_measurements", "_series", "_tagKeys", "_tags"});
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Measurements of InfluxDB's own that no SELECT may name.
Status CheckSystemSources(const SelectStatement& select) {
  for (const Source& source : select.sources) {
    if (!IsTopLevelSystemName(source.name)) continue;
    std::string_view command = "SHOW TAG VALUES";
    if (source.name == "_fieldKeys") command = "SHOW FIELD KEYS";
    if (source.name == "_measurements") command = "SHOW MEASUREMENTS";
    if (source.name == "_series") command = "SHOW SERIES";
    if (source.name == "_tagKeys") command = "SHOW TAG KEYS";
    return InvalidArgument("unable to use system source '" + source.name + "': use " +
                           std::string(command) + " instead");
  }
  return Status::Ok();
}

// The tags that top() and bottom() name stand behind a row's columns where it is to be written.
void TakeTags(const PreparedSelect& select, ResultRow* row) {
  const size_t columns = select.columns.size();
  if (row->values.size() <= columns) return;
  SeriesKey key = *row->series;
  size_t at = columns;
  for (const SelectField& field : select.fields) {
    const Expr& call = *field.expr;
    if (call.text != "top" && call.text != "bottom") continue;
    for (size_t i = 1; i + 1 < call.args.size() && at < row->values.size(); ++i, ++at) {
      const auto* value = std::get_if<std::string>(&row->values[at]);
      const std::string& name = call.args[i]->text;
      std::erase_if(key.tags, [&](const auto& tag) { return tag.first == name; });
      if (value != nullptr) key.tags.emplace_back(name, *value);
    }
  }
  std::sort(key.tags.begin(), key.tags.end());
  row->values.resize(columns);
  row->series = std::make_shared<const SeriesKey>(std::move(key));
}

}  // namespace

QueryRun::QueryRun(const ExecutorServices& services, std::vector<Statement> statements,
                   RequestOptions options, CancelToken* cancel)
    : services_(services),
      statements_(std::move(statements)),
      options_(std::move(options)),
      cancel_(cancel) {}

Schema* QueryRun::NewSchema() {
  schema_ = std::make_unique<Schema>(services_.storage, cancel_, services_.clock->NowNs());
  schema_->set_max_values(services_.max_values);
  return schema_.get();
}

void QueryRun::Fail(const Status& status, StatementResult* result) {
  result->series.clear();
  result->messages.clear();
  result->has_error = true;
  result->partial = false;
  result->error = status.code() == StatusCode::kCancelled ? "query interrupted" : status.message();
  cursor_.reset();
  failed_ = true;
  // InfluxDB says so of as many as are left, but under the number of the one that failed.
  not_executed_ = statements_.size() - at_ - 1;
}

bool QueryRun::Next(StatementResult* result) {
  *result = StatementResult();
  result->statement_id = static_cast<int64_t>(at_);
  if (failed_) {
    if (not_executed_ == 0) return false;
    --not_executed_;
    result->has_error = true;
    result->error = kNotExecuted;
    return true;
  }
  if (at_ == statements_.size()) return false;
  Status status;
  if (!pieces_.empty()) {
    *result = std::move(pieces_.front());
    pieces_.pop_front();
    if (pieces_.empty()) ++at_;
    return true;
  }
  if (cursor_ == nullptr) {
    Begin(&statements_[at_], result);
    if (failed_) return true;
  }
  if (cursor_ != nullptr) {
    status = Rows(result);
    if (!status.ok()) {
      Fail(status, result);
      return true;
    }
  }
  if (cursor_ == nullptr && pieces_.empty()) ++at_;
  return true;
}

void QueryRun::Begin(Statement* statement, StatementResult* result) {
  if (const auto* select = std::get_if<SelectStatement>(statement)) {
    if (const Status status = CheckSystemSources(*select); !status.ok()) {
      result->statement_id = 0;
      return Fail(status, result);
    }
  }
  if (const auto* show = std::get_if<ShowSchemaStatement>(statement)) {
    if (const Status status = CheckShowTime(*show); !status.ok()) {
      result->statement_id = 0;  // InfluxDB does not say which statement it was
      return Fail(status, result);
    }
  }
  Status status =
      Normalize(statement, options_.database, options_.policy, services_.storage->catalog());
  if (!status.ok()) return Fail(status, result);
  if (const auto* select = std::get_if<SelectStatement>(statement)) {
    status = BeginSelect(*select, result);
  } else {
    StatementRunner runner{services_, options_, NewSchema(), result};
    status = std::visit(runner, *statement);
    const auto* show = std::get_if<ShowSchemaStatement>(statement);
    if (status.ok() && show != nullptr) Divide(*show, result);
  }
  if (!status.ok()) Fail(status, result);
}

Status QueryRun::BeginSelect(const SelectStatement& select, StatementResult* result) {
  Schema* schema = NewSchema();
  ASSIGN_OR_RETURN(const CompiledSelect compiled, CompileSelect(select, {schema->now_ns()}));
  ASSIGN_OR_RETURN(prepared_, PrepareSelect(compiled, schema));
  ASSIGN_OR_RETURN(cursor_, OpenSelect(prepared_, schema));
  ahead_.reset();
  emitted_ = false;
  if (select.target) {
    RETURN_IF_ERROR(RunInto(select, result));
    cursor_.reset();
  }
  return Status::Ok();
}

Status QueryRun::Rows(StatementResult* result) {
  ResultSeries series;
  series.has_times = true;
  series.columns.push_back(prepared_->time_name);
  series.columns.insert(series.columns.end(), prepared_->columns.begin(), prepared_->columns.end());
  SeriesKeyPtr key;
  for (;;) {
    if (!ahead_.has_value()) {
      ResultRow row;
      ASSIGN_OR_RETURN(const bool more, cursor_->Next(&row));
      if (!more) {
        cursor_.reset();
        break;
      }
      RETURN_IF_ERROR(schema_->CountRow(options_.streams ? 0 : row.values.size() + 1));
      ahead_ = std::move(row);
    }
    if (key == nullptr) key = ahead_->series;
    const bool same = key == ahead_->series || *key == *ahead_->series;
    if (!same || series.rows.size() >= options_.chunk_size) {
      series.partial = same;
      result->partial = true;
      break;
    }
    series.times.push_back(ahead_->time);
    series.rows.push_back(std::move(ahead_->values));
    ahead_.reset();
  }
  if (key == nullptr) return Status::Ok();
  series.name = key->name;
  series.zone = prepared_->zone;
  series.tags = key->tags;
  result->series.push_back(std::move(series));
  emitted_ = true;
  return Status::Ok();
}

void QueryRun::Divide(const ShowSchemaStatement& show, StatementResult* result) {
  using SchemaKind = ShowSchemaStatement::Kind;
  if (show.kind == SchemaKind::kMeasurements) return;
  const bool of_tags = !show.cardinality &&
                       (show.kind == SchemaKind::kTagKeys || show.kind == SchemaKind::kTagValues);
  const size_t size = of_tags ? std::numeric_limits<size_t>::max() : options_.chunk_size;
  for (ResultSeries& series : result->series) {
    size_t begin = 0;
    do {
      const size_t end = begin + std::min(size, series.rows.size() - begin);
      StatementResult piece;
      piece.statement_id = result->statement_id;
      ResultSeries part;
      part.name = series.name;
      part.columns = series.columns;
      part.rows.assign(std::make_move_iterator(series.rows.begin() + static_cast<ptrdiff_t>(begin)),
                       std::make_move_iterator(series.rows.begin() + static_cast<ptrdiff_t>(end)));
      part.partial = end < series.rows.size();
      piece.series.push_back(std::move(part));
      piece.partial = !of_tags;
      pieces_.push_back(std::move(piece));
      begin = end;
    } while (begin < series.rows.size());
  }
  if (pieces_.empty()) return;
  pieces_.back().partial = false;
  *result = std::move(pieces_.front());
  pieces_.pop_front();
}

Status QueryRun::RunInto(const SelectStatement& select, StatementResult* result) {
  constexpr int64_t kBatch = 10'000;  // points that InfluxDB writes at once
  if (services_.writer == nullptr) return InvalidArgument("writing is not possible here");
  int64_t written = 0;
  int64_t waiting = 0;
  std::vector<IntoRows> batch;
  SeriesKeyPtr key;
  const auto flush = [&]() -> Status {
    RETURN_IF_ERROR(services_.writer->Write(select.target->database, select.target->policy,
                                            prepared_->columns, batch));
    written += std::exchange(waiting, 0);
    batch.clear();
    return Status::Ok();
  };
  ResultRow row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor_->Next(&row));
    if (!more) break;
    RETURN_IF_ERROR(schema_->CountRow(0));
    TakeTags(*prepared_, &row);
    const bool any = std::any_of(row.values.begin(), row.values.end(),
                                 [](const Value& value) { return !IsNull(value); });
    if (!any) continue;
    if (batch.empty() || !(*key == *row.series)) {
      key = row.series;
      const std::string& name = select.target->name;
      batch.push_back({name.empty() ? key->name : name, key->tags, {}});
    }
    batch.back().rows.push_back(std::move(row));
    if (++waiting == kBatch) RETURN_IF_ERROR(flush());
  }
  RETURN_IF_ERROR(flush());
  if (options_.read_only) result->messages.push_back(ReadOnlyWarning(ToString(select)));
  ResultSeries series;
  series.name = "result";
  series.columns = {"time", "written"};
  series.has_times = true;
  series.times = {0};
  series.rows = {{written}};
  result->series.push_back(std::move(series));
  return Status::Ok();
}

}  // namespace tsdb::influxql
