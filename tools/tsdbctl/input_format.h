// What `tsdbctl write` is given: line protocol, or an exposition in Prometheus' text format or
// OpenMetrics; and how it is cut into requests. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tsdb::tsdbctl {

enum class InputFormat : uint8_t { kLineProtocol, kPrometheusText, kOpenMetrics };

// "auto", "influx", "prometheus" or "openmetrics"; with "auto" the text decides.
Result<InputFormat> ChooseFormat(std::string_view name, std::string_view text);

// The size of the longest run of whole lines of line protocol at the front of `text` with at most
// `max_lines` lines (at least one). A line feed inside a string field does not end a line.
size_t LineProtocolBatchSize(std::string_view text, size_t max_lines, size_t* line_count);

// A server's refusal of lines of `batch` ("unable to parse '...': ...") with the number of each
// line before it. `first_line` is the number of the batch's first line; line feeds inside strings
// count.
std::string NameLines(std::string_view refusal, std::string_view batch, uint64_t first_line);

}  // namespace tsdb::tsdbctl
