#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/printable.h"
#include "base/utf8.h"

namespace tsdb {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr char kHexLower[] = "0123456789abcdef";
constexpr char kHexUpper[] = "0123456789ABCDEF";

struct Decoded {
  char32_t code_point = 0;
  size_t size_bytes = 0;  // 0: the first byte begins no valid sequence
};

uint8_t ByteAt(std::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// Unicode 15, table 3-7: the second byte has a narrower range after E0, ED, F0 and F4.
// REQUIRES: i < text.size().
Decoded DecodeUtf8(std::string_view text, size_t i) {
  const uint8_t lead = ByteAt(text, i);
  if (lead < 0x80) return {lead, 1};
  size_t size = 0;
  char32_t code_point = 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    size = 2;
    code_point = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    size = 3;
    code_point = lead & 0x0Fu;
    if (lead == 0xE0) second_min = 0xA0;
    if (lead == 0xED) second_max = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    size = 4;
    code_point = lead & 0x07u;
    if (lead == 0xF0) second_min = 0x90;
    if (lead == 0xF4) second_max = 0x8F;
  } else {
    return {};
  }
  if (text.size() - i < size) return {};
  if (ByteAt(text, i + 1) < second_min || ByteAt(text, i + 1) > second_max) return {};
  for (size_t k = 1; k < size; ++k) {
    const uint8_t next = ByteAt(text, i + k);
    if ((next & 0xC0) != 0x80) return {};
    code_point = (code_point << 6) | (next & 0x3Fu);
  }
  return {code_point, size};
}

// The first position at or after `i` that begins no valid sequence; text.size() when there is none.
size_t FindInvalidUtf8(std::string_view text, size_t i) {
  while (i < text.size()) {
    if (text.size() - i >= 8) {  // eight ASCII bytes at once
      uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      if ((word & 0x8080808080808080ULL) == 0) {
        i += 8;
        continue;
      }
    }
    const size_t size = DecodeUtf8(text, i).size_bytes;
    if (size == 0) return i;
    i += size;
  }
  return i;
}

void AppendHex(std::string* out, char32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out->push_back(kHexLower[(value >> shift) & 0xF]);
  }
}

// The letter after the backslash of a short escape ('n'), or 0.
char ShortEscape(char32_t c) {
  switch (c) {
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '\\':
      return '\\';
    case '"':
      return '"';
    default:
      return 0;
  }
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Consumes exactly `count` digits of `base` from the front.
std::optional<char32_t> TakeDigits(std::string_view* text, size_t count, int base) {
  if (text->size() < count) return std::nullopt;
  char32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    const int digit = HexValue((*text)[i]);
    if (digit < 0 || digit >= base) return std::nullopt;
    value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
  }
  text->remove_prefix(count);
  return value;
}

// Consumes what follows a backslash and appends what it stands for.
bool TakeEscape(std::string_view* text, char quote, std::string* out) {
  if (text->empty()) return false;
  const char kind = text->front();
  if (kind >= '0' && kind <= '7') {
    const auto byte = TakeDigits(text, 3, 8);
    if (!byte || *byte > 0xFF) return false;
    out->push_back(static_cast<char>(*byte));
    return true;
  }
  text->remove_prefix(1);
  switch (kind) {
    case 'a':
      out->push_back('\a');
      return true;
    case 'b':
      out->push_back('\b');
      return true;
    case 'f':
      out->push_back('\f');
      return true;
    case 'n':
      out->push_back('\n');
      return true;
    case 'r':
      out->push_back('\r');
      return true;
    case 't':
      out->push_back('\t');
      return true;
    case 'v':
      out->push_back('\v');
      return true;
    case '\\':
      out->push_back('\\');
      return true;
    case '\'':
    case '"':
      if (kind != quote) return false;
      out->push_back(kind);
      return true;
    case 'x': {
      const auto byte = TakeDigits(text, 2, 16);
      if (byte) out->push_back(static_cast<char>(*byte));
      return byte.has_value();
    }
    case 'u':
    case 'U': {
      const auto c = TakeDigits(text, kind == 'u' ? 4 : 8, 16);
      if (!c || !IsCodePoint(*c)) return false;
      AppendUtf8(out, *c);
      return true;
    }
    default:
      return false;
  }
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool IsUnreserved(char c) {  // RFC 3986, section 2.3
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

size_t Utf8SizeAt(std::string_view text, size_t at) { return DecodeUtf8(text, at).size_bytes; }

bool IsValidUtf8(std::string_view text) { return FindInvalidUtf8(text, 0) == text.size(); }

std::string ToValidUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t begin = 0;
  while (true) {
    const size_t bad = FindInvalidUtf8(text, begin);
    out.append(text.substr(begin, bad - begin));
    if (bad == text.size()) return out;
    out.append(kReplacement);
    begin = bad + 1;
  }
}

std::string GoQuote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out.push_back('"');
  for (size_t i = 0; i < text.size();) {
    const Decoded c = DecodeUtf8(text, i);
    if (c.size_bytes == 0) {
      out.append("\\x");
      AppendHex(&out, ByteAt(text, i), 2);
      ++i;
      continue;
    }
    if (const char letter = ShortEscape(c.code_point)) {
      out.push_back('\\');
      out.push_back(letter);
    } else if (IsPrintable(c.code_point)) {
      out.append(text.substr(i, c.size_bytes));
    } else if (c.code_point < 0x80) {
      out.append("\\x");
      AppendHex(&out, c.code_point, 2);
    } else if (c.code_point < 0x10000) {
      out.append("\\u");
      AppendHex(&out, c.code_point, 4);
    } else {
      out.append("\\U");
      AppendHex(&out, c.code_point, 8);
    }
    i += c.size_bytes;
  }
  out.push_back('"');
  return out;
}

std::optional<std::string> GoUnquote(std::string_view text) {
  if (text.size() < 2 || text.front() != text.back()) return std::nullopt;
  const char quote = text.front();
  text = text.substr(1, text.size() - 2);
  if (quote == '`') {
    if (text.find('`') != std::string_view::npos) return std::nullopt;
    return std::string(text);
  }
  if (quote != '"' && quote != '\'') return std::nullopt;
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    if (c == quote || c == '\n') return std::nullopt;
    if (c == '\\') {
      text.remove_prefix(1);
      if (!TakeEscape(&text, quote, &out)) return std::nullopt;
      continue;
    }
    const size_t size = DecodeUtf8(text, 0).size_bytes;
    out.append(size == 0 ? kReplacement : text.substr(0, size));
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return out;
}

std::string Base64Encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = (group << 8) | (k < count ? ByteAt(bytes, i + k) : 0u);
    for (size_t k = 0; k < 4; ++k) {
      out.push_back(k <= count ? kBase64[(group >> (18 - 6 * k)) & 0x3F] : '=');
    }
  }
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  size_t padding = 0;
  while (!text.empty() && (text.back() == '=' || text.back() == '\n' || text.back() == '\r')) {
    if (text.back() == '=') ++padding;
    text.remove_suffix(1);
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t group = 0;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;  // wrapped lines, as in PEM and in Go's decoder
    const int value = Base64Value(c);
    if (value < 0) return std::nullopt;
    group = (group << 6) | static_cast<uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(group >> shift));
    group = 0;
  }
  const size_t rest = digits % 4;
  if (rest == 1 || (padding != 0 && rest + padding != 4)) return std::nullopt;
  if (rest >= 2) out.push_back(static_cast<char>(group >> (rest == 2 ? 4 : 10)));
  if (rest == 3) out.push_back(static_cast<char>(group >> 2));
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '%') {
      const auto byte = TakeDigits(&text, 2, 16);
      if (!byte) return std::nullopt;
      out.push_back(static_cast<char>(*byte));
    } else {
      out.push_back(c == '+' && plus_is_space ? ' ' : c);
    }
  }
  return out;
}

std::string PercentEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out.push_back('%');
    out.push_back(kHexUpper[byte >> 4]);
    out.push_back(kHexUpper[byte & 0xF]);
  }
  return out;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool IsMalformedGlob(std::string_view pattern) {
  size_t at = 0;
  // A character of a class; a class must go on behind it.
  const auto skip_class_char = [&] {
    if (at >= pattern.size() || pattern[at] == '-' || pattern[at] == ']') return false;
    if (pattern[at] == '\\') ++at;
    return ++at < pattern.size();
  };
  while (at < pattern.size()) {
    const char c = pattern[at++];
    if (c == '\\' && at++ >= pattern.size()) return true;
    if (c != '[') continue;
    if (at < pattern.size() && pattern[at] == '^') ++at;
    do {
      if (!skip_class_char()) return true;
      if (pattern[at] != '-') continue;
      ++at;
      if (!skip_class_char()) return true;
    } while (pattern[at] != ']');
    ++at;
  }
  return false;
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::string ToLower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Lower(c);
  return out;
}

std::string ToUpper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Upper(c);
  return out;
}

}  // namespace tsdb
