#include "tools/tsdbctl/input_format.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/text.h"

namespace tsdb::tsdbctl {
namespace {

// A line of data decides: "name{...} 1" and "name 1" are expositions, "m,t=v f=1" is line protocol.
bool LooksLikeExposition(std::string_view line) {
  const size_t stop = line.find_first_of(" {");
  if (stop == std::string_view::npos) return false;
  if (line[stop] == '{') return true;
  const std::string_view rest = TrimSpace(line.substr(stop));
  return rest.substr(0, rest.find(' ')).find('=') == std::string_view::npos;
}

InputFormat GuessFormat(std::string_view text) {
  if (TrimSpace(text).ends_with("# EOF")) return InputFormat::kOpenMetrics;
  for (const std::string_view line : Split(text.substr(0, 64 << 10), '\n')) {
    if (line.starts_with("# HELP ") || line.starts_with("# TYPE "))
      return InputFormat::kPrometheusText;
    if (TrimSpace(line).empty() || line[0] == '#') continue;
    return LooksLikeExposition(line) ? InputFormat::kPrometheusText : InputFormat::kLineProtocol;
  }
  return InputFormat::kLineProtocol;
}

// The end of the line that begins `text`, its line feed included.
size_t LineSize(std::string_view text) {
  bool in_fields = false;  // after the first blank that is not escaped: only there do quotes count
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"' && in_fields) {
      in_string = !in_string;
    } else if (c == ' ') {
      in_fields = true;
    } else if (c == '\n' && !in_string) {
      return i + 1;
    }
  }
  return text.size();
}

}  // namespace

Result<InputFormat> ChooseFormat(std::string_view name, std::string_view text) {
  if (name == "auto") return GuessFormat(text);
  if (name == "influx") return InputFormat::kLineProtocol;
  if (name == "prometheus") return InputFormat::kPrometheusText;
  if (name == "openmetrics") return InputFormat::kOpenMetrics;
  return InvalidArgument("unknown input format \"" + std::string(name) +
                         "\": auto, influx, prometheus or openmetrics");
}

size_t LineProtocolBatchSize(std::string_view text, size_t max_lines, size_t* line_count) {
  size_t size = 0;
  *line_count = 0;
  while (size < text.size() && (*line_count < max_lines || *line_count == 0)) {
    size += LineSize(text.substr(size));
    ++*line_count;
  }
  return size;
}

std::string NameLines(std::string_view refusal, std::string_view batch, uint64_t first_line) {
  constexpr std::string_view kUnable = "unable to parse '";
  std::string named;
  uint64_t number = first_line;
  while (!batch.empty()) {
    const size_t found = refusal.find(kUnable);
    if (found == std::string_view::npos) break;
    const std::string_view refused = refusal.substr(found + kUnable.size());
    const size_t size = LineSize(batch);
    // Without the blanks before it; a carriage return at its end may be told or not.
    std::string_view line = batch.substr(0, size);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r\n"), line.size()));
    while (line.ends_with('\n')) line.remove_suffix(1);
    if (refused.substr(0, line.size()) != line) line = TrimSpace(line);
    // Lines are refused in their order.
    if (!line.empty() && refused.starts_with(line) && refused.substr(line.size(), 2) == "':") {
      named += refusal.substr(0, found);
      named += "line " + std::to_string(number) + ": " + std::string(kUnable) + std::string(line);
      refusal.remove_prefix(found + kUnable.size() + line.size());
    }
    number += static_cast<uint64_t>(
        std::count(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    batch.remove_prefix(size);
  }
  return named + std::string(refusal);
}

}  // namespace tsdb::tsdbctl
