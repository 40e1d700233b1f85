// The fields of a line, `value=1,other="x"`, by InfluxDB 1.6's rules to the letter. The line parser
// comes here with lines that its fast path does not understand, right or wrong.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tsdb::influx {

struct LineFields {
  std::vector<std::pair<std::string_view, std::string_view>>
      fields;         // as sent; strings with quotes
  size_t end = 0;     // index in the line of what follows: a space, or the line's end
  std::string error;  // InfluxDB's words; empty when nothing is wrong
};

// `start` is the index of the first field in `line`; measurement and a space stand before it.
LineFields ScanLineFields(std::string_view line, size_t start);

}  // namespace tsdb::influx
