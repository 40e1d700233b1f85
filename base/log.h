// Structured log lines on standard error: `time=... level=info msg="..." key=value ...` (logfmt, as
// Prometheus prints them) or one JSON object a line. Thread-safe; a line is written by one write
// call.
//
//   LogInfo("store opened", {{"path", path}, {"seconds", 0.12}});
//
// Secrets never belong into a line.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tsdb {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kLogfmt, kJson };

struct LogField {
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const char* value);
  LogField(std::string_view key, const std::string& value);
  LogField(std::string_view key, int64_t value);
  LogField(std::string_view key, uint64_t value);
  LogField(std::string_view key, int value);
  LogField(std::string_view key, double value);
  LogField(std::string_view key, bool value);
  LogField(std::string_view key, const Status& value);

  std::string_view key;
  std::string value;
  bool is_text = true;  // false: a number or a boolean, unquoted in JSON
};

// Process-wide. Set before threads start.
void SetLogLevel(LogLevel level);
void SetLogFormat(LogFormat format);
Result<LogLevel> ParseLogLevel(std::string_view text);    // debug, info, warn, error
Result<LogFormat> ParseLogFormat(std::string_view text);  // logfmt, json

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
inline void LogDebug(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kDebug, m, f);
}
inline void LogInfo(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kInfo, m, f);
}
inline void LogWarn(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kWarn, m, f);
}
inline void LogError(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kError, m, f);
}

}  // namespace tsdb
