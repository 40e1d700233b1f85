#include "ingest/influx/line_to_series.h"

#include <gtest/gtest.h>

namespace tsdb::influx {
namespace {

Labels Decode(std::string_view key, std::string_view field) {
  Result<Labels> labels = InfluxSeriesDecoder().Decode(key, field);
  EXPECT_TRUE(labels.ok()) << labels.status().ToString();
  return labels.value_or(Labels{});
}

TEST(InfluxSeriesDecoder, JoinsMeasurementAndFieldAndKeepsBoth) {
  EXPECT_EQ(Decode("cpu,host=a", "load"), (Labels{{"__name__", "cpu_load"},
                                                  {"host", "a"},
                                                  {kMeasurementLabel, "cpu"},
                                                  {kFieldLabel, "load"}}));
}

TEST(InfluxSeriesDecoder, AFieldCalledValueGivesTheMeasurementsName) {
  EXPECT_EQ(Decode("cpu", "value").metric_name(), "cpu");
}

TEST(InfluxSeriesDecoder, OrderOfTagsDoesNotMatter) {
  EXPECT_EQ(Decode("cpu,b=2,a=1", "v"), Decode("cpu,a=1,b=2", "v"));
}

TEST(InfluxSeriesDecoder, UnescapesEveryPart) {
  const Labels labels = Decode("com\\,ma\\ x,t\\,k\\=y=v\\ \\,\\=,b\\s=d\\\\e", "f\\ \\,\\=\\\"k");
  EXPECT_EQ(labels.Get(kMeasurementLabel), "com,ma x");
  EXPECT_EQ(labels.Get("t,k=y"), "v ,=");
  EXPECT_EQ(labels.Get("b\\s"), "d\\\\e");
  EXPECT_EQ(labels.Get(kFieldLabel), "f ,=\"k");
}

TEST(InfluxSeriesDecoder, ATagThatHidesTheNameIsMovedAside) {
  const Labels labels = Decode("cpu,__name__=x", "v");
  EXPECT_EQ(labels.metric_name(), "cpu_v");
  EXPECT_EQ(labels.Get("exported___name__"), "x");
}

TEST(InfluxSeriesDecoder, RefusesWithInfluxDbsWords) {
  const auto check = [](std::string_view key, std::string_view reason) {
    EXPECT_EQ(InfluxSeriesDecoder().Decode(key, "v").status().message(), reason) << key;
  };
  check("cpu,host=a,host=b", "duplicate tags");
  check("cpu,b=1,a=2,b=3", "duplicate tags");
  check("cpu,host=", "missing tag value");
  check("cpu,=a", "missing tag key");
  check("cpu,host", "missing tag value");
  check("cpu,host=a=b", "invalid tag format");
  check("cpu,", "missing tag key");
  check("cpu,a=b,", "missing tag key");
  check(",a=b", "missing measurement");
  check("", "missing measurement");
  check("tm,time=x", "invalid tag key: input tag \"time\" on measurement \"tm\" is invalid");
  EXPECT_FALSE(InfluxSeriesDecoder()
                   .Decode("m,\xff"
                           "f=x",
                           "v")
                   .ok());
}

TEST(InfluxSeriesDecoder, TakesAnyBytesAsValues) {
  EXPECT_EQ(Decode("m,t=\xff\xfe", "v").Get("t"), "\xff\xfe");
}

}  // namespace
}  // namespace tsdb::influx
