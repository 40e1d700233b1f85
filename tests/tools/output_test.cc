#include "tools/tsdbctl/output.h"

#include <gtest/gtest.h>

namespace tsdb::tsdbctl {
namespace {

const Table kTable = {{"series", "value"}, {{"up{job=\"é\"}", "1"}, {"a", "2,5"}}};

TEST(Output, TableAlignsColumnsByCharacters) {
  EXPECT_EQ(FormatTable(kTable),
            "series       value\n"
            "up{job=\"é\"}  1\n"
            "a            2,5\n");
}

TEST(Output, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(FormatCsv(kTable), "series,value\n\"up{job=\"\"é\"\"}\",1\na,\"2,5\"\n");
}

TEST(Output, RawHasNoHead) { EXPECT_EQ(FormatRaw(kTable), "up{job=\"é\"}\t1\na\t2,5\n"); }

TEST(Output, JsonKeepsNumbersAsTheyCame) {
  const JsonValue document =
      *JsonValue::Parse(R"({"a":[1.50,"x",true,null,12345678901234567890]})");
  EXPECT_EQ(Format(OutputFormat::kJson, kTable, document),
            "{\"a\":[1.50,\"x\",true,null,12345678901234567890]}\n");
}

TEST(Output, SeriesNameIsPromqlsSpelling) {
  const JsonValue metric = *JsonValue::Parse(R"({"job":"a","__name__":"up"})");
  EXPECT_EQ(SeriesName(metric), "up{job=\"a\"}");
}

}  // namespace
}  // namespace tsdb::tsdbctl
