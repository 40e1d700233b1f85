#include "server/api/influx_format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/number.h"
#include "query/influxql/show.h"
#include "query/influxql/time_zone.h"
#include "server/api/influx_msgpack.h"

namespace tsdb::server {
namespace {

using influxql::ResultSeries;
using influxql::StatementResult;
using influxql::Value;

constexpr JsonEscapes kInfluxEscapes = JsonEscapes::kHtml;

int64_t FloorDivide(int64_t value, int64_t divisor) { return value / divisor; }

// JSON has no infinite numbers: InfluxDB answers with this instead of a document that has one.
std::string InfinityError(double value) {
  const std::string error = "json: error calling MarshalJSON for type ";
  return error + "httpd.Response: " + error +
         "*query.Result: json: unsupported value: " + (value > 0 ? "+Inf" : "-Inf") + "\n";
}

// The first infinite number among rows.
std::optional<double> InfiniteValue(const ResultSeries& series) {
  for (const std::vector<Value>& row : series.rows) {
    for (const Value& value : row) {
      const auto* number = std::get_if<double>(&value);
      if (number != nullptr && std::isinf(*number)) return *number;
    }
  }
  return std::nullopt;
}

void WriteValue(const Value& value, JsonWriter* json) {
  switch (value.index()) {
    case 1:
      json->Double(std::get<double>(value));
      break;
    case 2:
      json->Int(std::get<int64_t>(value));
      break;
    case 3:
      json->Bool(std::get<bool>(value));
      break;
    case 4:
      json->String(std::get<std::string>(value));
      break;
    default:
      json->Null();
  }
}

void WriteTime(int64_t time, int64_t epoch_ns, JsonWriter* json) {
  if (epoch_ns == 0) {
    json->String(influxql::FormatTimeIn(time, nullptr));
  } else {
    json->Int(FloorDivide(time, epoch_ns));
  }
}

void WriteRows(const ResultSeries& series, int64_t epoch_ns, JsonWriter* json) {
  for (size_t i = 0; i < series.rows.size(); ++i) {
    const std::vector<Value>& row = series.rows[i];
    json->BeginArray();
    if (series.has_times) {
      if (epoch_ns == 0 && series.zone != nullptr) {
        json->String(influxql::FormatTimeIn(series.times[i], series.zone.get()));
      } else {
        WriteTime(series.times[i], epoch_ns, json);
      }
    }
    for (size_t j = 0; j < row.size(); ++j) {
      const bool raw = series.is_json && j + 1 == row.size();
      if (raw) {
        json->Raw(std::get<std::string>(row[j]));
      } else {
        WriteValue(row[j], json);
      }
    }
    json->EndArray();
  }
}

void WriteSeriesHead(const ResultSeries& series, JsonWriter* json) {
  json->BeginObject();
  if (!series.name.empty()) json->Key("name").String(series.name);
  if (!series.tags.empty()) {
    json->Key("tags").BeginObject();
    for (const auto& [name, value] : series.tags) json->Key(name).String(value);
    json->EndObject();
  }
  json->Key("columns").BeginArray();
  for (const std::string& column : series.columns) json->String(column);
  json->EndArray();
}

void WriteMessages(const std::vector<influxql::ResultMessage>& messages, JsonWriter* json) {
  if (messages.empty()) return;
  json->Key("messages").BeginArray();
  for (const auto& message : messages) {
    json->BeginObject().Key("level").String(message.level);
    json->Key("text").String(message.text).EndObject();
  }
  json->EndArray();
}

bool SameSeries(const ResultSeries& a, const ResultSeries& b) {
  return a.name == b.name && a.tags == b.tags && a.columns == b.columns;
}

// One document for everything. What a statement gives is written as it comes; an error takes it
// back.
class JsonDocument : public InfluxFormatter {
 public:
  JsonDocument(int64_t epoch_ns, bool pretty) : epoch_ns_(epoch_ns), pretty_(pretty) {
    body_ = "{\"results\":[";
  }

  std::string_view content_type() const override { return "application/json"; }

  std::string Add(const StatementResult& result) override {
    if (!open_ || result.statement_id != statement_id_) {
      EndStatement();
      BeginStatement(result.statement_id);
    }
    if (result.has_error) {
      body_.resize(statement_start_);
      JsonWriter json(&body_, kInfluxEscapes);
      json.BeginObject().Key("statement_id").Int(statement_id_);
      json.Key("error").String(result.error).EndObject();
      failed_ = true;
      return "";
    }
    for (const ResultSeries& series : result.series) {
      if (!infinite_) infinite_ = InfiniteValue(series);
      if (!infinite_) AddSeries(series);
    }
    messages_.insert(messages_.end(), result.messages.begin(), result.messages.end());
    return "";
  }

  std::string Finish() override {
    if (infinite_) return InfinityError(*infinite_);
    EndStatement();
    if (statement_id_ < 0) return "{}\n";  // nothing but comments
    body_ += "]}";
    std::string out = pretty_ ? IndentJson(body_) : std::move(body_);
    out += '\n';
    return out;
  }

 private:
  void BeginStatement(int64_t id) {
    if (statement_id_ >= 0) body_ += ',';
    statement_id_ = id;
    statement_start_ = body_.size();
    body_ += "{\"statement_id\":" + std::to_string(id);
    open_ = true;
    failed_ = false;
    has_series_ = false;
    last_.reset();
    messages_.clear();
  }

  void AddSeries(const ResultSeries& series) {
    const bool goes_on = last_.has_value() && SameSeries(*last_, series);
    if (!goes_on) {
      CloseSeries();
      body_ += has_series_ ? "," : ",\"series\":[";
      has_series_ = true;
      JsonWriter json(&body_, kInfluxEscapes);
      WriteSeriesHead(series, &json);
      has_rows_ = false;
      last_ = ResultSeries{};
      last_->name = series.name;
      last_->tags = series.tags;
      last_->columns = series.columns;
      last_->partial = series.partial;  // InfluxDB leaves it in the whole
    }
    if (series.rows.empty()) return;
    body_ += has_rows_ ? "," : ",\"values\":[";
    has_rows_ = true;
    JsonWriter json(&body_, kInfluxEscapes);
    WriteRows(series, epoch_ns_, &json);
  }

  void CloseSeries() {
    if (!last_.has_value()) return;
    if (has_rows_) body_ += ']';
    if (last_->partial) body_ += ",\"partial\":true";
    body_ += '}';
    last_.reset();
  }

  void EndStatement() {
    if (!open_) return;
    open_ = false;
    if (failed_) return;
    CloseSeries();
    if (has_series_) body_ += ']';
    if (!messages_.empty()) {
      body_ += ',';
      std::string text;
      JsonWriter json(&text, kInfluxEscapes);
      WriteMessages(messages_, &json);
      body_ += text;
    }
    body_ += '}';
  }

  int64_t epoch_ns_;
  bool pretty_;
  std::string body_;
  int64_t statement_id_ = -1;
  size_t statement_start_ = 0;
  bool open_ = false;
  bool failed_ = false;
  bool has_series_ = false;
  bool has_rows_ = false;
  std::optional<double> infinite_;
  std::optional<ResultSeries> last_;  // the head of the series that is open
  std::vector<influxql::ResultMessage> messages_;
};

// A document for each piece.
class JsonLines : public InfluxFormatter {
 public:
  JsonLines(int64_t epoch_ns, bool pretty) : epoch_ns_(epoch_ns), pretty_(pretty) {}

  std::string_view content_type() const override { return "application/json"; }

  std::string Add(const StatementResult& result) override {
    for (const ResultSeries& series : result.series) {
      if (const auto infinite = InfiniteValue(series)) return InfinityError(*infinite);
    }
    std::string out;
    JsonWriter json(&out, kInfluxEscapes);
    json.BeginObject().Key("results").BeginArray().BeginObject();
    json.Key("statement_id").Int(result.statement_id);
    if (!result.series.empty()) {
      json.Key("series").BeginArray();
      for (const ResultSeries& series : result.series) {
        WriteSeriesHead(series, &json);
        if (!series.rows.empty()) {
          json.Key("values").BeginArray();
          WriteRows(series, epoch_ns_, &json);
          json.EndArray();
        }
        if (series.partial) json.Key("partial").Bool(true);
        json.EndObject();
      }
      json.EndArray();
    }
    WriteMessages(result.messages, &json);
    if (result.partial) json.Key("partial").Bool(true);
    if (result.has_error) json.Key("error").String(result.error);
    json.EndObject().EndArray().EndObject();
    if (pretty_) out = IndentJson(out);
    return out + "\n";
  }
  std::string Finish() override { return ""; }

 private:
  int64_t epoch_ns_;
  bool pretty_;
};

// What Go's unicode.IsSpace says of the first character.
bool BeginsWithSpace(std::string_view text) {
  constexpr auto kSpaces = std::to_array<std::string_view>(
      {" ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085", "\u00a0", "\u1680",
       "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u2000", "\u2001", "\u2002", "\u2003",
       "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a"});
  return std::any_of(kSpaces.begin(), kSpaces.end(),
                     [&](std::string_view space) { return text.starts_with(space); });
}

void AppendCsvField(std::string_view field, std::string* out) {
  // As Go's encoding/csv quotes.
  const bool plain = field.find_first_of(",\"\r\n") == std::string_view::npos &&
                     !BeginsWithSpace(field) && field != "\\.";
  if (plain) {
    *out += field;
    return;
  }
  *out += '"';
  for (const char c : field) {
    if (c == '"') *out += '"';
    *out += c;
  }
  *out += '"';
}

std::string CsvText(const Value& value) {
  std::string out;
  switch (value.index()) {
    case 1:
      AppendFloat(&out, std::get<double>(value));
      break;
    case 2:
      AppendInt(&out, std::get<int64_t>(value));
      break;
    case 3:
      out = std::get<bool>(value) ? "true" : "false";
      break;
    case 4:
      out = std::get<std::string>(value);
      break;
    default:
      break;
  }
  return out;
}

class Csv : public InfluxFormatter {
 public:
  Csv(int64_t epoch_ns, bool chunked)
      : epoch_ns_(std::max<int64_t>(epoch_ns, 1)), chunked_(chunked) {}

  std::string_view content_type() const override { return "text/csv"; }

  std::string Add(const StatementResult& result) override {
    std::string out;
    if (result.has_error) return out;
    for (const ResultSeries& series : result.series) {
      const bool new_statement = result.statement_id != statement_id_;
      if (new_statement || series.columns != columns_) {
        if (statement_id_ >= 0) out += '\n';
        statement_id_ = result.statement_id;
        columns_ = series.columns;
        out += "name,tags";
        for (const std::string& column : columns_) {
          out += ',';
          AppendCsvField(column, &out);
        }
        out += '\n';
      }
      influxql::Tags present = series.tags;
      std::erase_if(present, [](const auto& tag) { return tag.second.empty(); });
      const std::string tags = influxql::SeriesKeyText("", present);
      for (size_t i = 0; i < series.rows.size(); ++i) {
        AppendCsvField(series.name, &out);
        out += ',';
        if (!tags.empty()) AppendCsvField(std::string_view(tags).substr(1), &out);
        if (series.has_times) {
          out += ',' + std::to_string(FloorDivide(series.times[i], epoch_ns_));
        }
        for (const Value& value : series.rows[i]) {
          out += ',';
          AppendCsvField(CsvText(value), &out);
        }
        out += '\n';
      }
    }
    if (chunked_) return out;
    body_ += out;
    return "";
  }
  std::string Finish() override { return std::move(body_); }

 private:
  int64_t epoch_ns_;
  bool chunked_;
  int64_t statement_id_ = -1;
  std::vector<std::string> columns_;
  std::string body_;
};

}  // namespace

int64_t InfluxEpoch(std::string_view epoch) {
  if (epoch.empty()) return 0;
  if (epoch == "u") return 1'000;
  if (epoch == "ms") return 1'000'000;
  if (epoch == "s") return 1'000'000'000;
  if (epoch == "m") return 60'000'000'000;
  if (epoch == "h") return 3'600'000'000'000;
  return 1;
}

std::unique_ptr<InfluxFormatter> InfluxFormatter::Create(InfluxForm form, int64_t epoch_ns,
                                                         bool chunked) {
  if (form == InfluxForm::kCsv) return std::make_unique<Csv>(epoch_ns, chunked);
  if (form == InfluxForm::kMsgPack) return MakeMsgPackFormatter(epoch_ns, chunked);
  const bool pretty = form == InfluxForm::kPrettyJson;
  if (chunked) return std::make_unique<JsonLines>(epoch_ns, pretty);
  return std::make_unique<JsonDocument>(epoch_ns, pretty);
}

std::string_view InfluxContentType(InfluxForm form) {
  switch (form) {
    case InfluxForm::kCsv:
      return "text/csv";
    case InfluxForm::kMsgPack:
      return "application/x-msgpack";
    default:
      return "application/json";
  }
}

std::string InfluxErrorBody(InfluxForm form, std::string_view error) {
  std::string out;
  if (form == InfluxForm::kCsv) {
    out = "error\n";
    AppendCsvField(error, &out);
    return out + "\n";
  }
  if (form == InfluxForm::kMsgPack) return MsgPackError(error);
  JsonWriter(&out, kInfluxEscapes).BeginObject().Key("error").String(error).EndObject();
  if (form == InfluxForm::kPrettyJson) out = IndentJson(out);
  return out + "\n";
}

std::string IndentJson(std::string_view json) {
  std::string out;
  size_t depth = 0;
  const auto line = [&] {
    out += '\n';
    out.append(depth * 4, ' ');
  };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {  // a text is copied as it is
      const size_t begin = i;
      for (++i; json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
      out += json.substr(begin, i - begin + 1);
    } else if (c == '{' || c == '[') {
      out += c;
      if (json[i + 1] == '}' || json[i + 1] == ']') {
        out += json[++i];
        continue;
      }
      ++depth;
      line();
    } else if (c == '}' || c == ']') {
      --depth;
      line();
      out += c;
    } else if (c == ',') {
      out += c;
      line();
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace tsdb::server
