#include "base/log.h"

#include <atomic>
#include <cerrno>
#include <cmath>

#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb {
namespace {

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<LogFormat> g_format{LogFormat::kLogfmt};

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    if (static_cast<uint8_t>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return true;
  }
  return !IsValidUtf8(value);
}

void AppendLogfmt(std::string* line, std::string_view key, std::string_view value) {
  if (!line->empty()) line->push_back(' ');
  line->append(key);
  line->push_back('=');
  line->append(NeedsQuotes(value) ? GoQuote(value) : std::string(value));
}

std::string LogfmtLine(LogLevel level, std::string_view message,
                       std::initializer_list<LogField> fields) {
  std::string line;
  AppendLogfmt(&line, "time", FormatRfc3339Ms(Clock::Real().NowMs()));
  AppendLogfmt(&line, "level", LevelName(level));
  line.append(" msg=").append(GoQuote(message));
  for (const LogField& field : fields) AppendLogfmt(&line, field.key, field.value);
  return line;
}

std::string JsonLine(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line;
  JsonWriter json(&line);
  json.BeginObject();
  json.Key("time").String(FormatRfc3339Ms(Clock::Real().NowMs()));
  json.Key("level").String(LevelName(level));
  json.Key("msg").String(message);
  for (const LogField& field : fields) {
    json.Key(field.key);
    if (field.is_text) {
      json.String(field.value);
    } else {
      json.Raw(field.value);
    }
  }
  json.EndObject();
  return line;
}

// One call as a rule, so that lines of several threads do not mix; a full pipe may cut it.
void WriteWhole(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

LogField::LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
LogField::LogField(std::string_view k, const char* v) : key(k), value(v) {}
LogField::LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
LogField::LogField(std::string_view k, int64_t v)
    : key(k), value(std::to_string(v)), is_text(false) {}
LogField::LogField(std::string_view k, uint64_t v)
    : key(k), value(std::to_string(v)), is_text(false) {}
LogField::LogField(std::string_view k, int v) : key(k), value(std::to_string(v)), is_text(false) {}
LogField::LogField(std::string_view k, double v)
    : key(k), value(FormatFloat(v)), is_text(!std::isfinite(v)) {}
LogField::LogField(std::string_view k, bool v)
    : key(k), value(v ? "true" : "false"), is_text(false) {}
LogField::LogField(std::string_view k, const Status& v) : key(k), value(v.ToString()) {}

void SetLogLevel(LogLevel level) { g_level.store(level, std::memory_order_relaxed); }
void SetLogFormat(LogFormat format) { g_format.store(format, std::memory_order_relaxed); }

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (LevelName(level) == text) return level;
  }
  return InvalidArgument("unknown log level " + GoQuote(text) + ": use debug, info, warn or error");
}

Result<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "logfmt") return LogFormat::kLogfmt;
  if (text == "json") return LogFormat::kJson;
  return InvalidArgument("unknown log format " + GoQuote(text) + ": use logfmt or json");
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  const bool json = g_format.load(std::memory_order_relaxed) == LogFormat::kJson;
  std::string line = json ? JsonLine(level, message, fields) : LogfmtLine(level, message, fields);
  line.push_back('\n');
  WriteWhole(line);
}

}  // namespace tsdb
