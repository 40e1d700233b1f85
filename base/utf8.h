// Code points and their UTF-8. Whether text is valid: text.h.
#pragma once

#include <string>

namespace tsdb {

inline constexpr char32_t kMaxCodePoint = 0x10FFFF;
inline constexpr char32_t kReplacementCharacter = 0xFFFD;

// Whether UTF-8 has an encoding for it: no surrogate, nothing beyond kMaxCodePoint.
constexpr bool IsCodePoint(char32_t c) { return c <= kMaxCodePoint && (c < 0xD800 || c > 0xDFFF); }

// One to four bytes; kReplacementCharacter for what is no code point, as in Go.
void AppendUtf8(std::string* out, char32_t c);

}  // namespace tsdb
