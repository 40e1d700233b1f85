#include "base/utf8.h"

#include <gtest/gtest.h>

namespace tsdb {
namespace {

std::string Utf8(char32_t c) {
  std::string out = "<";
  AppendUtf8(&out, c);
  return out.substr(1);
}

TEST(Utf8, CodePointsTakeOneToFourBytes) {
  EXPECT_EQ(Utf8(0), std::string(1, '\0'));
  EXPECT_EQ(Utf8(0x7F), "\x7f");
  EXPECT_EQ(Utf8(0x80), "\xc2\x80");
  EXPECT_EQ(Utf8(0x7FF), "\xdf\xbf");
  EXPECT_EQ(Utf8(0x800), "\xe0\xa0\x80");
  EXPECT_EQ(Utf8(0xFFFF), "\xef\xbf\xbf");
  EXPECT_EQ(Utf8(0x10000), "\xf0\x90\x80\x80");
  EXPECT_EQ(Utf8(0x10FFFF), "\xf4\x8f\xbf\xbf");
}

TEST(Utf8, WhatIsNoCodePointBecomesTheReplacement) {
  EXPECT_EQ(Utf8(0xD800), "\xef\xbf\xbd");
  EXPECT_EQ(Utf8(0xDFFF), "\xef\xbf\xbd");
  EXPECT_EQ(Utf8(0x110000), "\xef\xbf\xbd");
}

}  // namespace
}  // namespace tsdb
