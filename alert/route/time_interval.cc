#include "alert/route/time_interval.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::alert {
namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

bool InAny(const std::vector<IntRange>& ranges, int value) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const IntRange& r) {
           return r.begin <= value && value <= r.end;
         });
}

bool DayMatches(const std::vector<IntRange>& ranges, int day, int days_in_month) {
  if (ranges.empty()) return true;
  for (const IntRange& range : ranges) {
    int begin = range.begin < 0 ? days_in_month + range.begin + 1 : range.begin;
    const int end =
        std::min(range.end < 0 ? days_in_month + range.end + 1 : range.end, days_in_month);
    // A range that begins beyond this month does not touch it.
    if (begin > days_in_month) continue;
    begin = std::max(begin, 1);
    if (begin <= day && day <= end) return true;
  }
  return false;
}

std::optional<int> ParseClock(const std::string& text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = ParseUint64(text.substr(0, 2)), minute = ParseUint64(text.substr(3));
  if (!hour || !minute || *hour > 24 || *minute > 59 || (*hour == 24 && *minute != 0))
    return std::nullopt;
  return static_cast<int>(*hour * 60 + *minute);
}

Status ReadTimes(const YamlNode& node, std::vector<IntRange>* out) {
  if (node.empty()) return Status::Ok();
  if (node.kind() != YamlNode::Kind::kSequence) return AtLine(node, "times must be a list");
  for (const YamlNode& item : node.items()) {
    RETURN_IF_ERROR(
        item.RejectUnknownKeys("timeinterval.yamlTimeRange", {"start_time", "end_time"}));
    if (item["start_time"].empty() || item["end_time"].empty()) {
      return AtLine(item, "both start and end times must be provided");
    }
    std::array<int, 2> bounds{};
    for (size_t i = 0; i < 2; ++i) {
      const YamlNode& bound = item[i == 0 ? "start_time" : "end_time"];
      ASSIGN_OR_RETURN(const std::string text, bound.AsString("time"));
      const auto minutes = ParseClock(text);
      if (!minutes) return AtLine(bound, "couldn't parse timestamp " + text + ", invalid format");
      bounds[i] = *minutes;
    }
    if (bounds[0] >= bounds[1])
      return AtLine(item, "start time cannot be equal or greater than end time");
    out->push_back({bounds[0], bounds[1]});
  }
  return Status::Ok();
}

template <size_t N>
std::optional<int> ParseNamed(const std::string& text, const std::array<std::string_view, N>& names,
                              int base) {
  for (size_t i = 0; i < N; ++i) {
    if (ToLower(text) == names[i]) return static_cast<int>(i) + base;
  }
  return std::nullopt;
}

std::optional<int> ParseNumber(const std::string& text) {
  const auto number = ParseInt64(text);
  if (!number || *number < -100'000 || *number > 100'000) return std::nullopt;
  return static_cast<int>(*number);
}

// "a", or "a:b".
template <typename ParseOne>
Status ReadRanges(const YamlNode& node, std::string_view what, ParseOne parse_one,
                  std::vector<IntRange>* out) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, node.AsStringList(what));
  for (const std::string& text : texts) {
    const size_t colon = text.find(':');
    const auto begin = parse_one(text.substr(0, colon));
    const auto end = colon == std::string::npos ? begin : parse_one(text.substr(colon + 1));
    if (!begin || !end) return AtLine(node, GoQuote(text) + " is not a valid " + std::string(what));
    out->push_back({*begin, *end});
  }
  return Status::Ok();
}

Status CheckOrder(const YamlNode& node, std::string_view what,
                  const std::vector<IntRange>& ranges) {
  for (const IntRange& range : ranges) {
    if (range.begin > range.end) {
      return AtLine(node,
                    "start " + std::string(what) + " cannot be before end " + std::string(what));
    }
  }
  return Status::Ok();
}

Status CheckDays(const YamlNode& node, const std::vector<IntRange>& ranges) {
  for (const IntRange& range : ranges) {
    for (const int day : {range.begin, range.end}) {
      if (day == 0 || day < -31 || day > 31) {
        return AtLine(node, std::to_string(day) + " is not a valid day of the month: out of range");
      }
    }
    if (range.begin < 0 && range.end > 0)
      return AtLine(node, "end day must be negative if start day is negative");
    // Counted from the longest month, since both signs may be mixed.
    const int begin = range.begin < 0 ? 32 + range.begin : range.begin;
    const int end = range.end < 0 ? 32 + range.end : range.end;
    if (begin > end)
      return AtLine(node, "end day " + std::to_string(range.end) + " is always before start day " +
                              std::to_string(range.begin));
  }
  return Status::Ok();
}

}  // namespace

bool TimeInterval::Contains(int64_t unix_seconds) const {
  const int64_t offset = location == nullptr ? 0 : location->At(unix_seconds).seconds;
  const CivilTime civil = CivilFromUnix(unix_seconds + offset);
  const int minute = civil.hour * 60 + civil.minute;
  const bool in_times =
      times.empty() || std::any_of(times.begin(), times.end(), [&](const IntRange& r) {
        return r.begin <= minute && minute < r.end;
      });
  return in_times && InAny(weekdays, civil.weekday) && InAny(months, civil.month) &&
         InAny(years, static_cast<int>(civil.year)) &&
         DayMatches(days_of_month, civil.day, DaysInMonth(civil.year, civil.month));
}

Result<TimeInterval> ParseTimeInterval(const YamlNode& node) {
  RETURN_IF_ERROR(node.RejectUnknownKeys(
      "timeinterval.TimeInterval",
      {"times", "weekdays", "days_of_month", "months", "years", "location"}));
  TimeInterval interval;
  RETURN_IF_ERROR(ReadTimes(node["times"], &interval.times));
  RETURN_IF_ERROR(ReadRanges(
      node["weekdays"], "weekday", [](const std::string& t) { return ParseNamed(t, kWeekdays, 0); },
      &interval.weekdays));
  RETURN_IF_ERROR(CheckOrder(node["weekdays"], "day", interval.weekdays));
  RETURN_IF_ERROR(
      ReadRanges(node["days_of_month"], "day of the month", ParseNumber, &interval.days_of_month));
  RETURN_IF_ERROR(CheckDays(node["days_of_month"], interval.days_of_month));
  RETURN_IF_ERROR(ReadRanges(
      node["months"], "month",
      [](const std::string& t) -> std::optional<int> {
        if (const auto named = ParseNamed(t, kMonths, 1)) return named;
        return ParseNumber(t);
      },
      &interval.months));
  RETURN_IF_ERROR(CheckOrder(node["months"], "month", interval.months));
  RETURN_IF_ERROR(ReadRanges(node["years"], "year", ParseNumber, &interval.years));
  RETURN_IF_ERROR(CheckOrder(node["years"], "year", interval.years));
  if (!node["location"].empty()) {
    ASSIGN_OR_RETURN(const std::string name, node["location"].AsString("location"));
    auto zone = gotemplate::TimeZone::Load(name);
    if (!zone.ok()) return AtLine(node["location"], zone.status().message());
    interval.location = *std::move(zone);
  }
  return interval;
}

}  // namespace tsdb::alert
