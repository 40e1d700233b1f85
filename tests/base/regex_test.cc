#include "base/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tsdb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Regex MustCompile(std::string_view pattern) {
  auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status().ToString();
  return *std::move(regex);
}

TEST(Regex, FullMatchIsAnchoredAtBothEnds) {
  const Regex regex = MustCompile("ab|cd+");
  EXPECT_TRUE(regex.FullMatch("ab"));
  EXPECT_TRUE(regex.FullMatch("cdd"));
  EXPECT_FALSE(regex.FullMatch("abx"));
  EXPECT_FALSE(regex.FullMatch("xcd"));
  EXPECT_TRUE(regex.PartialMatch("xcdx"));
  EXPECT_FALSE(regex.PartialMatch("xc"));
}

TEST(Regex, DotMatchesNewlines) {
  EXPECT_TRUE(MustCompile("a.b").FullMatch("a\nb"));
  EXPECT_TRUE(MustCompile(".*").FullMatch("a\nb"));
  EXPECT_TRUE(MustCompile(".+x").FullMatch("\nx"));
}

TEST(Regex, RefusesWhatDoesNotCompile) {
  for (const char* pattern :
       {"(", "a)", "[a", "*a", "a**", "\\", "(?<n", "(?<=a)b", "\\1", "a{1001}", "\xFF"}) {
    const auto regex = Regex::Compile(pattern);
    ASSERT_FALSE(regex.ok()) << pattern;
    EXPECT_EQ(regex.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Regex::Compile("(a").status().message(),
            "error parsing regexp: missing closing ): `(a`");
}

TEST(Regex, MatchesWildcardPatternsAsTheAutomatonWould) {
  const char* patterns[] = {".*",     ".+",       "ab.*",   "ab.+",   ".*ab",  ".+ab",  ".*ab.*",
                            ".+ab.+", ".*ab.+",   ".+ab.*", "a\\..*", "^ab.*", ".*ab$", ".+.+",
                            ".*.*",   ".*a.*b.*", "..*",    ".*?ab",  ".*ab+"};
  const char* texts[] = {
      "", "a", "ab", "xab", "abx", "xabx", "a.", "a.b", "\u00e9", "\u00e9ab\u00e9", "abab", "\n"};
  for (const char* pattern : patterns) {
    const Regex regex = MustCompile(pattern);
    for (const char* text : texts) {
      EXPECT_EQ(regex.FullMatch(text), regex.FullMatchGroups(text).has_value())
          << pattern << " on " << text;
    }
  }
}

TEST(Regex, GivesTheGroupsOfAFullMatch) {
  const Regex regex = MustCompile("(a+)(b)?(.*)");
  EXPECT_THAT(*regex.FullMatchGroups("aac"), ElementsAre("aac", "aa", "", "c"));
  EXPECT_FALSE(regex.FullMatchGroups("x"));
  EXPECT_THAT(*MustCompile("b(.)").PartialMatchGroups("abcbd"), ElementsAre("bc", "c"));
  EXPECT_FALSE(MustCompile("b(.)").PartialMatchGroups("xyz"));
  EXPECT_THAT(*MustCompile("").FullMatchGroups(""), ElementsAre(""));
}

TEST(Regex, ExpandsReferencesAsGoDoes) {
  const Regex regex = MustCompile("(?P<host>[^:]+):(\\d+)");
  const auto expand = [&](std::string_view replacement) {
    return regex.FullMatchExpand("db1:9100", replacement).value();
  };
  EXPECT_EQ(expand("$1"), "db1");
  EXPECT_EQ(expand("${1}-$2"), "db1-9100");
  EXPECT_EQ(expand("$host/${host}"), "db1/db1");
  EXPECT_EQ(expand("$0"), "db1:9100");
  EXPECT_EQ(expand("$1x"), "");  // the name is "1x"
  EXPECT_EQ(expand("${1}x"), "db1x");
  EXPECT_EQ(expand("$1\u4e2d"), "");  // letters of any script belong to the name
  EXPECT_EQ(expand("$1\uff0c"), "db1\uff0c");
  EXPECT_EQ(expand("$$1"), "$1");
  EXPECT_EQ(expand("a$"), "a$");
  EXPECT_EQ(expand("$-${1"), "$-${1");
  EXPECT_EQ(expand("${}"), "${}");
  EXPECT_EQ(expand("$9$nope$01"), "");
  EXPECT_EQ(expand(""), "");
  EXPECT_FALSE(regex.FullMatchExpand("db1", "$1"));
}

TEST(Regex, ReplacesEveryMatchAsGoDoes) {
  const auto check = [](std::string_view pattern, std::string_view text,
                        std::string_view replacement, std::string_view expected) {
    EXPECT_EQ(MustCompile(pattern).ReplaceAll(text, replacement), expected) << pattern;
  };
  check("a", "banana", "o", "bonono");
  check("a(.)", "abac", "<$1>", "<b><c>");
  check("x", "abc", "y", "abc");
  check("a*", "baaac", "x", "xbxcx");
  check("", "ab", "-", "-a-b-");
  check("", "\u00e9", "-", "-\u00e9-");
  check("", "", "-", "-");
  check("^a", "aaa", "b", "baa");
  check("\\b", "ab cd", "|", "|ab| |cd|");
  check("a|b", "abc", "", "c");
  check("(?i)B+", "abBc", "$0$0", "abBbBc");
}

TEST(Regex, AcceptsTheNewerSpellingOfGroupNames) {
  const Regex regex = MustCompile("(?<x>a)[(?<]\\(?<(?P<y>b)");
  EXPECT_EQ(regex.FullMatchExpand("a?(<b", "$y$x"), "ba");
  EXPECT_EQ(regex.pattern(), "(?<x>a)[(?<]\\(?<(?P<y>b)");
}

TEST(Regex, ListsTheAlternativesOfPlainPatterns) {
  const auto list = [](std::string_view pattern) {
    return MustCompile(pattern).literal_alternatives();
  };
  EXPECT_THAT(list("a"), ElementsAre("a"));
  EXPECT_THAT(list("a|b|c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(list("b|a|b"), ElementsAre("b", "a"));
  EXPECT_THAT(list("(a|b)"), ElementsAre("a", "b"));
  EXPECT_THAT(list("(?:a|b)|c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(list("api-(x|y)-z|q"), ElementsAre("api-x-z", "api-y-z", "q"));
  EXPECT_THAT(list("(a|b)(c|d)"), ElementsAre("ac", "ad", "bc", "bd"));
  EXPECT_THAT(list("10\\.0\\.0\\.1:9100|h\\-1"), ElementsAre("10.0.0.1:9100", "h-1"));
  EXPECT_THAT(list("^a$|^b$"), ElementsAre("a", "b"));
  EXPECT_THAT(list("a\\nb|\u4e2d\u6587"), ElementsAre("a\nb", "\u4e2d\u6587"));
  EXPECT_THAT(list("a]b}"), ElementsAre("a]b}"));
}

TEST(Regex, ListsNoAlternativesOfAnythingElse) {
  for (const char* pattern :
       {"",    "a|",   "(|a)",     ".",       "a.c",         "a*",     "ab+",     "(a|b)?",
        "a?",  "a{2}", "[ab]",     "(?i)a|b", "(?i:a)",      "\\d",    "\\Qa\\E", "\\x41",
        "a^b", "a$b",  "(?P<x>a)", "\\ba",    "(((((a)))))", "(^a|b$)"}) {
    EXPECT_THAT(MustCompile(pattern).literal_alternatives(), IsEmpty()) << pattern;
  }
}

TEST(Regex, GivesUpOnTooManyAlternatives) {
  std::string pattern;
  for (int i = 0; i < 8; ++i) pattern += "(a|b|c|d)";
  const Regex regex = MustCompile(pattern);  // 65536 of them
  EXPECT_THAT(regex.literal_alternatives(), IsEmpty());
  EXPECT_TRUE(regex.FullMatch("abcdabcd"));
}

TEST(Regex, HandlesALongListOfAlternatives) {
  std::string pattern = "host-0";
  for (int i = 1; i < 2000; ++i) pattern += "|host-" + std::to_string(i);
  const Regex regex = MustCompile(pattern);
  EXPECT_EQ(regex.literal_alternatives().size(), 2000u);
  EXPECT_TRUE(regex.FullMatch("host-1999"));
  EXPECT_FALSE(regex.FullMatch("host-2000"));
  EXPECT_EQ(regex.required_prefix(), "host-");
}

TEST(Regex, MatchesTheEmptyAlternative) {
  const Regex regex = MustCompile("a|");
  EXPECT_TRUE(regex.FullMatch(""));
  EXPECT_TRUE(regex.FullMatch("a"));
  EXPECT_FALSE(regex.FullMatch("b"));
  EXPECT_TRUE(MustCompile("").FullMatch(""));
  EXPECT_FALSE(MustCompile("").FullMatch("a"));
}

TEST(Regex, FindsThePrefixThatEveryMatchHas) {
  const auto prefix = [](std::string_view pattern) {
    return MustCompile(pattern).required_prefix();
  };
  EXPECT_EQ(prefix("api-.*"), "api-");
  EXPECT_EQ(prefix("api(x|y).*"), "api");
  EXPECT_EQ(prefix("ab*c"), "a");
  EXPECT_EQ(prefix("ab+c"), "ab");
  EXPECT_EQ(prefix("ab?"), "a");
  EXPECT_EQ(prefix("ab{0}"), "a");
  EXPECT_EQ(prefix("a\u4e2d*"), "a");
  EXPECT_EQ(prefix("10\\.1.+"), "10.1");
  EXPECT_EQ(prefix("^ab.*"), "ab");
  EXPECT_EQ(prefix("foo|foobar"), "foo");
  EXPECT_EQ(prefix("foo.*|foobar"), "");
  EXPECT_EQ(prefix("a[|(]b.*"), "a");
  EXPECT_EQ(prefix("(?i)abc.*"), "");
  EXPECT_EQ(prefix("c(?i)?x"), "");
  EXPECT_EQ(prefix(".*"), "");
  EXPECT_EQ(prefix(""), "");
}

TEST(Regex, StaysValidWhenMoved) {
  Regex a = MustCompile("(x)y");
  Regex b = std::move(a);
  a = MustCompile("z");
  EXPECT_TRUE(b.FullMatch("xy"));
  EXPECT_TRUE(a.FullMatch("z"));
}

}  // namespace
}  // namespace tsdb
