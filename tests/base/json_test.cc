#include "base/json.h"

#include <limits>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(&out, text);
  return out;
}

TEST(AppendJsonString, EscapesAsGoDoesWithoutHtml) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(Quoted("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(Quoted(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(Quoted("<a href='x'>&amp;</a>"), R"("<a href='x'>&amp;</a>")");
  EXPECT_EQ(Quoted("\xE4\xB8\xAD\xF0\x9F\x98\x80"), "\"\xE4\xB8\xAD\xF0\x9F\x98\x80\"");
  EXPECT_EQ(Quoted("\u2027|\u2028|\u2029|\u202a"), "\"\u2027|\\u2028|\\u2029|\u202a\"");
}

TEST(AppendJsonString, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(Quoted("a\xFF\"\xE2\x80"), "\"a\uFFFD\\\"\uFFFD\uFFFD\"");
}

TEST(AppendJsonString, EscapesAsOlderGoDoesForHtml) {
  const auto check = [](std::string_view text, std::string_view want) {
    std::string out;
    AppendJsonString(&out, text, JsonEscapes::kHtml);
    EXPECT_EQ(out, '"' + std::string(want) + '"');
  };
  check("", "");
  check("a<b>&'c", R"(a\u003cb\u003e\u0026'c)");
  check("\b\f\n\r\t\"\\/\x7f", "\\u0008\\u000c\\n\\r\\t\\\"\\\\/\x7f");
  check(std::string_view("\0\x1f", 2), R"(\u0000\u001f)");
  check("\u2027|\u2028|\u2029|\u202a", "\u2027|\\u2028|\\u2029|\u202a");
  check("\xE4\xB8\xAD\xF0\x9F\x98\x80\uFFFD", "\xE4\xB8\xAD\xF0\x9F\x98\x80\uFFFD");
  check("a\xFF\xE2\x80z\xE2", R"(a\ufffd\ufffd\ufffdz\ufffd)");
}

TEST(JsonWriter, EscapesKeysAndValuesAsItIsTold) {
  std::string out;
  JsonWriter(&out, JsonEscapes::kHtml).BeginObject().Key("a<").String("&").EndObject();
  EXPECT_EQ(out, R"({"a\u003c":"\u0026"})");
}

TEST(JsonWriter, PutsCommasAndColons) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject();
  json.Key("status").String("success");
  json.Key("data").BeginArray();
  json.BeginArray().Int(-1).Uint(UINT64_MAX).Double(0.5).EndArray();
  json.BeginObject().EndObject().BeginArray().EndArray();
  json.Bool(true).Bool(false).Null().Raw("{\"x\":1}");
  json.EndArray();
  json.Key("n").Int(INT64_MIN);
  json.EndObject();
  EXPECT_EQ(
      out,
      R"({"status":"success","data":[[-1,18446744073709551615,0.5],{},[],true,false,null,{"x":1}],)"
      R"("n":-9223372036854775808})");
}

TEST(JsonWriter, WritesNullForNumbersThatJsonLacks) {
  std::string out;
  JsonWriter json(&out);
  const double inf = std::numeric_limits<double>::infinity();
  json.BeginArray().Double(inf).Double(-inf).Double(inf - inf).Double(1e-7).EndArray();
  EXPECT_EQ(out, "[null,null,null,1e-7]");
}

TEST(JsonWriter, GoesOnAfterTheTextWasTakenAway) {  // as a streamed answer does
  std::string out;
  JsonWriter json(&out);
  json.BeginArray().Int(1);
  std::string sent = out;
  out.clear();
  json.Int(2).EndArray();
  EXPECT_EQ(sent + out, "[1,2]");
}

JsonValue MustParse(std::string_view text) {
  auto value = JsonValue::Parse(text);
  EXPECT_TRUE(value.ok()) << text << ": " << value.status().ToString();
  return value.ok() ? *std::move(value) : JsonValue();
}

TEST(JsonValue, ParsesEveryKind) {
  const JsonValue root =
      MustParse(R"( {"a":[1,"x",true,false,null,{}],"o":{"k":"v"},"":0, "e":[ ]} )"
                "\n");
  ASSERT_TRUE(root.is_object());
  ASSERT_EQ(root.object().size(), 4u);
  EXPECT_EQ(root.object()[0].first, "a");
  const auto& array = root.Find("a").array();
  ASSERT_EQ(array.size(), 6u);
  EXPECT_EQ(array[0].number(), 1);
  EXPECT_EQ(array[1].text(), "x");
  EXPECT_TRUE(array[2].is_bool());
  EXPECT_TRUE(array[2].boolean());
  EXPECT_FALSE(array[3].boolean());
  EXPECT_TRUE(array[4].is_null());
  EXPECT_TRUE(array[5].is_object());
  EXPECT_EQ(root.Find("o").Find("k").text(), "v");
  EXPECT_TRUE(root.Find("").is_number());
  EXPECT_TRUE(root.Find("e").is_array());
}

TEST(JsonValue, ParsesScalarsAtTheTop) {
  EXPECT_EQ(MustParse("\"x\"").text(), "x");
  EXPECT_EQ(MustParse("12").text(), "12");
  EXPECT_TRUE(MustParse("null").is_null());
}

TEST(JsonValue, KeepsTheTextOfNumbers) {
  const JsonValue root = MustParse(
      "[9007199254740993,18446744073709551615,-9223372036854775808,1e400,0.1000,-0,1E5,"
      "123456789012345678901234567890]");
  const char* texts[] = {"9007199254740993",
                         "18446744073709551615",
                         "-9223372036854775808",
                         "1e400",
                         "0.1000",
                         "-0",
                         "1E5",
                         "123456789012345678901234567890"};
  ASSERT_EQ(root.array().size(), std::size(texts));
  for (size_t i = 0; i < std::size(texts); ++i) EXPECT_EQ(root.array()[i].text(), texts[i]);
  EXPECT_EQ(root.array()[3].number(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(root.array()[6].number(), 100000);
}

TEST(JsonValue, DecodesEscapes) {
  EXPECT_EQ(MustParse(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00")").text(),
            "\"\\/\b\f\n\r\tA\u00e9\U0001F600");
  EXPECT_EQ(MustParse(R"({"\u006bey":1})").Find("key").text(), "1");
  EXPECT_EQ(MustParse(R"("a\u0000b")").text(), std::string("a\0b", 3));
}

TEST(JsonValue, FindsTheLastOfARepeatedKey) {
  const JsonValue root = MustParse(R"({"a":1,"b":2,"a":3})");
  EXPECT_EQ(root.Find("a").text(), "3");
  EXPECT_EQ(root.object().size(), 3u);
}

TEST(JsonValue, FindsNullWhereNothingIs) {
  EXPECT_TRUE(MustParse("[1]").Find("a").is_null());
  EXPECT_TRUE(MustParse("{}").Find("a").Find("b").is_null());
  EXPECT_EQ(MustParse(R"({"a":"x","n":1})").StringOr("a", "d"), "x");
  EXPECT_EQ(MustParse(R"({"a":"x","n":1})").StringOr("n", "d"), "d");
  EXPECT_EQ(MustParse("{}").StringOr("a", "d"), "d");
}

TEST(JsonValue, RefusesWhatIsNotJson) {
  for (const char* text :
       {"",    " ",   "{",      "[1,]",    "{\"a\"}",     "{\"a\":}", "{a:1}", "'x'",
        "01",  "+1",  ".5",     "1.",      "nul",         "NaN",      "[1 2]", "1 2",
        "{}x", "\"a", "\"\n\"", "\"\\x\"", "\"\\ud800\"", "\"\xFF\"", "[1]]",  "/*c*/1"}) {
    const auto value = JsonValue::Parse(text);
    EXPECT_FALSE(value.ok()) << text;
    if (!value.ok()) {
      EXPECT_EQ(value.status().code(), StatusCode::kInvalidArgument);
    }
  }
}

TEST(JsonValue, NamesTheOffsetOfAnError) {
  EXPECT_TRUE(
      JsonValue::Parse("[1, x]").status().message().starts_with("cannot parse JSON at offset 4: "));
}

TEST(JsonValue, LimitsTheDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(JsonValue::Parse(nested(200)).ok());
  EXPECT_FALSE(JsonValue::Parse(nested(201)).ok());
  EXPECT_FALSE(JsonValue::Parse(std::string(1'000'000, '[')).ok());
}

TEST(JsonValue, RefusesEveryTruncation) {
  const std::string whole = R"({"a":[1.5e3,"x\u00e9",true,null],"b":{"c":-7}})";
  ASSERT_TRUE(JsonValue::Parse(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(JsonValue::Parse(std::string_view(whole).substr(0, size)).ok()) << size;
  }
}

TEST(JsonValue, ReadsBackWhatTheWriterWrites) {
  std::string text;
  for (int c = 0; c < 0x3000; ++c) {
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else if (c >= 0x2000) {
      text += {'\xE2', static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
               static_cast<char>(0x80 | (c & 0x3F))};
    }
  }
  EXPECT_EQ(MustParse(Quoted(text)).text(), text);
}

}  // namespace
}  // namespace tsdb
