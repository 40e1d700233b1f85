#include "base/unicode_case.h"

#include <clocale>

#include <wctype.h>

namespace tsdb {
namespace {

locale_t Utf8Locale() {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return kLocale;
}

}  // namespace

char32_t DecodeRune(std::string_view text, size_t* length) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(0);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  *length = 1;
  if (size == 1 || size > text.size()) return lead;
  char32_t rune = lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return lead;
    rune = rune << 6 | (byte(i) & 0x3f);
  }
  if (!IsCodePoint(rune)) return lead;
  *length = size;
  return rune;
}

char32_t RuneUpper(char32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  const locale_t locale = Utf8Locale();
  return locale == nullptr ? c : static_cast<char32_t>(towupper_l(static_cast<wint_t>(c), locale));
}

char32_t RuneLower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const locale_t locale = Utf8Locale();
  return locale == nullptr ? c : static_cast<char32_t>(towlower_l(static_cast<wint_t>(c), locale));
}

std::string UnicodeUpper(std::string_view text) { return MapRunes(text, RuneUpper); }
std::string UnicodeLower(std::string_view text) { return MapRunes(text, RuneLower); }

}  // namespace tsdb
