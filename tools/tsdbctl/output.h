// How a command's answer is printed: a table for people, JSON, CSV or raw values for programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace tsdb::tsdbctl {

enum class OutputFormat : uint8_t { kTable, kJson, kCsv, kRaw };

// "table", "json", "csv", "raw".
Result<OutputFormat> ParseOutputFormat(std::string_view text);

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

// Columns padded to the widest cell (counted in UTF-8 code points), two spaces apart.
std::string FormatTable(const Table& table);
// RFC 4180 with "\n" line ends.
std::string FormatCsv(const Table& table);
// Cells joined by tabs, without a head.
std::string FormatRaw(const Table& table);
// `data` as it came when the format is JSON, else the table.
std::string Format(OutputFormat format, const Table& table, const JsonValue& data);

std::string ToJson(const JsonValue& value);

// name{a="b"} of a `metric` object.
std::string SeriesName(const JsonValue& metric);

}  // namespace tsdb::tsdbctl
