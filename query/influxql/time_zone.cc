#include "query/influxql/time_zone.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include "base/duration.h"

namespace tsdb::influxql {
namespace {

constexpr size_t kHeaderBytes = 44;
constexpr std::string_view kDirectory = "/usr/share/zoneinfo/";
constexpr const char* kLocalZone = "/etc/localtime";
constexpr size_t kFileMaxBytes = 1 << 20;

int64_t BigEndian(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = (value << 8) | static_cast<uint8_t>(bytes[at + i]);
  if (size == 4) return static_cast<int32_t>(static_cast<uint32_t>(value));
  return static_cast<int64_t>(value);
}

// The six counts of a TZif header and the size of the block that follows it.
struct Block {
  size_t utc_count = 0, standard_count = 0, leap_count = 0, time_count = 0, type_count = 0,
         name_bytes = 0;
  size_t size(size_t time_bytes) const {
    return time_count * (time_bytes + 1) + type_count * 6 + name_bytes +
           leap_count * (time_bytes + 4) + standard_count + utc_count;
  }
};

bool ReadHeader(std::string_view bytes, size_t at, Block* block) {
  if (at + kHeaderBytes > bytes.size() || bytes.substr(at, 4) != "TZif") return false;
  const auto count = [&](size_t i) {
    return static_cast<size_t>(BigEndian(bytes, at + 20 + i * 4, 4));
  };
  *block = {count(0), count(1), count(2), count(3), count(4), count(5)};
  const size_t limit = bytes.size();
  return block->utc_count <= limit && block->standard_count <= limit &&
         block->leap_count <= limit && block->time_count <= limit && block->type_count <= limit &&
         block->name_bytes <= limit && block->type_count > 0;
}

// Readers of a POSIX TZ text. Each consumes from the front.
void SkipName(std::string_view* in) {
  if (in->starts_with('<')) {
    in->remove_prefix(std::min(in->find('>'), in->size() - 1) + 1);
    return;
  }
  while (!in->empty() && std::isalpha(static_cast<unsigned char>(in->front())) != 0) {
    in->remove_prefix(1);
  }
}

int ReadNumber(std::string_view* in) {
  int value = 0;
  while (!in->empty() && in->front() >= '0' && in->front() <= '9' && value < 100'000) {
    value = value * 10 + (in->front() - '0');
    in->remove_prefix(1);
  }
  return value;
}

bool Take(std::string_view* in, char c) {
  if (!in->starts_with(c)) return false;
  in->remove_prefix(1);
  return true;
}

int32_t ReadClock(std::string_view* in) {
  const bool negative = Take(in, '-');
  if (!negative) Take(in, '+');
  int32_t seconds = ReadNumber(in) * 3600;
  if (Take(in, ':')) seconds += ReadNumber(in) * 60;
  if (Take(in, ':')) seconds += ReadNumber(in);
  return negative ? -seconds : seconds;
}

}  // namespace

Result<std::shared_ptr<const TimeZone>> TimeZone::Load(std::string_view name) {
  auto zone = std::make_shared<TimeZone>();
  zone->name_ = name.empty() ? "UTC" : std::string(name);
  if (zone->name_ == "UTC") return std::shared_ptr<const TimeZone>(std::move(zone));
  const auto unknown = [&] { return NotFound("unable to find time zone " + std::string(name)); };
  if (name.starts_with('/') || name.find("..") != std::string_view::npos ||
      name.find('\0') != std::string_view::npos) {
    return unknown();
  }
  const bool local = name == "Local";  // the machine's
  std::ifstream file(local ? std::string(kLocalZone) : std::string(kDirectory) + std::string(name),
                     std::ios::binary);
  std::string bytes(kFileMaxBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (!zone->Parse(bytes)) {
    if (!local) return unknown();
    zone = std::make_shared<TimeZone>();
    zone->name_ = "UTC";
  }
  return std::shared_ptr<const TimeZone>(std::move(zone));
}

bool TimeZone::Parse(std::string_view bytes) {
  Block block;
  if (!ReadHeader(bytes, 0, &block)) return false;
  const bool wide = bytes[4] >= '2';
  size_t at = kHeaderBytes;
  size_t time_bytes = 4;
  if (wide) {  // the second block repeats everything with 64-bit times
    at += block.size(4);
    if (!ReadHeader(bytes, at, &block)) return false;
    at += kHeaderBytes;
    time_bytes = 8;
  }
  if (at + block.size(time_bytes) > bytes.size()) return false;
  const size_t types_at = at + block.time_count * time_bytes;
  const size_t infos_at = types_at + block.time_count;
  const auto offset_of = [&](size_t type) {
    return static_cast<int32_t>(BigEndian(bytes, infos_at + type * 6, 4));
  };
  for (size_t i = 0; i < block.time_count; ++i) {
    const auto type = static_cast<uint8_t>(bytes[types_at + i]);
    if (type >= block.type_count) return false;
    transitions_.push_back(BigEndian(bytes, at + i * time_bytes, time_bytes));
    offsets_.push_back(offset_of(type));
  }
  first_offset_ = offset_of(0);
  if (wide) {
    std::string_view footer = bytes.substr(at + block.size(time_bytes));
    if (Take(&footer, '\n')) ParseRule(footer.substr(0, footer.find('\n')));
  }
  return true;
}

void TimeZone::ParseRule(std::string_view rule) {
  if (rule.empty()) return;
  has_rule_ = true;
  SkipName(&rule);
  standard_offset_ = -ReadClock(&rule);
  summer_offset_ = standard_offset_;
  if (rule.empty()) return;
  SkipName(&rule);
  summer_offset_ = standard_offset_ + 3600;
  if (!rule.starts_with(',')) summer_offset_ = -ReadClock(&rule);
  for (RuleDate* date : {&summer_begin_, &summer_end_}) {
    // Julian days ("J60") are in no zone of today's database and read as no summer time.
    if (!Take(&rule, ',') || !Take(&rule, 'M')) return;
    date->month = ReadNumber(&rule);
    Take(&rule, '.');
    date->week = ReadNumber(&rule);
    Take(&rule, '.');
    date->weekday = ReadNumber(&rule);
    if (Take(&rule, '/')) date->seconds = ReadClock(&rule);
  }
}

int32_t TimeZone::OffsetByRule(int64_t unix_seconds) const {
  const auto valid = [](const RuleDate& date) { return date.month >= 1 && date.month <= 12; };
  if (!valid(summer_begin_) || !valid(summer_end_)) return standard_offset_;
  const int64_t year = CivilFromUnix(unix_seconds + standard_offset_).year;
  const auto instant = [&](const RuleDate& date, int32_t offset_before) {
    const int64_t first = UnixFromCivil(year, date.month, 1);
    int day = 1 + (date.weekday - CivilFromUnix(first).weekday + 7) % 7 + (date.week - 1) * 7;
    while (day > DaysInMonth(year, date.month)) day -= 7;
    return UnixFromCivil(year, date.month, day) + date.seconds - offset_before;
  };
  const int64_t begin = instant(summer_begin_, standard_offset_);
  const int64_t end = instant(summer_end_, summer_offset_);
  const bool summer = begin < end ? unix_seconds >= begin && unix_seconds < end
                                  : unix_seconds >= begin || unix_seconds < end;
  return summer ? summer_offset_ : standard_offset_;
}

int32_t TimeZone::OffsetAt(int64_t unix_seconds) const {
  const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), unix_seconds);
  if (after == transitions_.end() && has_rule_) return OffsetByRule(unix_seconds);
  if (after == transitions_.begin()) return first_offset_;
  return offsets_[static_cast<size_t>(after - transitions_.begin()) - 1];
}

int64_t TimeZone::FromLocal(int64_t local_seconds) const {
  // As Go's time.Date: try the offset around that time; where two fit, the earlier one.
  const int32_t guess = OffsetAt(local_seconds);
  const int32_t before = OffsetAt(local_seconds - guess);
  if (before == guess) return local_seconds - guess;
  const int32_t other = OffsetAt(local_seconds - before);
  return local_seconds - (other == before ? before : guess);
}

std::string FormatTimeIn(int64_t ns, const TimeZone* zone) {
  if (zone == nullptr || zone->name() == "UTC") return FormatRfc3339Nano(ns);
  const int64_t seconds = ns / 1'000'000'000 - (ns % 1'000'000'000 < 0 ? 1 : 0);
  const int32_t offset = zone->OffsetAt(seconds);
  std::string out = FormatRfc3339Nano(ns);
  if (offset == 0) return out;
  // The fraction stays; what is before it may lie beyond the last time in nanoseconds.
  constexpr size_t kDateBytes = 19;
  const CivilTime local = CivilFromUnix(seconds + offset);
  char date[40];
  std::snprintf(date, sizeof(date), "%04d-%02d-%02dT%02d:%02d:%02d", static_cast<int>(local.year),
                local.month, local.day, local.hour, local.minute, local.second);
  out.replace(0, kDateBytes, date);
  out.pop_back();  // "Z"
  const int minutes = std::abs(offset) / 60;
  char text[8];
  std::snprintf(text, sizeof(text), "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60 % 100,
                minutes % 60);
  return out + text;
}

}  // namespace tsdb::influxql
