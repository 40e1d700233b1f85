#include "tools/tsdbctl/output.h"

#include <algorithm>

#include "model/labels.h"

namespace tsdb::tsdbctl {
namespace {

size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void AppendRow(std::string* out, const std::vector<std::string>& cells,
               const std::vector<size_t>& widths) {
  for (size_t i = 0; i < cells.size(); ++i) {
    *out += cells[i];
    if (i + 1 < cells.size()) out->append(widths[i] - Width(cells[i]) + 2, ' ');
  }
  *out += '\n';
}

std::string CsvCell(const std::string& cell) {
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

void WriteJson(const JsonValue& value, JsonWriter* out) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      out->Null();
      break;
    case JsonValue::Kind::kBool:
      out->Bool(value.boolean());
      break;
    case JsonValue::Kind::kNumber:
      out->Raw(value.text());
      break;
    case JsonValue::Kind::kString:
      out->String(value.text());
      break;
    case JsonValue::Kind::kArray:
      out->BeginArray();
      for (const JsonValue& item : value.array()) WriteJson(item, out);
      out->EndArray();
      break;
    case JsonValue::Kind::kObject:
      out->BeginObject();
      for (const auto& [key, item] : value.object()) {
        out->Key(key);
        WriteJson(item, out);
      }
      out->EndObject();
      break;
  }
}

}  // namespace

Result<OutputFormat> ParseOutputFormat(std::string_view text) {
  if (text == "table") return OutputFormat::kTable;
  if (text == "json") return OutputFormat::kJson;
  if (text == "csv") return OutputFormat::kCsv;
  if (text == "raw") return OutputFormat::kRaw;
  return InvalidArgument("unknown output format \"" + std::string(text) +
                         "\": table, json, csv or raw");
}

std::string FormatTable(const Table& table) {
  std::vector<size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(Width(column));
  for (const std::vector<std::string>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  AppendRow(&out, table.columns, widths);
  for (const std::vector<std::string>& row : table.rows) AppendRow(&out, row, widths);
  return out;
}

std::string FormatCsv(const Table& table) {
  std::string out;
  const auto append = [&out](const std::vector<std::string>& cells) {
    for (size_t i = 0; i < cells.size(); ++i) out += (i == 0 ? "" : ",") + CsvCell(cells[i]);
    out += '\n';
  };
  append(table.columns);
  for (const std::vector<std::string>& row : table.rows) append(row);
  return out;
}

std::string FormatRaw(const Table& table) {
  std::string out;
  for (const std::vector<std::string>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "" : "\t") + row[i];
    out += '\n';
  }
  return out;
}

std::string Format(OutputFormat format, const Table& table, const JsonValue& data) {
  switch (format) {
    case OutputFormat::kTable:
      return FormatTable(table);
    case OutputFormat::kJson:
      return ToJson(data) + "\n";
    case OutputFormat::kCsv:
      return FormatCsv(table);
    case OutputFormat::kRaw:
      return FormatRaw(table);
  }
  return "";
}

std::string ToJson(const JsonValue& value) {
  std::string out;
  JsonWriter writer(&out);
  WriteJson(value, &writer);
  return out;
}

std::string SeriesName(const JsonValue& metric) {
  std::vector<Label> labels;
  for (const auto& [name, value] : metric.object()) labels.push_back({name, value.text()});
  const Result<Labels> sorted = Labels::FromUnsorted(std::move(labels));
  return sorted.ok() ? sorted->ToString() : ToJson(metric);
}

}  // namespace tsdb::tsdbctl
