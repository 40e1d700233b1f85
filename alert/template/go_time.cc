#include "alert/template/go_time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/coding.h"
#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};

enum class Piece : uint8_t {
  kLiteral,
  kLongMonth,
  kMonth,
  kNumMonth,
  kZeroMonth,
  kLongWeekday,
  kWeekday,
  kDay,
  kUnderDay,
  kZeroDay,
  kUnderYearDay,
  kZeroYearDay,
  kHour,
  kHour12,
  kZeroHour12,
  kMinute,
  kZeroMinute,
  kSecond,
  kZeroSecond,
  kLongYear,
  kYear,
  kUpperPm,
  kLowerPm,
  kZoneName,
  kZoneIso,
  kZoneIsoColon,
  kZoneNum,
  kZoneNumColon,
  kZoneNumShort,
  kZoneIsoShort,
  kFraction,
};

struct PieceText {
  std::string_view text;
  Piece piece;
};
// Longer ones before their prefixes.
constexpr PieceText kPieces[] = {
    {"January", Piece::kLongMonth},
    {"Jan", Piece::kMonth},
    {"Monday", Piece::kLongWeekday},
    {"Mon", Piece::kWeekday},
    {"MST", Piece::kZoneName},
    {"2006", Piece::kLongYear},
    {"_2006", Piece::kLiteral},
    {"__2", Piece::kUnderYearDay},
    {"_2", Piece::kUnderDay},
    {"002", Piece::kZeroYearDay},
    {"01", Piece::kZeroMonth},
    {"02", Piece::kZeroDay},
    {"03", Piece::kZeroHour12},
    {"04", Piece::kZeroMinute},
    {"05", Piece::kZeroSecond},
    {"06", Piece::kYear},
    {"15", Piece::kHour},
    {"1", Piece::kNumMonth},
    {"2", Piece::kDay},
    {"3", Piece::kHour12},
    {"4", Piece::kMinute},
    {"5", Piece::kSecond},
    {"PM", Piece::kUpperPm},
    {"pm", Piece::kLowerPm},
    {"Z07:00", Piece::kZoneIsoColon},
    {"Z0700", Piece::kZoneIso},
    {"Z07", Piece::kZoneIsoShort},
    {"-07:00", Piece::kZoneNumColon},
    {"-0700", Piece::kZoneNum},
    {"-07", Piece::kZoneNumShort},
};

struct LayoutPiece {
  Piece piece = Piece::kLiteral;
  std::string_view text;
};

// ".000", ",000" (digits kept) or ".999" (zeros cut); only behind a second, and not before another
// digit.
size_t FractionLength(std::string_view layout) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return 0;
  const char digit = layout[1];
  if (digit != '0' && digit != '9') return 0;
  size_t length = 1;
  while (length < layout.size() && layout[length] == digit) ++length;
  if (length < layout.size() && layout[length] >= '0' && layout[length] <= '9') return 0;
  return length;
}

std::vector<LayoutPiece> SplitLayout(std::string_view layout) {
  std::vector<LayoutPiece> pieces;
  size_t literal = 0;
  const auto flush = [&](size_t end) {
    if (end > literal) pieces.push_back({Piece::kLiteral, layout.substr(literal, end - literal)});
  };
  for (size_t i = 0; i < layout.size();) {
    const std::string_view rest = layout.substr(i);
    LayoutPiece found;
    if (const size_t length = FractionLength(rest))
      found = {Piece::kFraction, rest.substr(0, length)};
    for (const PieceText& candidate : kPieces) {
      if (!found.text.empty()) break;
      if (!rest.starts_with(candidate.text)) continue;
      // "_2006" is an underscore and a year; "Janet" is no month, but Go looks only at lower case
      // after "Jan".
      if (candidate.text == "Jan" && rest.size() > 3 && rest[3] >= 'a' && rest[3] <= 'z') continue;
      if (candidate.text == "Mon" && rest.size() > 3 && rest[3] >= 'a' && rest[3] <= 'z') continue;
      if (candidate.text == "_2" && rest.starts_with("_2006")) continue;
      if (candidate.piece == Piece::kLiteral) continue;
      found = {candidate.piece, candidate.text};
    }
    if (found.text.empty()) {
      ++i;
      continue;
    }
    flush(i);
    pieces.push_back(found);
    i += found.text.size();
    literal = i;
  }
  flush(layout.size());
  return pieces;
}

std::string Padded(int64_t value, int width, char fill) {
  const bool negative = value < 0;
  std::string digits = std::to_string(negative ? -value : value);
  if (static_cast<int>(digits.size()) < width)
    digits.insert(0, static_cast<size_t>(width) - digits.size(), fill);
  return negative ? "-" + digits : digits;
}

std::string ZoneOffset(int32_t offset, bool colon, bool minutes, bool iso) {
  if (iso && offset == 0) return "Z";
  std::string out(1, offset < 0 ? '-' : '+');
  const int32_t absolute = offset < 0 ? -offset : offset;
  out += Padded(absolute / 3600, 2, '0');
  if (!minutes) return out;
  if (colon) out += ':';
  return out + Padded(absolute / 60 % 60, 2, '0');
}

std::string Fraction(int32_t nanoseconds, std::string_view form) {
  std::string digits = Padded(nanoseconds, 9, '0');
  digits.resize(std::min<size_t>(form.size() - 1, 9));
  if (form[1] == '9') {
    while (!digits.empty() && digits.back() == '0') digits.pop_back();
    if (digits.empty()) return "";
  }
  return std::string(1, form[0]) + digits;
}

std::string FormatPiece(const LayoutPiece& piece, const CivilTime& civil, const Time& time) {
  const int hour12 = civil.hour % 12 == 0 ? 12 : civil.hour % 12;
  switch (piece.piece) {
    case Piece::kLiteral:
      return std::string(piece.text);
    case Piece::kLongMonth:
      return std::string(kMonths[static_cast<size_t>(civil.month - 1)]);
    case Piece::kMonth:
      return std::string(kMonths[static_cast<size_t>(civil.month - 1)].substr(0, 3));
    case Piece::kNumMonth:
      return std::to_string(civil.month);
    case Piece::kZeroMonth:
      return Padded(civil.month, 2, '0');
    case Piece::kLongWeekday:
      return std::string(kDays[static_cast<size_t>(civil.weekday)]);
    case Piece::kWeekday:
      return std::string(kDays[static_cast<size_t>(civil.weekday)].substr(0, 3));
    case Piece::kDay:
      return std::to_string(civil.day);
    case Piece::kUnderDay:
      return Padded(civil.day, 2, ' ');
    case Piece::kZeroDay:
      return Padded(civil.day, 2, '0');
    case Piece::kUnderYearDay:
      return Padded(civil.day_of_year, 3, ' ');
    case Piece::kZeroYearDay:
      return Padded(civil.day_of_year, 3, '0');
    case Piece::kHour:
      return Padded(civil.hour, 2, '0');
    case Piece::kHour12:
      return std::to_string(hour12);
    case Piece::kZeroHour12:
      return Padded(hour12, 2, '0');
    case Piece::kMinute:
      return std::to_string(civil.minute);
    case Piece::kZeroMinute:
      return Padded(civil.minute, 2, '0');
    case Piece::kSecond:
      return std::to_string(civil.second);
    case Piece::kZeroSecond:
      return Padded(civil.second, 2, '0');
    case Piece::kLongYear:
      return Padded(civil.year, 4, '0');
    case Piece::kYear:
      return Padded(civil.year % 100, 2, '0');
    case Piece::kUpperPm:
      return civil.hour >= 12 ? "PM" : "AM";
    case Piece::kLowerPm:
      return civil.hour >= 12 ? "pm" : "am";
    case Piece::kZoneName:
      return time.zone.empty()
                 ? ZoneOffset(time.offset_seconds, false, time.offset_seconds % 3600 != 0, false)
                 : time.zone;
    case Piece::kZoneIso:
      return ZoneOffset(time.offset_seconds, false, true, true);
    case Piece::kZoneIsoColon:
      return ZoneOffset(time.offset_seconds, true, true, true);
    case Piece::kZoneIsoShort:
      return ZoneOffset(time.offset_seconds, false, false, true);
    case Piece::kZoneNum:
      return ZoneOffset(time.offset_seconds, false, true, false);
    case Piece::kZoneNumColon:
      return ZoneOffset(time.offset_seconds, true, true, false);
    case Piece::kZoneNumShort:
      return ZoneOffset(time.offset_seconds, false, false, false);
    case Piece::kFraction:
      return Fraction(time.nanoseconds, piece.text);
  }
  return "";
}

// Reads the fields of a time from text, piece by piece.
class TimeParser {
 public:
  TimeParser(std::string_view layout, std::string_view text)
      : layout_(layout), text_(text), rest_(text) {}

  Result<Time> Run() {
    for (const LayoutPiece& piece : SplitLayout(layout_)) {
      if (!Read(piece)) {
        return InvalidArgument("parsing time " + GoQuote(text_) + " as " + GoQuote(layout_) +
                               ": cannot parse " + GoQuote(rest_) + " as " + GoQuote(piece.text));
      }
    }
    const auto failure = [&](std::string_view why) {
      return InvalidArgument("parsing time " + GoQuote(text_) + ": " + std::string(why));
    };
    if (!rest_.empty()) return failure("extra text: " + GoQuote(rest_));
    if (pm_ >= 0) hour_ = hour_ % 12 + 12 * pm_;
    if (month_ < 1 || month_ > 12) return failure("month out of range");
    if (day_ < 1 || day_ > DaysInMonth(year_, static_cast<int>(month_)))
      return failure("day out of range");
    if (hour_ > 23) return failure("hour out of range");
    if (minute_ > 59) return failure("minute out of range");
    if (second_ > 59) return failure("second out of range");
    Time time;
    time.seconds = UnixFromCivil(year_, static_cast<int>(month_), static_cast<int>(day_),
                                 static_cast<int>(hour_), static_cast<int>(minute_),
                                 static_cast<int>(second_)) -
                   offset_;
    time.nanoseconds = static_cast<int32_t>(nanoseconds_);
    time.offset_seconds = static_cast<int32_t>(offset_);
    time.zone = offset_ == 0 ? "UTC" : "";
    return time;
  }

 private:
  bool Digits(size_t min, size_t max, int64_t* value) {
    size_t n = 0;
    *value = 0;
    while (n < max && n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9')
      *value = *value * 10 + (rest_[n++] - '0');
    if (n < min) return false;
    rest_.remove_prefix(n);
    return true;
  }
  template <size_t N>
  bool Name(const std::array<std::string_view, N>& names, bool whole, int64_t* index) {
    for (size_t i = 0; i < N; ++i) {
      const std::string_view name = whole ? names[i] : names[i].substr(0, 3);
      if (rest_.size() >= name.size() && EqualsIgnoreCase(rest_.substr(0, name.size()), name)) {
        *index = static_cast<int64_t>(i);
        rest_.remove_prefix(name.size());
        return true;
      }
    }
    return false;
  }
  bool Zone(bool colon, bool minutes, bool iso) {
    if (iso && rest_.starts_with("Z")) {
      rest_.remove_prefix(1);
      return true;
    }
    if (rest_.empty() || (rest_[0] != '+' && rest_[0] != '-')) return false;
    const int sign = rest_[0] == '-' ? -1 : 1;
    rest_.remove_prefix(1);
    int64_t hours = 0, minute = 0;
    if (!Digits(2, 2, &hours)) return false;
    if (colon) {
      if (!rest_.starts_with(":")) return false;
      rest_.remove_prefix(1);
    }
    if (minutes && !Digits(2, 2, &minute)) return false;
    offset_ = sign * (hours * 3600 + minute * 60);
    return hours < 25 && minute < 60;
  }
  bool ReadFraction() {
    if (rest_.empty() || (rest_[0] != '.' && rest_[0] != ',')) return true;
    size_t n = 1;
    int64_t scale = 100'000'000;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') {
      nanoseconds_ += (rest_[n++] - '0') * scale;
      scale /= 10;
    }
    if (n == 1) return true;
    rest_.remove_prefix(n);
    return true;
  }

  bool Read(const LayoutPiece& piece) {
    int64_t ignored = 0;
    switch (piece.piece) {
      case Piece::kLiteral:
        if (!rest_.starts_with(piece.text)) return false;
        rest_.remove_prefix(piece.text.size());
        return true;
      case Piece::kLongMonth:
        if (!Name(kMonths, true, &month_)) return false;
        ++month_;
        return true;
      case Piece::kMonth:
        if (!Name(kMonths, false, &month_)) return false;
        ++month_;
        return true;
      case Piece::kNumMonth:
        return Digits(1, 2, &month_);
      case Piece::kZeroMonth:
        return Digits(2, 2, &month_);
      case Piece::kLongWeekday:
        return Name(kDays, true, &ignored);
      case Piece::kWeekday:
        return Name(kDays, false, &ignored);
      case Piece::kUnderDay:
        if (rest_.starts_with(" ")) rest_.remove_prefix(1);
        return Digits(1, 2, &day_);
      case Piece::kDay:
        return Digits(1, 2, &day_);
      case Piece::kZeroDay:
        return Digits(2, 2, &day_);
      case Piece::kUnderYearDay:
      case Piece::kZeroYearDay:
        return Digits(3, 3, &ignored);
      case Piece::kHour:
        return Digits(2, 2, &hour_);
      case Piece::kHour12:
        return Digits(1, 2, &hour_);
      case Piece::kZeroHour12:
        return Digits(2, 2, &hour_);
      case Piece::kMinute:
        return Digits(1, 2, &minute_);
      case Piece::kZeroMinute:
        return Digits(2, 2, &minute_);
      case Piece::kSecond:
        return Digits(1, 2, &second_) && ReadFraction();
      case Piece::kZeroSecond:
        return Digits(2, 2, &second_) && ReadFraction();
      case Piece::kLongYear:
        return Digits(4, 4, &year_);
      case Piece::kYear:
        if (!Digits(2, 2, &year_)) return false;
        year_ += year_ >= 69 ? 1900 : 2000;
        return true;
      case Piece::kUpperPm:
      case Piece::kLowerPm:
        if (rest_.size() < 2) return false;
        pm_ = EqualsIgnoreCase(rest_.substr(0, 2), "pm")   ? 1
              : EqualsIgnoreCase(rest_.substr(0, 2), "am") ? 0
                                                           : -1;
        rest_.remove_prefix(2);
        return pm_ >= 0;
      case Piece::kZoneName: {
        size_t n = 0;
        while (n < rest_.size() && n < 5 && rest_[n] >= 'A' && rest_[n] <= 'Z') ++n;
        if (n < 3) return false;
        rest_.remove_prefix(n);
        return true;
      }
      case Piece::kZoneIso:
        return Zone(false, true, true);
      case Piece::kZoneIsoColon:
        return Zone(true, true, true);
      case Piece::kZoneIsoShort:
        return Zone(false, false, true);
      case Piece::kZoneNum:
        return Zone(false, true, false);
      case Piece::kZoneNumColon:
        return Zone(true, true, false);
      case Piece::kZoneNumShort:
        return Zone(false, false, false);
      case Piece::kFraction:
        return ReadFraction();
    }
    return false;
  }

  std::string_view layout_, text_, rest_;
  int64_t year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0, nanoseconds_ = 0,
          offset_ = 0;
  int pm_ = -1;
};

class FixedZone : public TimeZone {
 public:
  Offset At(int64_t) const override { return {0, "UTC"}; }
};

// A compiled zone (TZif, RFC 8536). The rule for times after the last transition (the POSIX TZ
// string of the footer) is not used: Debian's files list transitions up to 2037, after which the
// last one stays.
class FileZone : public TimeZone {
 public:
  static std::shared_ptr<const TimeZone> Parse(std::string_view bytes) {
    auto zone = std::make_shared<FileZone>();
    Header header;
    if (!ReadHeader(&bytes, &header)) return nullptr;
    if (header.version >= '2') {
      // The first block holds 32-bit times only; the second one follows it.
      const uint64_t skip = header.BodySize(4);
      if (skip > bytes.size()) return nullptr;
      bytes.remove_prefix(skip);
      if (!ReadHeader(&bytes, &header)) return nullptr;
      return zone->ReadBody(bytes, header, 8) ? zone : nullptr;
    }
    return zone->ReadBody(bytes, header, 4) ? zone : nullptr;
  }

  Offset At(int64_t unix_seconds) const override {
    const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), unix_seconds);
    if (after == transitions_.begin()) return kinds_[0];
    return kinds_[indexes_[static_cast<size_t>(after - transitions_.begin()) - 1]];
  }

 private:
  struct Header {
    char version = 0;
    uint32_t utc_count = 0, standard_count = 0, leap_count = 0, time_count = 0, kind_count = 0,
             name_size = 0;
    uint64_t BodySize(uint64_t time_size) const {
      return time_count * (time_size + 1) + uint64_t{kind_count} * 6 + name_size +
             leap_count * (time_size + 4) + standard_count + utc_count;
    }
  };

  static bool ReadHeader(std::string_view* bytes, Header* header) {
    if (bytes->size() < 44 || !bytes->starts_with("TZif")) return false;
    header->version = (*bytes)[4];
    bytes->remove_prefix(20);
    return GetKey32(bytes, &header->utc_count) && GetKey32(bytes, &header->standard_count) &&
           GetKey32(bytes, &header->leap_count) && GetKey32(bytes, &header->time_count) &&
           GetKey32(bytes, &header->kind_count) && GetKey32(bytes, &header->name_size);
  }

  bool ReadBody(std::string_view bytes, const Header& header, size_t time_size) {
    if (header.BodySize(time_size) > bytes.size() || header.kind_count == 0) return false;
    for (uint32_t i = 0; i < header.time_count; ++i) {
      uint64_t wide = 0;
      uint32_t narrow = 0;
      if (time_size == 8 ? !GetKey64(&bytes, &wide) : !GetKey32(&bytes, &narrow)) return false;
      transitions_.push_back(time_size == 8 ? static_cast<int64_t>(wide)
                                            : static_cast<int32_t>(narrow));
    }
    for (uint32_t i = 0; i < header.time_count; ++i) {
      indexes_.push_back(static_cast<uint8_t>(bytes[i]));
      if (indexes_.back() >= header.kind_count) return false;
    }
    bytes.remove_prefix(header.time_count);
    const std::string_view names = bytes.substr(uint64_t{header.kind_count} * 6, header.name_size);
    for (uint32_t i = 0; i < header.kind_count; ++i) {
      uint32_t offset = 0;
      if (!GetKey32(&bytes, &offset)) return false;
      const auto name_index = static_cast<uint8_t>(bytes[1]);
      bytes.remove_prefix(2);
      if (name_index >= names.size()) return false;
      const std::string_view name = names.substr(name_index);
      kinds_.push_back(
          {static_cast<int32_t>(offset), std::string(name.substr(0, name.find('\0')))});
    }
    return true;
  }

  std::vector<int64_t> transitions_;
  std::vector<uint8_t> indexes_;
  std::vector<Offset> kinds_;
};

}  // namespace

Time TimeFromUnixNs(int64_t nanoseconds) {
  Time time;
  time.seconds = nanoseconds / 1'000'000'000;
  int64_t rest = nanoseconds % 1'000'000'000;
  if (rest < 0) {
    rest += 1'000'000'000;
    --time.seconds;
  }
  time.nanoseconds = static_cast<int32_t>(rest);
  return time;
}

int64_t TimeUnixNs(const Time& time) { return time.seconds * 1'000'000'000 + time.nanoseconds; }

std::string FormatTime(const Time& time, std::string_view layout) {
  const CivilTime civil = CivilFromUnix(time.seconds + time.offset_seconds);
  std::string out;
  for (const LayoutPiece& piece : SplitLayout(layout)) out += FormatPiece(piece, civil, time);
  return out;
}

std::string FormatTimeString(const Time& time) {
  return FormatTime(time, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string FormatTimeJson(const Time& time) {
  return FormatTime(time, "2006-01-02T15:04:05.999999999Z07:00");
}

Result<Time> ParseTime(std::string_view layout, std::string_view text) {
  return TimeParser(layout, text).Run();
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Load(std::string_view name) {
  if (name.empty() || name == "UTC")
    return std::shared_ptr<const TimeZone>(std::make_shared<FixedZone>());
  const Status unknown = NotFound("unknown time zone " + std::string(name));
  // A name is a relative path below the database; nothing may lead out of it.
  if (name[0] == '/' || name.find("..") != std::string_view::npos ||
      name.find('\0') != std::string_view::npos) {
    return unknown;
  }
  const std::string path =
      name == "Local" ? "/etc/localtime" : "/usr/share/zoneinfo/" + std::string(name);
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto zone = FileZone::Parse(bytes);
  if (zone == nullptr) {
    if (name == "Local") return std::shared_ptr<const TimeZone>(std::make_shared<FixedZone>());
    return unknown;
  }
  return zone;
}

}  // namespace tsdb::gotemplate
