#include "base/text.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tsdb {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kBadUtf8[] = {
    "\x80",              // a continuation without a lead
    "\xC3",              // cut after the lead
    "\xC0\xAF",          // two bytes for an ASCII character
    "\xC1\xBF",          //
    "\xE0\x80\x80",      // three bytes for less than U+0800
    "\xE2\x82",          // cut
    "\xED\xA0\x80",      // half of a surrogate pair
    "\xF0\x80\x80\x80",  // four bytes for less than U+10000
    "\xF4\x90\x80\x80",  // beyond U+10FFFF
    "\xF5\x80\x80\x80",  //
    "\xFF",
};

TEST(IsValidUtf8, AcceptsTheFirstAndLastOfEachLength) {
  EXPECT_TRUE(IsValidUtf8(""));
  EXPECT_TRUE(IsValidUtf8(std::string_view("a\0b", 3)));
  for (const char* text :
       {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << text;
  }
}

TEST(IsValidUtf8, FindsABadByteAtEveryPosition) {
  for (const std::string_view bad : kBadUtf8) {
    EXPECT_FALSE(IsValidUtf8(bad));
    for (size_t before = 0; before < 20; ++before) {
      std::string text(before, 'x');
      text += bad;
      EXPECT_FALSE(IsValidUtf8(text)) << before;
      EXPECT_FALSE(IsValidUtf8(text + std::string(20, 'x'))) << before;
    }
  }
}

TEST(ToValidUtf8, ReplacesByteByByte) {
  EXPECT_EQ(ToValidUtf8("plain \xE4\xB8\xAD"), "plain \xE4\xB8\xAD");
  EXPECT_EQ(ToValidUtf8("a\xFF\xFE"
                        "b"),
            "a\uFFFD\uFFFDb");
  EXPECT_EQ(ToValidUtf8("\xE2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(ToValidUtf8("\xC3(\xC3\xA9"), "\uFFFD(\u00e9");
  for (const std::string_view bad : kBadUtf8) EXPECT_TRUE(IsValidUtf8(ToValidUtf8(bad)));
}

TEST(GoQuote, EscapesAsStrconvQuoteDoes) {
  const auto check = [](std::string_view text, std::string_view expected) {
    EXPECT_EQ(GoQuote(text), expected);
  };
  check("", R"("")");
  check("it's \"quoted\" \\", R"("it's \"quoted\" \\")");
  check("\a\b\f\n\r\t\v", R"("\a\b\f\n\r\t\v")");
  check(std::string_view("\0\x1f\x7f", 3), R"("\x00\x1f\x7f")");
  check("\xE4\xB8\xAD\xF0\x9F\x98\x80\u00e9", "\"\xE4\xB8\xAD\xF0\x9F\x98\x80\u00e9\"");
  check("\u00a0\u00ad\u200b\u2028\ufeff", R"("\u00a0\u00ad\u200b\u2028\ufeff")");  // unprintable
  check("\u0378", R"("\u0378")");                                                  // not assigned
  check("\U000E0001", R"("\U000e0001")");
  check("\uFFFD", "\"\uFFFD\"");
  check("a\xFFz\xED\xA0\x80", R"("a\xffz\xed\xa0\x80")");
}

TEST(GoUnquote, ReadsEachKindOfLiteral) {
  EXPECT_EQ(GoUnquote(R"("a\tb\"c")"), "a\tb\"c");
  EXPECT_EQ(GoUnquote(R"('it\'s "x"')"), "it's \"x\"");
  EXPECT_EQ(GoUnquote(R"(`raw \n "'`)"), R"(raw \n "')");
  EXPECT_EQ(GoUnquote(R"("")"), "");
  EXPECT_EQ(GoUnquote("``"), "");
  EXPECT_EQ(GoUnquote(R"("\a\b\f\n\r\t\v\\")"), "\a\b\f\n\r\t\v\\");
  EXPECT_EQ(GoUnquote(R"("\x41\101\u00e9\U0001F600")"), "AA\u00e9\U0001F600");
  EXPECT_EQ(GoUnquote(R"("\xff\377")"), "\xff\xff");
  EXPECT_EQ(GoUnquote("\"a\xFF\""), "a\uFFFD");
}

TEST(GoUnquote, RefusesMalformedLiterals) {
  for (const char* text : {"",          "\"",       "a",         "abc",         "\"a",
                           "a\"",       "\"a'",     R"("a"b")",  "\"a\nb\"",    R"("\'")",
                           R"('\"')",   R"("\")",   R"("\q")",   R"("\x4")",    R"("\xg0")",
                           R"("\400")", R"("\18")", R"("\u12")", R"("\ud800")", R"("\U00110000")",
                           "`a`b`",     "(a("}) {
    EXPECT_FALSE(GoUnquote(text)) << text;
  }
}

TEST(GoUnquote, UndoesGoQuote) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (auto k = random() % 12; k > 0; --k) text.push_back(static_cast<char>(random()));
    ASSERT_EQ(GoUnquote(GoQuote(text)), text);
  }
}

TEST(Base64, AgreesWithTheTestVectorsOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xfb\xff\xfe", "+//+"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(Base64Decode(text), bytes);
  }
}

TEST(Base64, DecodesUrlAlphabetWithoutPaddingAndWrappedLines) {
  EXPECT_EQ(Base64Decode("-__-"), "\xfb\xff\xfe");
  EXPECT_EQ(Base64Decode("Zg"), "f");
  EXPECT_EQ(Base64Decode("Zm8"), "fo");
  EXPECT_EQ(Base64Decode("Zm9v\r\nYg==\n"), "foob");
}

TEST(Base64, RefusesWhatIsMalformed) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Zm9v=", "=", "Zm=v", "Z!==", "Zg ==", "Zm9vY"}) {
    EXPECT_FALSE(Base64Decode(text)) << text;
  }
}

TEST(PercentDecode, TreatsPlusAsSpaceOnlyInForms) {
  EXPECT_EQ(PercentDecode("a+b%20c%2Bd", true), "a b c+d");
  EXPECT_EQ(PercentDecode("a+b%20c", false), "a+b c");
  EXPECT_EQ(PercentDecode("%e4%B8%ad%00", false), std::string("\xE4\xB8\xAD\0", 4));
  EXPECT_EQ(PercentDecode("", true), "");
}

TEST(PercentDecode, RefusesMalformedEscapes) {
  for (const char* text : {"%", "%4", "%zz", "a%2", "%%41", "%-1"}) {
    EXPECT_FALSE(PercentDecode(text, false)) << text;
  }
}

TEST(PercentEncode, KeepsUnreservedCharactersOnly) {
  EXPECT_EQ(PercentEncode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncode("a b/c+\xE4"), "a%20b%2Fc%2B%E4");
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(PercentDecode(PercentEncode(all), true), all);
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(Split("a,b", ','), ElementsAre("a", "b"));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
  EXPECT_THAT(Split(",a,,", ','), ElementsAre("", "a", "", ""));
}

TEST(TrimSpace, RemovesAsciiSpaceAtBothEnds) {
  EXPECT_EQ(TrimSpace(" \t\r\n\v\f a b \n"), "a b");
  EXPECT_EQ(TrimSpace("a"), "a");
  EXPECT_EQ(TrimSpace(" \t"), "");
  EXPECT_EQ(TrimSpace(""), "");
}

TEST(Glob, IsMalformedWhereGoSaysSo) {
  for (const char* good : {"", "a*?", "[ab]", "[^a-z]x", "\\[", "[\\]]", "]", "a-b", "[[]"}) {
    EXPECT_FALSE(IsMalformedGlob(good)) << good;
  }
  for (const char* bad :
       {"[", "[a-b-c]", "[a", "[]", "[]a]", "[^]", "[-a]", "[a-]", "[a-", "\\", "[\\", "x[a]["}) {
    EXPECT_TRUE(IsMalformedGlob(bad)) << bad;
  }
}

TEST(Letters, ChangeCaseInAsciiOnly) {
  EXPECT_EQ(ToLower("Content-TYPE \u00c9"), "content-type \u00c9");
  EXPECT_EQ(ToUpper("aZ\u00e9[`{"), "AZ\u00e9[`{");
  EXPECT_TRUE(EqualsIgnoreCase("Content-Type", "content-tYPE"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
}

}  // namespace
}  // namespace tsdb
