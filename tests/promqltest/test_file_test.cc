#include "tests/promqltest/test_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tsdb::promqltest {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view text) { return ParseTestFile(text).status().message(); }

TEST(TestFile, ReadsCommandsAndBlocks) {
  const auto commands = ParseTestFile(R"(
# A comment.
clear
load_with_nhcb 30s
  a@st -1m+10sx1 _
  a 1 2 _
  b{x="y"} 1x2
  # A comment ends a block like an empty line.

eval range from 0 to 1m step 30s a + b
  expect no_warn
  expect info regex: some.*info
  expect info msg: a "quoted" text
  {x="y"} 1 _ 3

eval instant at 1h30m "a"
  expect string "a\n"

eval_fail instant at 0 ceil({__name__=~"a|b"})
  expected_fail_message it is wrong
eval instant at 5m vector(1)
  0x10
)");
  ASSERT_TRUE(commands.ok()) << commands.status().message();
  ASSERT_EQ(commands->size(), 6u);
  const auto& load = std::get<LoadCommand>((*commands)[1]);
  EXPECT_EQ(load.line, 4u);
  EXPECT_TRUE(load.with_nhcb);
  EXPECT_EQ(load.step_ms, 30'000);
  ASSERT_EQ(load.series.size(), 2u);
  EXPECT_EQ(load.series[0].start_offsets_ms,
            (std::vector<std::optional<int64_t>>{-60'000, -50'000, std::nullopt}));
  const auto& range = std::get<EvalCommand>((*commands)[2]);
  EXPECT_TRUE(range.is_range);
  EXPECT_EQ(range.query, "a + b");
  EXPECT_EQ(range.end_ms, 60'000);
  EXPECT_TRUE(range.no_warnings);
  ASSERT_EQ(range.infos.size(), 2u);
  EXPECT_TRUE(range.infos[0].Matches("xx some infox"));
  EXPECT_TRUE(range.infos[1].Matches("a \"quoted\" text"));
  EXPECT_FALSE(range.infos[1].Matches("a \"quoted\" text."));
  ASSERT_EQ(range.series.size(), 1u);
  EXPECT_TRUE(range.series[0].values[1].omitted);
  const auto& string = std::get<EvalCommand>((*commands)[3]);
  EXPECT_EQ(string.eval_ms, 5'400'000);
  EXPECT_EQ(string.string, "a\n");
  EXPECT_TRUE(std::get<EvalCommand>((*commands)[4]).fail->Matches("it is wrong"));
  EXPECT_FALSE(std::get<EvalCommand>((*commands)[4]).fail->Matches("it is wrong."));
  EXPECT_EQ(std::get<EvalCommand>((*commands)[5]).scalar, 16);
}

TEST(TestFile, RefusesWhatIsNoCommand) {
  EXPECT_THAT(ErrorOf("\nfoo"), HasSubstr("line 2: invalid command \"foo\""));
  EXPECT_THAT(ErrorOf("load"), HasSubstr("line 1: invalid load command"));
  EXPECT_THAT(ErrorOf("load 5"), HasSubstr("line 1: invalid step"));
  EXPECT_THAT(ErrorOf("load 5m\n a 1 b"), HasSubstr("line 2: 1:5: parse error"));
  EXPECT_THAT(ErrorOf("load 5m\n a@st 1m\n b 1"), HasSubstr("line 3: @st line is for another"));
  EXPECT_THAT(ErrorOf("load 5m\n a@st 1m\n a 1 2"), HasSubstr("another number of values"));
  EXPECT_THAT(ErrorOf("load 5m\n a@st 1m"), HasSubstr("no following sample line"));
  EXPECT_THAT(ErrorOf("load 5m\n a@st 1mx\n a 1"), HasSubstr("invalid @st item \"1mx\""));
  EXPECT_THAT(ErrorOf("eval 5m foo"), HasSubstr("line 1: invalid eval command"));
  EXPECT_THAT(ErrorOf("eval instant at 5 foo"), HasSubstr("invalid time"));
  EXPECT_THAT(ErrorOf("eval instant at 5m foo("), HasSubstr("line 1: 1:5: parse error"));
  EXPECT_THAT(ErrorOf("eval range from 5m to 1m step 1m foo"), HasSubstr("end is before start"));
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n a 1 2"), HasSubstr("exactly one value"));
  // A block ends at an empty line only, so the second command reads as a series.
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n a 1\neval instant at 0 a"),
              HasSubstr("line 3: 1:6: parse error"));
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n expect nothing"), HasSubstr("invalid expect line"));
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n expect fail\n expect fail"),
              HasSubstr("more than one"));
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n expect warn\n expect no_warn"),
              HasSubstr("exclude each other"));
  EXPECT_THAT(ErrorOf("eval instant at 0 a\n expect info regex: ["), HasSubstr("line 2"));
  EXPECT_THAT(ErrorOf("eval instant at 0 \"a\"\n expect string a"), HasSubstr("quoted string"));
}

}  // namespace
}  // namespace tsdb::promqltest
