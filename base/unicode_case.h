// Letters of all scripts in upper and lower case, as Go's unicode package has them where one letter
// stays one letter. Tables are the C library's, whatever the process' locale is. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.h"

namespace tsdb {

char32_t RuneUpper(char32_t c);
char32_t RuneLower(char32_t c);

// strings.ToUpper and strings.ToLower. Bytes that are not UTF-8 stay as they are.
std::string UnicodeUpper(std::string_view text);
std::string UnicodeLower(std::string_view text);

// The code point that `text` begins with, and of how many bytes it is. Where there is none, the
// byte itself. REQUIRES: text is not empty.
char32_t DecodeRune(std::string_view text, size_t* length);

// `text` with each code point replaced by what `map` makes of it.
template <typename Map>
std::string MapRunes(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    const char32_t rune = DecodeRune(text.substr(i), &length);
    if (length > 1 || rune < 0x80) {
      AppendUtf8(&out, map(rune));
    } else {
      out += text[i];
    }
    i += length;
  }
  return out;
}

}  // namespace tsdb
