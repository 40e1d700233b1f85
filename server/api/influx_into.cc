#include "server/api/influx_into.h"

#include <cmath>

#include "base/number.h"
#include "ingest/influx/influx_write.h"
#include "query/influxql/show.h"

namespace tsdb::server {
namespace {

using influxql::Value;

void AppendField(std::string_view name, const Value& value, std::string* line) {
  for (const char c : name) {
    if (c == ',' || c == '=' || c == ' ') *line += '\\';
    *line += c;
  }
  *line += '=';
  if (const auto* number = std::get_if<double>(&value)) {
    AppendFloat(line, *number);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    AppendInt(line, *integer);
    *line += 'i';
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    *line += *truth ? "true" : "false";
  } else {
    *line += '"';
    for (const char c : std::get<std::string>(value)) {
      if (c == '"' || c == '\\') *line += '\\';
      *line += c;
    }
    *line += '"';
  }
}

bool CanWrite(const Value& value) {
  if (influxql::IsNull(value)) return false;
  const auto* number = std::get_if<double>(&value);
  return number == nullptr || std::isfinite(*number);
}

void AppendLines(const influxql::IntoRows& series, const std::vector<std::string>& fields,
                 std::string* body) {
  influxql::Tags present;
  for (const auto& [name, value] : series.tags) {
    if (!value.empty()) present.emplace_back(name, value);
  }
  const std::string key = influxql::SeriesKeyText(series.measurement, present);
  for (const influxql::ResultRow& row : series.rows) {
    std::string line;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (!CanWrite(row.values[i])) continue;
      if (!line.empty()) line += ',';
      AppendField(fields[i], row.values[i], &line);
    }
    if (line.empty()) continue;
    *body += key + ' ' + line + ' ';
    AppendInt(body, row.time);
    *body += '\n';
  }
}

}  // namespace

Status InfluxInto::Write(std::string_view database, std::string_view policy,
                         const std::vector<std::string>& fields,
                         const std::vector<influxql::IntoRows>& series) {
  std::string body;
  for (const influxql::IntoRows& rows : series) AppendLines(rows, fields, &body);
  if (body.empty()) return Status::Ok();
  influx::InfluxWriteRequest request;
  request.database = database;
  request.policy = policy;
  request.precision = "n";
  request.body = body;
  request.now_ns = clock_->NowNs();
  const influx::InfluxWriteOutcome outcome =
      influx::HandleInfluxWrite(request, storage_->catalog(), storage_);
  if (outcome.http_status == 204) return Status::Ok();
  return InvalidArgument(outcome.error);
}

}  // namespace tsdb::server
