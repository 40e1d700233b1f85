#include "alert/template/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "alert/template/go_time.h"
#include "base/duration.h"
#include "base/text.h"
#include "base/utf8.h"

namespace tsdb::gotemplate {
namespace {

using Kind = Value::Kind;

// Wider fields than this are refused, as Go refuses them beyond a million.
constexpr int kMaxWidth = 1'000'000;

struct Spec {
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  bool plus_v = false, sharp_v = false;
  bool has_width = false, has_precision = false;
  int width = 0, precision = 0;
};

size_t CountRunes(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string_view TruncateRunes(std::string_view text, int limit) {
  int runes = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] & 0xc0) == 0x80) continue;
    if (runes++ == limit) return text.substr(0, i);
  }
  return text;
}

char32_t RuneOf(bool negative, uint64_t magnitude) {
  return negative || magnitude > kMaxCodePoint ? kReplacementCharacter
                                               : static_cast<char32_t>(magnitude);
}

class Printer {
 public:
  // An action prints what a pointer leads to; fmt's functions show that it is one.
  explicit Printer(std::string* out, bool mark_pointers = true)
      : out_(out), mark_pointers_(mark_pointers) {}

  void Print(const Value& value, char verb, const Spec& spec) {
    spec_ = spec;
    PrintValue(value, verb, 0);
  }

  void BadVerb(const Value& value, char verb, const Spec& spec) {
    BadVerb(value, std::string_view(&verb, 1), spec);
  }
  void BadVerb(const Value& value, std::string_view verb, const Spec& spec) {
    *out_ += "%!";
    *out_ += verb;
    *out_ += '(';
    if (value.is_nil()) {
      *out_ += "<nil>";
    } else {
      *out_ += value.TypeName();
      *out_ += '=';
      spec_ = spec;
      PrintValue(value, 'v', 0);
    }
    *out_ += ')';
  }

 private:
  void Pad(std::string_view text) {
    const size_t width = spec_.has_width ? static_cast<size_t>(spec_.width) : 0;
    const size_t runes = CountRunes(text);
    const size_t padding = width > runes ? width - runes : 0;
    if (spec_.minus) {
      out_->append(text).append(padding, ' ');
    } else {
      out_->append(padding, spec_.zero ? '0' : ' ').append(text);
    }
  }
  // Numbers put their zeros between sign and digits, so the rest of the field is blanks.
  void PadBlank(std::string_view text) {
    const bool zero = std::exchange(spec_.zero, false);
    Pad(text);
    spec_.zero = zero;
  }

  void PrintText(const std::string& text, char verb, const Value& value) {
    switch (verb) {
      case 'v':
        if (spec_.sharp_v) return Pad(GoQuote(text));
        [[fallthrough]];
      case 's':
        return Pad(spec_.has_precision ? TruncateRunes(text, spec_.precision)
                                       : std::string_view(text));
      case 'q':
        return Pad(Quote(spec_.has_precision ? TruncateRunes(text, spec_.precision)
                                             : std::string_view(text)));
      case 'x':
      case 'X':
        return PrintHexText(text, verb == 'X');
      default:
        return BadVerb(value, verb, Spec(spec_));
    }
  }

  std::string Quote(std::string_view text) const {
    if (spec_.sharp && text.find_first_of("`\n\r") == std::string_view::npos)
      return "`" + std::string(text) + "`";
    std::string quoted = GoQuote(text);
    if (!spec_.plus) return quoted;
    return AsciiOnly(quoted);
  }
  static std::string AsciiOnly(std::string_view quoted) {
    std::string out;
    for (size_t i = 0; i < quoted.size();) {
      const auto lead = static_cast<unsigned char>(quoted[i]);
      if (lead < 0x80) {
        out += quoted[i++];
        continue;
      }
      const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
      uint32_t rune = lead & (0xffU >> (length + 1));
      for (size_t k = 1; k < length && i + k < quoted.size(); ++k) {
        rune = rune << 6 | (static_cast<unsigned char>(quoted[i + k]) & 0x3fU);
      }
      char buffer[16];
      std::snprintf(buffer, sizeof buffer, rune > 0xffff ? "\\U%08x" : "\\u%04x", rune);
      out += buffer;
      i += length;
    }
    return out;
  }

  void PrintHexText(std::string_view text, bool upper) {
    if (spec_.has_precision) text = text.substr(0, static_cast<size_t>(spec_.precision));
    const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string hex;
    const std::string_view prefix = upper ? "0X" : "0x";
    for (size_t i = 0; i < text.size(); ++i) {
      if (spec_.space && i > 0) hex += ' ';
      if (spec_.sharp && (spec_.space || i == 0)) hex += prefix;
      const auto byte = static_cast<unsigned char>(text[i]);
      hex += digits[byte >> 4];
      hex += digits[byte & 15];
    }
    Pad(hex);
  }

  void PrintInteger(uint64_t magnitude, bool negative, char verb, const Value& value) {
    int base = 10;
    switch (verb) {
      case 'v':
      case 'd':
        break;
      case 'b':
        base = 2;
        break;
      case 'o':
      case 'O':
        base = 8;
        break;
      case 'x':
      case 'X':
        base = 16;
        break;
      case 'c': {
        std::string text;
        AppendUtf8(&text, RuneOf(negative, magnitude));
        return Pad(text);
      }
      case 'q': {
        std::string text;
        AppendUtf8(&text, RuneOf(negative, magnitude));
        std::string quoted = text == "'" ? "\\'" : text == "\"" ? "\"" : GoQuote(text).substr(1);
        if (text != "'" && text != "\"") quoted.pop_back();
        return Pad("'" + quoted + "'");
      }
      case 'U': {
        char buffer[32];
        std::snprintf(buffer, sizeof buffer, "U+%04llX",
                      static_cast<unsigned long long>(magnitude));
        return PadBlank(buffer);
      }
      default:
        return BadVerb(value, verb, Spec(spec_));
    }
    PadBlank(IntegerText(magnitude, negative, base, verb));
  }

  std::string IntegerText(uint64_t magnitude, bool negative, int base, char verb) const {
    const bool sign = negative || spec_.plus || spec_.space;
    size_t digits_min = 1;
    if (spec_.has_precision) {
      digits_min = static_cast<size_t>(spec_.precision);
      if (digits_min == 0 && magnitude == 0) return "";
    } else if (spec_.zero && spec_.has_width && !spec_.minus) {
      digits_min = static_cast<size_t>(std::max(spec_.width - (sign ? 1 : 0), 1));
    }
    char buffer[72];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr;
    std::string digits(buffer, end);
    if (verb == 'X') digits = ToUpper(digits);
    if (digits.size() < digits_min) digits.insert(0, digits_min - digits.size(), '0');
    if (spec_.sharp && base == 2) digits.insert(0, "0b");
    if (spec_.sharp && base == 8 && digits[0] != '0') digits.insert(0, "0");
    if (spec_.sharp && base == 16) digits.insert(0, verb == 'X' ? "0X" : "0x");
    if (verb == 'O') digits.insert(0, "0o");
    if (sign) digits.insert(0, 1, negative ? '-' : spec_.plus ? '+' : ' ');
    return digits;
  }

  void PrintFloat(double v, char verb, const Value& value) {
    if (std::string_view("vbeEfFgGxX").find(verb) == std::string_view::npos || verb == 'b') {
      return BadVerb(value, verb, Spec(spec_));
    }
    std::string text = FloatText(std::fabs(v), verb);
    const bool negative = std::signbit(v) && !std::isnan(v);
    const bool finite = std::isfinite(v);
    const bool sign = negative || spec_.plus || spec_.plus_v || (std::isinf(v) && !spec_.space);
    if (sign) {
      text.insert(0, 1, negative ? '-' : '+');
    } else if (spec_.space) {
      text.insert(0, 1, ' ');
    }
    const size_t width = spec_.has_width ? static_cast<size_t>(spec_.width) : 0;
    if (finite && spec_.zero && !spec_.minus && text.size() < width) {
      text.insert(sign || spec_.space ? 1 : 0, width - text.size(), '0');
    }
    PadBlank(text);
  }

  std::string FloatText(double v, char verb) const {
    if (std::isnan(v)) return "NaN";
    if (std::isinf(v)) return "Inf";
    if (verb == 'F') verb = 'f';
    const bool shortest = !spec_.has_precision;
    if (verb == 'v' || verb == 'g' || verb == 'G') {
      std::string text = shortest ? FormatGoFloat(v) : FormatGeneral(v, spec_.precision);
      return verb == 'G' ? ToUpper(text) : text;
    }
    if (verb == 'x' || verb == 'X') return HexFloat(v, verb);
    const char format[] = {'%', '.', '*', verb, 0};
    const int precision = shortest ? 6 : spec_.precision;
    const int size = std::snprintf(nullptr, 0, format, precision, v);
    std::string text(static_cast<size_t>(size) + 1, 0);
    std::snprintf(text.data(), text.size(), format, precision, v);
    text.pop_back();
    return text;
  }

  std::string HexFloat(double v, char verb) const {
    char buffer[64];
    if (spec_.has_precision) {
      std::snprintf(buffer, sizeof buffer, "%.*a", std::min(spec_.precision, 30), v);
    } else {
      std::snprintf(buffer, sizeof buffer, "%a", v);
    }
    std::string text = buffer;
    const size_t p = text.find('p');
    if (p != std::string::npos && text.size() == p + 3) text.insert(p + 2, "0");
    return verb == 'X' ? ToUpper(text) : text;
  }

  void PrintElements(const std::vector<Value>& items, char verb, int depth) {
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) *out_ += spec_.sharp_v ? ", " : " ";
      PrintValue(items[i], verb, depth + 1);
    }
  }

  void PrintMap(const Map& map, char verb, int depth) {
    *out_ += spec_.sharp_v ? map.type->name + "{" : "map[";
    bool first = true;
    for (const auto& [key, item] : map.items) {
      if (!first) *out_ += spec_.sharp_v ? ", " : " ";
      first = false;
      PrintText(key, verb, Value::String(key));
      *out_ += ':';
      PrintValue(item, verb, depth + 1);
    }
    *out_ += spec_.sharp_v ? "}" : "]";
  }

  void PrintObject(const Object& object, char verb, int depth) {
    if (object.type->is_pointer && depth > 0) {
      // Go prints an address here; a fixed one keeps the output the same from run to run.
      *out_ += "0xc000000000";
      return;
    }
    if (object.type->is_pointer && mark_pointers_) *out_ += '&';
    *out_ += '{';
    for (size_t i = 0; i < object.fields.size(); ++i) {
      if (i > 0) *out_ += ' ';
      if (spec_.plus_v || spec_.sharp_v) *out_ += object.fields[i].first + ":";
      PrintValue(object.fields[i].second, verb, depth + 1);
    }
    *out_ += '}';
  }

  void PrintValue(const Value& value, char verb, int depth) {
    if (value.is_nil()) {
      if (verb == 'v') {
        Pad("<nil>");
      } else {
        BadVerb(value, verb, Spec(spec_));
      }
      return;
    }
    const TypeInfo* info = value.type();
    const bool text_verb = std::string_view("vsxXq").find(verb) != std::string_view::npos;
    if (info != nullptr && info->to_string && text_verb && !spec_.sharp_v) {
      return PrintText(info->to_string(value), verb, value);
    }
    switch (value.kind()) {
      case Kind::kNil:
        return;
      case Kind::kBool:
        if (verb != 'v' && verb != 't') return BadVerb(value, verb, Spec(spec_));
        return Pad(value.boolean() ? "true" : "false");
      case Kind::kInt: {
        const int64_t v = value.integer();
        return PrintInteger(v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v), v < 0,
                            verb, value);
      }
      case Kind::kUint:
        return PrintInteger(value.unsigned_integer(), false, verb, value);
      case Kind::kFloat:
        return PrintFloat(value.floating(), verb, value);
      case Kind::kString:
        return PrintText(value.text(), verb, value);
      case Kind::kTime:
        return PrintText(FormatTimeString(value.time()), verb, value);
      case Kind::kDuration: {
        if (text_verb) return PrintText(FormatGoDuration(value.duration_ns()), verb, value);
        const int64_t v = value.duration_ns();
        return PrintInteger(v < 0 ? ~static_cast<uint64_t>(v) + 1 : static_cast<uint64_t>(v), v < 0,
                            verb, value);
      }
      case Kind::kList:
        *out_ += spec_.sharp_v ? info->name + "{" : "[";
        PrintElements(value.list().items, verb, depth);
        *out_ += spec_.sharp_v ? "}" : "]";
        return;
      case Kind::kMap:
        return PrintMap(value.map(), verb, depth);
      case Kind::kObject:
        return PrintObject(value.object(), verb, depth);
    }
  }

  std::string* out_;
  bool mark_pointers_;
  Spec spec_;
};

std::string FormatOperand(const Value& value) {
  std::string out;
  Printer(&out).Print(value, 'v', Spec{});
  return out;
}

// Walks a format string.
class Formatter {
 public:
  Formatter(std::string_view format, std::span<const Value> values)
      : format_(format), values_(values) {}

  std::string Run() {
    while (pos_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', pos_), format_.size());
      out_ += format_.substr(pos_, percent - pos_);
      pos_ = percent;
      if (pos_ < format_.size()) Directive();
    }
    if (!reordered_ && next_ < values_.size()) Extra();
    return std::move(out_);
  }

 private:
  char Peek() const { return pos_ < format_.size() ? format_[pos_] : '\0'; }

  void Flags(Spec* spec) {
    for (;; ++pos_) {
      switch (Peek()) {
        case '#':
          spec->sharp = true;
          break;
        case '0':
          spec->zero = true;
          break;
        case '+':
          spec->plus = true;
          break;
        case '-':
          spec->minus = true;
          break;
        case ' ':
          spec->space = true;
          break;
        default:
          return;
      }
    }
  }

  // A literal number or a star that takes an argument. False: none there.
  bool Number(int* value, std::string_view bad) {
    if (Peek() == '*') {
      ++pos_;
      if (next_ < values_.size() && values_[next_].kind() == Kind::kInt &&
          std::abs(values_[next_].integer()) <= kMaxWidth) {
        *value = static_cast<int>(values_[next_++].integer());
        return true;
      }
      if (next_ < values_.size()) ++next_;
      out_ += bad;
      return false;
    }
    if (Peek() < '0' || Peek() > '9') return false;
    int64_t number = 0;
    while (Peek() >= '0' && Peek() <= '9') {
      number = std::min<int64_t>(number * 10 + (Peek() - '0'), int64_t{kMaxWidth} + 1);
      ++pos_;
    }
    if (number > kMaxWidth) return false;
    *value = static_cast<int>(number);
    return true;
  }

  // "[3]": the argument to take next, from 1.
  void ArgumentIndex() {
    if (Peek() != '[') return;
    const size_t close = format_.find(']', pos_);
    reordered_ = true;
    if (close == std::string_view::npos) {
      bad_index_ = true;
      ++pos_;
      return;
    }
    uint64_t index = 0;
    const char* begin = format_.data() + pos_ + 1;
    const auto parsed = std::from_chars(begin, format_.data() + close, index);
    bad_index_ = parsed.ptr != format_.data() + close || index < 1 || index > values_.size();
    if (!bad_index_) next_ = static_cast<size_t>(index - 1);
    pos_ = close + 1;
  }

  void Directive() {
    ++pos_;
    Spec spec;
    bad_index_ = false;
    Flags(&spec);
    ArgumentIndex();
    spec.has_width = Number(&spec.width, "%!(BADWIDTH)");
    if (spec.width < 0) {
      spec.width = -spec.width;
      spec.minus = true;
    }
    if (Peek() == '.') {
      ++pos_;
      ArgumentIndex();
      spec.has_precision = true;
      if (Peek() == '*') {
        spec.has_precision = Number(&spec.precision, "%!(BADPREC)") && spec.precision >= 0;
      } else {
        Number(&spec.precision, "");
      }
    }
    ArgumentIndex();
    if (pos_ >= format_.size()) {
      out_ += "%!(NOVERB)";
      return;
    }
    Verb(spec);
  }

  void Verb(Spec spec) {
    size_t length = 1;
    while (pos_ + length < format_.size() && (format_[pos_ + length] & 0xc0) == 0x80) ++length;
    const std::string verb_text(format_.substr(pos_, length));
    pos_ += length;
    const char verb = verb_text[0];
    if (verb_text == "%") {
      out_ += '%';
      return;
    }
    if (bad_index_) {
      out_ += "%!" + verb_text + "(BADINDEX)";
      return;
    }
    if (next_ >= values_.size()) {
      out_ += "%!" + verb_text + "(MISSING)";
      return;
    }
    const Value& value = values_[next_++];
    if (verb == 'v') {
      spec.sharp_v = std::exchange(spec.sharp, false);
      spec.plus_v = std::exchange(spec.plus, false);
    }
    Printer printer(&out_);
    if (verb == 'T') return printer.Print(Value::String(value.TypeName()), 's', spec);
    if (verb_text.size() > 1) return printer.BadVerb(value, verb_text, spec);
    printer.Print(value, verb, spec);
  }

  void Extra() {
    out_ += "%!(EXTRA ";
    for (size_t i = next_; i < values_.size(); ++i) {
      if (i > next_) out_ += ", ";
      if (values_[i].is_nil()) {
        out_ += "<nil>";
      } else {
        out_ += values_[i].TypeName() + "=" + FormatOperand(values_[i]);
      }
    }
    out_ += ')';
  }

  std::string_view format_;
  std::span<const Value> values_;
  size_t pos_ = 0;
  size_t next_ = 0;
  bool reordered_ = false;
  bool bad_index_ = false;
  std::string out_;
};

}  // namespace

std::string FormatValue(const Value& value) {
  std::string out;
  Printer(&out, false).Print(value, 'v', Spec{});
  return out;
}

std::string Sprint(std::span<const Value> values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && !values[i].is_string() && !values[i - 1].is_string()) out += ' ';
    out += FormatOperand(values[i]);
  }
  return out;
}

std::string Sprintln(std::span<const Value> values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += FormatOperand(values[i]);
  }
  return out + "\n";
}

std::string Sprintf(std::string_view format, std::span<const Value> values) {
  return Formatter(format, values).Run();
}

std::string FormatGoFloat(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  char buffer[512];
  const double magnitude = std::fabs(value);
  const auto scientific =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<size_t>(scientific.ptr - buffer));
  int exponent = 0;
  const char* digits = text.data() + text.find('e') + 1;
  if (magnitude != 0) std::from_chars(digits + (*digits == '+'), scientific.ptr, exponent);
  // Go switches the shortest form to an exponent below -4 and from 6 on.
  if (exponent < -4 || exponent >= 6) {
    std::string out(text);
    return out;
  }
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  return std::string(buffer, fixed.ptr);
}

std::string FormatGeneral(double value, int precision) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  const int size = std::snprintf(nullptr, 0, "%.*g", precision, value);
  std::string text(static_cast<size_t>(size) + 1, 0);
  std::snprintf(text.data(), text.size(), "%.*g", precision, value);
  text.pop_back();
  return text;
}

}  // namespace tsdb::gotemplate
