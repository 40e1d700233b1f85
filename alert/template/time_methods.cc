#include "alert/template/time_methods.h"

#include "alert/template/go_time.h"
#include "base/duration.h"

namespace tsdb::gotemplate {
namespace {

using Arguments = std::vector<Value>;

Function TimeMethod(std::string name, std::vector<std::string> parameters,
                    Value (*call)(const Time&, const Arguments&)) {
  return {
      std::move(name), std::move(parameters), false,
      [call](Execution&, Arguments& args) -> Result<Value> { return call(args[0].time(), args); }};
}

Function DurationMethod(std::string name, Value (*call)(int64_t)) {
  return {std::move(name), {}, false, [call](Execution&, Arguments& args) -> Result<Value> {
            return call(args[0].duration_ns());
          }};
}

CivilTime Civil(const Time& time) { return CivilFromUnix(time.seconds + time.offset_seconds); }

Time Shift(const Time& time, int64_t duration_ns) {
  Time out = time;
  int64_t nanoseconds = time.nanoseconds + duration_ns % 1'000'000'000;
  out.seconds += duration_ns / 1'000'000'000;
  if (nanoseconds < 0) {
    nanoseconds += 1'000'000'000;
    --out.seconds;
  } else if (nanoseconds >= 1'000'000'000) {
    nanoseconds -= 1'000'000'000;
    ++out.seconds;
  }
  out.nanoseconds = static_cast<int32_t>(nanoseconds);
  return out;
}

int64_t Difference(const Time& a, const Time& b) {
  int64_t seconds = 0, nanoseconds = 0;
  if (__builtin_sub_overflow(a.seconds, b.seconds, &seconds) ||
      __builtin_mul_overflow(seconds, int64_t{1'000'000'000}, &nanoseconds) ||
      __builtin_add_overflow(nanoseconds, int64_t{a.nanoseconds} - b.nanoseconds, &nanoseconds)) {
    return a.seconds < b.seconds ? INT64_MIN : INT64_MAX;
  }
  return nanoseconds;
}

bool Before(const Time& a, const Time& b) {
  return a.seconds < b.seconds || (a.seconds == b.seconds && a.nanoseconds < b.nanoseconds);
}

// Nanoseconds since the year 1, what Go rounds times by.
__int128 SinceYearOneNs(const Time& time) {
  constexpr int64_t kUnixEpochSeconds = 62'135'596'800;
  return (static_cast<__int128>(time.seconds) + kUnixEpochSeconds) * 1'000'000'000 +
         time.nanoseconds;
}

Time TruncateTime(const Time& time, int64_t unit_ns) {
  if (unit_ns <= 0) return time;
  return Shift(time, -static_cast<int64_t>(SinceYearOneNs(time) % unit_ns));
}

// Halves go up.
Time RoundTime(const Time& time, int64_t unit_ns) {
  if (unit_ns <= 0) return time;
  const auto rest = static_cast<int64_t>(SinceYearOneNs(time) % unit_ns);
  return Shift(time, rest < unit_ns - rest ? -rest : unit_ns - rest);
}

int64_t TruncateDuration(int64_t duration_ns, int64_t unit_ns) {
  return unit_ns <= 0 ? duration_ns : duration_ns - duration_ns % unit_ns;
}

// Halves go away from zero; what would overflow stays the longest there is.
int64_t RoundDuration(int64_t duration_ns, int64_t unit_ns) {
  if (unit_ns <= 0) return duration_ns;
  const int64_t rest = duration_ns % unit_ns;
  const int64_t size = rest < 0 ? -rest : rest;
  const int64_t down = duration_ns - rest;
  if (size < unit_ns - size) return down;
  int64_t out = 0;
  if (__builtin_add_overflow(down, duration_ns < 0 ? -unit_ns : unit_ns, &out))
    return duration_ns < 0 ? INT64_MIN : INT64_MAX;
  return out;
}

TypeInfo NamedIntType(std::string name, std::string (*text)(int64_t)) {
  TypeInfo info;
  info.name = std::move(name);
  info.to_string = [text](const Value& v) { return text(v.integer()); };
  info.methods.push_back({"String", {}, false, [text](Execution&, Arguments& args) {
                            return Result<Value>(Value::String(text(args[0].integer())));
                          }});
  return info;
}

const TypeInfo& MonthType() {
  static const TypeInfo kType = NamedIntType("time.Month", [](int64_t month) {
    return FormatTime(Time{.seconds = (month - 1) * 31 * 86400}, "January");
  });
  return kType;
}

const TypeInfo& WeekdayType() {
  // 1970-01-04 was a Sunday.
  static const TypeInfo kType = NamedIntType("time.Weekday", [](int64_t weekday) {
    return FormatTime(Time{.seconds = (weekday + 3) * 86400}, "Monday");
  });
  return kType;
}

Value InUtc(const Time& time) {
  Time out = time;
  out.offset_seconds = 0;
  out.zone = "UTC";
  return Value::OfTime(std::move(out));
}

Value InLocal(const Time& time) {
  Time out = time;
  const auto zone = TimeZone::Load("Local");
  if (zone.ok()) {
    const TimeZone::Offset offset = (*zone)->At(time.seconds);
    out.offset_seconds = offset.seconds;
    out.zone = offset.abbreviation;
  }
  return Value::OfTime(std::move(out));
}

}  // namespace

const std::vector<Function>& TimeMethods() {
  static const std::vector<Function> kMethods = {
      TimeMethod("Format", {"string"},
                 [](const Time& t, const Arguments& a) {
                   return Value::String(FormatTime(t, a[1].text()));
                 }),
      TimeMethod(
          "String", {},
          [](const Time& t, const Arguments&) { return Value::String(FormatTimeString(t)); }),
      TimeMethod("Unix", {}, [](const Time& t, const Arguments&) { return Value::Int(t.seconds); }),
      TimeMethod("UnixMilli", {},
                 [](const Time& t, const Arguments&) {
                   return Value::Int(t.seconds * 1000 + t.nanoseconds / 1'000'000);
                 }),
      TimeMethod("UnixMicro", {},
                 [](const Time& t, const Arguments&) {
                   return Value::Int(t.seconds * 1'000'000 + t.nanoseconds / 1000);
                 }),
      TimeMethod("UnixNano", {},
                 [](const Time& t, const Arguments&) { return Value::Int(TimeUnixNs(t)); }),
      TimeMethod("Year", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).year); }),
      TimeMethod("Month", {},
                 [](const Time& t, const Arguments&) {
                   return Value::OfNamedInt(MonthType(), Civil(t).month);
                 }),
      TimeMethod("Day", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).day); }),
      TimeMethod("YearDay", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).day_of_year); }),
      TimeMethod("Weekday", {},
                 [](const Time& t, const Arguments&) {
                   return Value::OfNamedInt(WeekdayType(), Civil(t).weekday);
                 }),
      TimeMethod("Hour", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).hour); }),
      TimeMethod("Minute", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).minute); }),
      TimeMethod("Second", {},
                 [](const Time& t, const Arguments&) { return Value::Int(Civil(t).second); }),
      TimeMethod("Nanosecond", {},
                 [](const Time& t, const Arguments&) { return Value::Int(t.nanoseconds); }),
      TimeMethod("UTC", {}, [](const Time& t, const Arguments&) { return InUtc(t); }),
      TimeMethod("Local", {}, [](const Time& t, const Arguments&) { return InLocal(t); }),
      TimeMethod("IsZero", {},
                 [](const Time& t, const Arguments&) { return Value::Bool(t.is_zero); }),
      TimeMethod("Add", {"time.Duration"},
                 [](const Time& t, const Arguments& a) {
                   return Value::OfTime(Shift(t, a[1].duration_ns()));
                 }),
      TimeMethod("Round", {"time.Duration"},
                 [](const Time& t, const Arguments& a) {
                   return Value::OfTime(RoundTime(t, a[1].duration_ns()));
                 }),
      TimeMethod("Truncate", {"time.Duration"},
                 [](const Time& t, const Arguments& a) {
                   return Value::OfTime(TruncateTime(t, a[1].duration_ns()));
                 }),
      TimeMethod("Compare", {"time.Time"},
                 [](const Time& t, const Arguments& a) {
                   return Value::Int(Before(t, a[1].time()) ? -1 : Before(a[1].time(), t));
                 }),
      TimeMethod("Sub", {"time.Time"},
                 [](const Time& t, const Arguments& a) {
                   return Value::OfDuration(Difference(t, a[1].time()));
                 }),
      TimeMethod(
          "Before", {"time.Time"},
          [](const Time& t, const Arguments& a) { return Value::Bool(Before(t, a[1].time())); }),
      TimeMethod(
          "After", {"time.Time"},
          [](const Time& t, const Arguments& a) { return Value::Bool(Before(a[1].time(), t)); }),
      TimeMethod("Equal", {"time.Time"},
                 [](const Time& t, const Arguments& a) {
                   return Value::Bool(!Before(t, a[1].time()) && !Before(a[1].time(), t));
                 }),
  };
  return kMethods;
}

const std::vector<Function>& DurationMethods() {
  static const std::vector<Function> kMethods = {
      DurationMethod("Hours",
                     [](int64_t d) { return Value::Float(static_cast<double>(d) / 3600e9); }),
      DurationMethod("Minutes",
                     [](int64_t d) { return Value::Float(static_cast<double>(d) / 60e9); }),
      DurationMethod("Seconds",
                     [](int64_t d) { return Value::Float(static_cast<double>(d) / 1e9); }),
      DurationMethod("Milliseconds", [](int64_t d) { return Value::Int(d / 1'000'000); }),
      DurationMethod("Microseconds", [](int64_t d) { return Value::Int(d / 1000); }),
      DurationMethod("Nanoseconds", [](int64_t d) { return Value::Int(d); }),
      {"Round",
       {"time.Duration"},
       false,
       [](Execution&, Arguments& a) -> Result<Value> {
         return Value::OfDuration(RoundDuration(a[0].duration_ns(), a[1].duration_ns()));
       }},
      {"Truncate",
       {"time.Duration"},
       false,
       [](Execution&, Arguments& a) -> Result<Value> {
         return Value::OfDuration(TruncateDuration(a[0].duration_ns(), a[1].duration_ns()));
       }},
      DurationMethod("Abs", [](int64_t d) { return Value::OfDuration(d < 0 ? -d : d); }),
      DurationMethod("String", [](int64_t d) { return Value::String(FormatGoDuration(d)); }),
  };
  return kMethods;
}

}  // namespace tsdb::gotemplate
