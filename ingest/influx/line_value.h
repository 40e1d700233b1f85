// Field values of line protocol, read by InfluxDB's rules: floats (1, -1.5e3, .5), integers (1i),
// booleans (t, T, true, True, TRUE and their opposites). Strings are the line parser's, since they
// decide where a line ends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/sample.h"

namespace tsdb::influx {

struct LineValue {
  ValueType type = ValueType::kFloat;
  uint64_t payload = 0;  // as in WriteBatch::Point
};

// Reads the value at *position, which ends at a comma, a space or `end`, and moves *position there.
// False when it is a string or anything unusual, right or wrong; then use the exact readers.
bool ReadUsualValue(const char** position, const char* end, LineValue* value);

// The whole of `text` is one value. Return what is wrong in InfluxDB's words, or nothing.
std::string ReadNumber(std::string_view text, LineValue* value);
std::string ReadBoolean(std::string_view text, LineValue* value);

// As Go's strconv.ParseInt(text, 10, 64); the error text is Go's.
std::string ReadInteger(std::string_view text, int64_t* value);

}  // namespace tsdb::influx
