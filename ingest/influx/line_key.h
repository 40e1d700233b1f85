// Measurement and tags of a line: `cpu\ load,host=a,path=C:\\x`. Escapes: a backslash before a
// comma or a space (in tags before '=' too) takes away its meaning; before anything else it is a
// backslash. The grammar with its oddities is InfluxDB 1.6's, as tests/golden/influx records it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tsdb::influx {

// As sent, escapes included; views into the text that was scanned.
struct LineKey {
  std::string_view measurement;
  std::vector<std::pair<std::string_view, std::string_view>> tags;  // in the order sent
  size_t size_bytes = 0;                                            // where the key ends
  const char* error = "";  // InfluxDB's words for what is wrong; empty when nothing is
};

// Scans the key that `text` begins with. `whole_line`: an unescaped space must follow the key, as
// fields do; otherwise `text` is nothing but a key.
LineKey ScanLineKey(std::string_view text, bool whole_line);

std::string UnescapeMeasurement(std::string_view text);
std::string UnescapeTag(std::string_view text);     // key or value
std::string UnescapeField(std::string_view text);   // a field's key: comma, quote, space, '='
std::string UnescapeString(std::string_view text);  // a string value's inside: quote, backslash

}  // namespace tsdb::influx
