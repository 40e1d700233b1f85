// Where InfluxQL's answers differ from InfluxDB 1.6 on purpose; docs/compat.md lists them.
#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

class InfluxDeviations : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    Ask("CREATE DATABASE d");
    std::string lines = "cpu,host=a v=1,n=-2i 0\ncpu,host=b v=5,n=3i 60000000000\n";
    lines += "cpu,host=a v=9,n=4i 120000000000\n";
    lines += "cpu,host=c v=7,n=4i 1814400000000000\n";  // three weeks later: another shard group
    const auto written = server_.Post("/write?db=d", lines);
    ASSERT_TRUE(written.ok());
    ASSERT_EQ(written->status, 204) << written->body;
  }

  std::string Ask(const std::string& query, std::string accept = "") {
    const auto answer = server_.Post(
        "/query?" + EncodeForm({{"db", "d"}, {"epoch", "s"}, {"q", query}}), "",
        accept.empty() ? std::vector<net::Headers::Entry>()
                       : std::vector<net::Headers::Entry>{{"Accept", std::move(accept)}});
    return answer.ok() ? answer->body : answer.status().ToString();
  }
  // The values of the only series.
  std::string Values(const std::string& query) {
    const std::string body = Ask(query);
    const size_t begin = body.find("\"values\":");
    if (begin == std::string::npos) return body;
    return body.substr(begin + 9, body.find("}]}", begin) - begin - 9);
  }

  const TempDir directory_;
  TsdbdProcess server_{directory_ / "data"};
};

TEST_F(InfluxDeviations, SlimitCountsSeriesOfTheWholeRange) {
  const std::string body = Ask("SELECT v FROM cpu GROUP BY host SLIMIT 1");
  EXPECT_NE(body.find("\"host\":\"a\""), std::string::npos) << body;
  EXPECT_EQ(body.find("\"host\":\"c\""), std::string::npos) << body;
}

TEST_F(InfluxDeviations, TopAndBottomLookAtAllPointsWhateverTheLimit) {
  EXPECT_EQ(Values("SELECT top(v, 1) FROM cpu LIMIT 1"), "[[120,9]]");
  EXPECT_EQ(Values("SELECT bottom(v, 1) FROM cpu WHERE v > 1 LIMIT 1"), "[[60,5]]");
}

TEST_F(InfluxDeviations, AnIntervalWithoutAPercentileDoesNotEndTheAnswer) {
  EXPECT_EQ(Values("SELECT percentile(v, 30) FROM cpu WHERE time >= 0 AND time < 4m "
                   "GROUP BY time(2m) ORDER BY time DESC"),
            "[[120,null],[0,1]]");
}

TEST_F(InfluxDeviations, AGroupWithoutAForecastDoesNotEndTheAnswer) {
  ASSERT_TRUE(server_.Post("/write?db=d", "h,t=a v=1 0\nh,t=b v=1 0\nh,t=b v=2 60000000000").ok());
  const std::string body =
      Ask("SELECT holt_winters(first(v), 1, 0) FROM h WHERE time >= 0 AND time < 4m "
          "GROUP BY time(1m), t");
  EXPECT_NE(body.find("\"t\":\"b\""), std::string::npos) << body;
}

TEST_F(InfluxDeviations, SeriesAreCountedOnceWhateverTheirShards) {
  ASSERT_TRUE(server_.Post("/write?db=d", "cpu,host=a v=2 1814400000000000").ok());
  EXPECT_EQ(Values("SHOW SERIES EXACT CARDINALITY"), "[[3]]");
}

TEST_F(InfluxDeviations, FieldKeysAreAscending) {
  EXPECT_EQ(Values("SHOW FIELD KEYS ORDER BY time DESC"),
            "[[\"n\",\"integer\"],[\"v\",\"float\"]]");
}

TEST_F(InfluxDeviations, ABackslashBeforeAQuoteInANameCanBeRead) {
  ASSERT_TRUE(server_.Post("/write?db=d", "\\\"q\" v=1 0").ok());
  EXPECT_EQ(Values("SELECT v FROM \"\\\"q\\\"\""), "[[0,1]]");
}

TEST_F(InfluxDeviations, CsvShowsNumbersOfReplicas) {
  EXPECT_EQ(Ask("SHOW RETENTION POLICIES", "text/csv"),
            "name,tags,name,duration,shardGroupDuration,replicaN,default\n"
            ",,autogen,0s,168h0m0s,1,true\n");
}

TEST_F(InfluxDeviations, TagValuesGoWithTheirLastPoint) {
  Ask("DELETE FROM cpu WHERE host = 'c'");
  EXPECT_EQ(Values("SHOW TAG VALUES WITH KEY = host"), "[[\"host\",\"a\"],[\"host\",\"b\"]]");
}

TEST_F(InfluxDeviations, ASeriesEmptiedByTimesIsStillListed) {
  Ask("DELETE FROM cpu WHERE time < 1h AND host = 'b'");
  EXPECT_EQ(Values("SHOW SERIES"), "[[\"cpu,host=a\"],[\"cpu,host=b\"],[\"cpu,host=c\"]]");
}

TEST_F(InfluxDeviations, AbsOfIntegersIsPositive) {
  EXPECT_EQ(Values("SELECT abs(n) FROM cpu LIMIT 1"), "[[0,2]]");
}

TEST_F(InfluxDeviations, ExplainTellsOfGroupsAndSeries) {
  const std::string body = Ask("EXPLAIN SELECT mean(v) FROM cpu GROUP BY host");
  EXPECT_NE(body.find("NUMBER OF GROUPS: 3"), std::string::npos) << body;
  EXPECT_EQ(body.find("NUMBER OF SHARDS"), std::string::npos) << body;
}

TEST_F(InfluxDeviations, DropsInSeveralShardsAreCountedTogether) {
  const auto answer =
      server_.Post("/write?db=d", "cpu,host=a v=true 0\ncpu,host=a v=true 1814400000000000");
  ASSERT_TRUE(answer.ok());
  EXPECT_NE(answer->body.find("dropped=2"), std::string::npos) << answer->body;
}

TEST_F(InfluxDeviations, ABackslashBeforeABlankInANameCanBeRead) {
  ASSERT_TRUE(server_.Post("/write?db=d", "a\\\\ b v=3 7000000000").ok());
  EXPECT_EQ(Values("SELECT v FROM \"a\\\\ b\""), "[[7,3]]");
}

TEST_F(InfluxDeviations, IntegralsOfTheLastIntervalStandInTheirSeries) {
  const std::string body =
      Ask("SELECT integral(v) FROM cpu WHERE time >= 0 AND time < 4m GROUP BY time(2m), host");
  const size_t first = body.find("\"host\":\"a\"");
  ASSERT_NE(first, std::string::npos) << body;
  EXPECT_EQ(body.find("\"host\":\"a\"", first + 1), std::string::npos) << body;
}

// Of the second request InfluxDB tells "dropped=2" and nothing of the field that was known.
TEST_F(InfluxDeviations, TwoTypesForANewFieldKeepTheFirst) {
  const auto write = [&](const std::string& lines) {
    const auto answer = server_.Post("/write?db=d", lines);
    return answer.ok() ? answer->body : answer.status().ToString();
  };
  const std::string a_year = "31536000000000000";  // in a shard group that is not there yet
  EXPECT_NE(write("new v=1 " + a_year + "\nnew v=true " + a_year).find("dropped=1"),
            std::string::npos);
  EXPECT_EQ(Values("SELECT v FROM new"), "[[31536000,1]]");
  const std::string both = write("cpu v=true 1\ntwo v=1 1\ntwo v=true 2\ntwo v=true 3");
  EXPECT_NE(both.find("measurement \\\"cpu\\\""), std::string::npos) << both;
  EXPECT_NE(both.find("dropped=3"), std::string::npos) << both;
  // In InfluxDB a second field of two types has nothing stored, also where the shard is there.
  write("three v=1,w=1 1\nthree v=true 2\nthree x=1 3\nthree x=true 4");
  EXPECT_EQ(Values("SELECT v, x FROM three"), "[[0,1,null],[0,null,1]]");
}

// As in InfluxDB where the shard is there.
TEST_F(InfluxDeviations, APointOfAWrongTypeIsDroppedWithItsOtherFields) {
  const auto write = [&](const std::string& lines) {
    const auto answer = server_.Post("/write?db=d", lines);
    return answer.ok() &&
           answer->body.find("partial write: field type conflict") != std::string::npos &&
           answer->body.find("dropped=1\"}") != std::string::npos;
  };
  // Two types within a request: fields of the dropped point are known up to the one of two types.
  EXPECT_TRUE(write("p v=1 0\np w=2,v=true,x=3 1000000000\np v=4 2000000000"));
  EXPECT_TRUE(write("p z=1,u=1,z=true 4000000000"));
  // A type of before: none is.
  EXPECT_TRUE(write("p q=1,v=true,y=3 3000000000\np a=1 3000000000"));
  EXPECT_EQ(Values("SELECT v FROM p"), "[[0,1],[2,4]]");
  EXPECT_EQ(Values("SHOW FIELD KEYS FROM p"),
            "[[\"a\",\"float\"],[\"u\",\"float\"],[\"v\",\"float\"],[\"w\",\"float\"],"
            "[\"z\",\"float\"]]");
}

TEST_F(InfluxDeviations, TheFirstLineGivesAFieldItsTypeWhateverItsDay) {
  ASSERT_TRUE(server_.Post("/write?db=d", "days v=true 172800000000000\ndays v=1 0").ok());
  EXPECT_EQ(Values("SELECT v FROM days"), "[[172800,true]]");
}

// Mostly in InfluxDB 1.8's words, which 1.6 cannot be asked for.
TEST_F(InfluxDeviations, AWriteOfTheSecondApiIsRefusedLikeOneOfTheFirst) {
  const auto refusal = [&](const std::string& parameters) {
    const auto answer = server_.Post("/api/v2/write?" + parameters, "m v=1 1");
    return answer.ok() ? answer->body : answer.status().ToString();
  };
  EXPECT_EQ(refusal("bucket=d&consistency=x"), "{\"error\":\"invalid consistency level\"}\n");
  EXPECT_EQ(refusal("bucket=d&precision=m"),
            "{\"error\":\"invalid precision \\\"m\\\" (use ns, us, ms or s)\"}\n");
  EXPECT_EQ(refusal("precision=x"),
            "{\"error\":\"invalid precision \\\"x\\\" (use ns, us, ms or s)\"}\n");
  // 1.8 tells an empty bucket from an empty database.
  for (const std::string bucket : {"", "/", "/autogen"}) {
    EXPECT_EQ(refusal("bucket=" + bucket), "{\"error\":\"bucket name \\\"" + bucket +
                                               "\\\" is not in \\\"database/retention-policy\\\" "
                                               "format\"}\n");
  }
}

TEST_F(InfluxDeviations, ARegexAndAWrongArgumentAreAnError) {
  ASSERT_TRUE(server_.Post("/write?db=d", "cpu,host=a s=\"x\" 0").ok());
  EXPECT_NE(Ask("SELECT mean(s) FROM /./").find("unsupported mean iterator type"),
            std::string::npos);
}

TEST_F(InfluxDeviations, FilledGapsOfASubqueryStandByInterval) {
  EXPECT_EQ(
      Values("SELECT x, host FROM (SELECT mean(v) AS x FROM cpu WHERE time >= 0 AND time < 4m "
             "GROUP BY time(2m), host fill(0))"),
      "[[0,1,\"a\"],[0,5,\"b\"],[120,9,\"a\"],[120,0,\"b\"]]");
}

// InfluxDB sums up 0 for each host that has no point in an interval, and lists the intervals anew
// for each host.
TEST_F(InfluxDeviations, FilledGapsOfAnInnerSubqueryCountWithTheirInterval) {
  EXPECT_EQ(Values("SELECT count(x) FROM (SELECT x FROM (SELECT sum(v) AS x FROM cpu WHERE "
                   "time >= 0 AND time < 3m GROUP BY time(1m) fill(0)) GROUP BY host) "
                   "WHERE time >= 0 AND time < 3m GROUP BY time(1m)"),
            "[[0,2],[60,2],[120,2]]");
}

// sample() gives the points of an interval in order of time, whatever the order of the intervals.
// InfluxDB lists 0, 60, 120 here: what it counts are neighbours.
TEST_F(InfluxDeviations, AnIntervalOfASubquerysRowsComesOnceAndInOrder) {
  EXPECT_EQ(Values("SELECT count(x) FROM (SELECT sample(v, 9) AS x FROM cpu GROUP BY time(4m)) "
                   "WHERE time >= 0 AND time < 4m GROUP BY time(1m) ORDER BY time DESC"),
            "[[180,0],[120,1],[60,1],[0,1]]");
}

// InfluxDB gives one row for each host.
TEST_F(InfluxDeviations, ATagNamedTwiceCountsOnce) {
  EXPECT_EQ(Values("SELECT top(v, host, 1) FROM cpu GROUP BY rack, rack"), "[[120,9,\"a\"]]");
}

TEST_F(InfluxDeviations, CardinalitiesAreNotGrouped) {
  EXPECT_EQ(Values("SHOW TAG KEY EXACT CARDINALITY FROM cpu GROUP BY host"), "[[1]]");
}

TEST_F(InfluxDeviations, TimeInParenthesesIsNoTime) {
  EXPECT_EQ(Ask("SELECT v FROM cpu WHERE (time) > 10s"), "{\"results\":[{\"statement_id\":0}]}\n");
}

// InfluxDB's wraps around: the first holds for all times, the second makes a row of another time.
TEST_F(InfluxDeviations, IntegersBeyondTheEndsOfTimeDoNotWrapAround) {
  EXPECT_EQ(Ask("SELECT v FROM cpu WHERE time > 9223372036854775807"),
            "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_EQ(Values("SELECT count(v) FROM cpu WHERE time > -9223372036854775808"), "[[0,4]]");
}

TEST_F(InfluxDeviations, IntervalsBeforeTheFirstTimeDoNotWrapAround) {
  EXPECT_EQ(Values("SELECT difference(mean(v)) FROM cpu WHERE time < 1h GROUP BY time(1m)"),
            "[[60,4],[120,4]]");
}

TEST_F(InfluxDeviations, ADurationMayBeDividedByLessThanOne) {
  EXPECT_EQ(Values("SELECT v FROM cpu WHERE time = 30s / 0.5"), "[[60,5]]");
}

// As InfluxDB's index tsi1 has it; without it all values of the database are listed.
TEST_F(InfluxDeviations, TagsOfATimeRangeAreThoseOfItsShardGroups) {
  EXPECT_EQ(Values("SHOW TAG VALUES WITH KEY = host WHERE time > 1h"),
            "[[\"host\",\"a\"],[\"host\",\"b\"],[\"host\",\"c\"]]");
  EXPECT_EQ(Values("SHOW TAG VALUES WITH KEY = host WHERE time > 1w"), "[[\"host\",\"c\"]]");
  EXPECT_EQ(Values("SHOW TAG KEYS WHERE time > 1h AND time < 2h"), "[[\"host\"]]");
  ASSERT_TRUE(server_.Post("/write?db=d", "mem,rack=1 v=1 0").ok());
  EXPECT_EQ(Ask("SELECT * FROM /cpu|mem/ WHERE time > 1w").find("rack"), std::string::npos);
  EXPECT_EQ(Ask("SELECT rack * 1 FROM /mem/ WHERE time > 1w"),
            "{\"results\":[{\"statement_id\":0}]}\n");
  EXPECT_NE(Ask("SELECT rack * 1 FROM /mem/").find("incompatible types: tag and integer"),
            std::string::npos);
}

TEST_F(InfluxDeviations, ARegexThatIsComputedWithIsAnError) {
  EXPECT_EQ(Ask("SHOW TAG VALUES WITH KEY = host WHERE host =~ /x/ - 1"),
            "{\"results\":[{\"statement_id\":0,\"error\":\"invalid tag comparison operator\"}]}\n");
}

// InfluxDB's "cannot use % with an integer and unsigned literal".
TEST_F(InfluxDeviations, IntegersBeyond64BitsAreFloats) {
  EXPECT_EQ(Values("SELECT n * 9223372036854775808 FROM cpu LIMIT 1"),
            "[[0,-18446744073709552000]]");
}

// InfluxDB's looks at the shard groups only.
TEST_F(InfluxDeviations, SeriesOfAShortShardGroupAreFoundByTwoHours) {
  Ask("CREATE RETENTION POLICY short ON d DURATION INF REPLICATION 1 SHARD DURATION 1h");
  ASSERT_TRUE(server_.Post("/write?db=d&rp=short", "m,t=a v=1 0\nm,t=b v=1 3600000000000").ok());
  EXPECT_EQ(Values("SHOW SERIES FROM d.short.m WHERE time = 0"), "[[\"m,t=a\"],[\"m,t=b\"]]");
}

TEST_F(InfluxDeviations, ATagOfASubqueryThatIsCalledAFieldIsNothing) {
  EXPECT_EQ(Ask("SELECT count(host::field) FROM (SELECT v FROM cpu GROUP BY host)"),
            "{\"results\":[{\"statement_id\":0}]}\n");
}

// Of up to 12 points InfluxDB has the same; of more, Go's sort leaves equal ones in any order:
// its answers here are 1 and other times.
TEST_F(InfluxDeviations, EqualValuesKeepTheOrderOfTime) {
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    lines += "t v=" + std::to_string(i % 2 == 0 ? 2 : 1) + " " + std::to_string(i) + "000000000\n";
  }
  ASSERT_TRUE(server_.Post("/write?db=d", lines).ok());
  EXPECT_EQ(Values("SELECT mode(v) FROM t"), "[[0,2]]");
  EXPECT_EQ(Values("SELECT percentile(v, 25) FROM t"), "[[9,1]]");
  EXPECT_EQ(Values("SELECT percentile(v, 50) FROM t"), "[[19,1]]");
  EXPECT_EQ(Values("SELECT percentile(v, 100) FROM t"), "[[18,2]]");
}

// Go's end in 5913, 816, 6323 and 96.
TEST_F(InfluxDeviations, LastDigitsAreThoseOfTheCLibrary) {
  EXPECT_EQ(Values("SELECT exp(v * 22), sin(v + 1), cos(v + 4), ln(v + 2) FROM cpu LIMIT 1"),
            "[[0,3584912846.131592,0.9092974268256817,0.28366218546322625,1.0986122886681098]]");
}

// InfluxDB takes the first row of each function, of these the one with the least tags: two rows of
// host a at 60 seconds, one for each function, before and behind the row of host b.
TEST_F(InfluxDeviations, RowsOfSeveralFunctionsOfASubqueryStandTogether) {
  ASSERT_TRUE(server_
                  .Post("/write?db=d",
                        "m,host=a v=1,n=7i 0\nm,host=b v=2 1000000000\n"
                        "m,host=a v=3,n=8i 60000000000")
                  .ok());
  EXPECT_EQ(Values("SELECT x, y, host FROM (SELECT first(v) AS x, last(n) AS y FROM m WHERE "
                   "time >= 0 AND time < 2m GROUP BY time(1m), host)"),
            "[[0,1,7,\"a\"],[0,2,null,\"b\"],[60,3,8,\"a\"]]");
}

// InfluxDB's queue of sources goes on from series to series: of host b the subquery may come first.
TEST_F(InfluxDeviations, RowsOfOneTimeComeInTheOrderOfSourcesInEachSeries) {
  const std::string body =
      Ask("SELECT v, x FROM cpu, (SELECT v AS x FROM cpu) WHERE time < 3m GROUP BY host");
  EXPECT_NE(body.find("[[0,1,null],[0,null,1],[120,9,null],[120,null,9]]"), std::string::npos)
      << body;
  EXPECT_NE(body.find("[[60,5,null],[60,null,5]]"), std::string::npos) << body;
}

// InfluxDB reads from 60 on: it takes the interval off the range as if it were one.
TEST_F(InfluxDeviations, ANegativeIntervalDoesNotNarrowTheRange) {
  EXPECT_EQ(Values("SELECT cumulative_sum(mean(v)) FROM cpu WHERE time >= 0 AND time < 3m "
                   "GROUP BY time(-1m)"),
            "[[0,5]]");
}

TEST_F(InfluxDeviations, AnOffsetOfSeriesCountsThoseOfAllShards) {
  EXPECT_EQ(Values("SHOW SERIES WHERE time >= 0 OFFSET 1"), "[[\"cpu,host=b\"],[\"cpu,host=c\"]]");
}

TEST_F(InfluxDeviations, WhatIsNoNumberHasNoPlaceInAnOrder) {
  const std::string rows =
      " FROM (SELECT stddev(v) AS x FROM cpu WHERE time >= 0 AND time < 4m GROUP BY time(2m))";
  EXPECT_EQ(Values("SELECT median(x), percentile(x, 100), mode(x), count(x)" + rows),
            "[[0,2.8284271247461903,2.8284271247461903,2.8284271247461903,2]]");
  EXPECT_EQ(Values("SELECT top(x, 1)" + rows), "[[0,2.8284271247461903]]");
  EXPECT_EQ(Values("SELECT bottom(x, 2)" + rows), "[[0,2.8284271247461903],[120,null]]");
}

// Not a difference: compared by hand, since InfluxDB's numbers of shards depend on what was before.
TEST_F(InfluxDeviations, ShardGroupsReachToTheEndsOfTime) {
  Ask("CREATE DATABASE ends");
  const auto written =
      server_.Post("/write?db=ends", "m v=1 -9223372036854775806\nm v=1 9223372036854775806");
  ASSERT_TRUE(written.ok());
  ASSERT_EQ(written->status, 204) << written->body;
  const std::string body = Ask("SHOW SHARD GROUPS");
  EXPECT_NE(body.find("\"ends\",\"autogen\",\"1677-09-20T00:00:00Z\",\"1677-09-27T00:00:00Z\","
                      "\"1677-09-27T00:00:00Z\"]"),
            std::string::npos)
      << body;
  EXPECT_NE(body.find("\"ends\",\"autogen\",\"2262-04-07T00:00:00Z\",\"2262-04-11T23:47:16Z\","
                      "\"2262-04-11T23:47:16Z\"]"),
            std::string::npos)
      << body;
}

// What a client asks for cannot take the machine's memory.
// As in InfluxDB: what stands in pieces of 10000 rows is called partial, though it is whole.
TEST_F(InfluxDeviations, ASeriesOfManyRowsIsCalledPartial) {
  const auto write = [&](const std::string& name, int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines += name + " v=1 " + std::to_string(i) + "000000000\n";
    }
    ASSERT_TRUE(server_.Post("/write?db=d", lines).ok());
  };
  write("m0", 10'000);
  write("m1", 10'001);
  write("m2", 1);
  const std::string body = Ask("SELECT v FROM /m/");
  EXPECT_NE(body.find("[9999,1]]},{\"name\":\"m1\""), std::string::npos);
  EXPECT_NE(body.find("[10000,1]],\"partial\":true},{\"name\":\"m2\""), std::string::npos);
  EXPECT_TRUE(body.ends_with("[[0,1]]}]}]}\n"));
  EXPECT_NE(Ask("SELECT v FROM m1", "application/x-msgpack").find("partial\xc3"),
            std::string::npos);
  EXPECT_EQ(Ask("SELECT v FROM m0", "application/x-msgpack").find("partial"), std::string::npos);
}

// As in InfluxDB.
TEST_F(InfluxDeviations, SeriesAreShownTagByTagAndWithATimeByTheirText) {
  ASSERT_TRUE(server_.Post("/write?db=d", "o,a1=1 v=1 0\no,a=2,b=3 v=1 0\no,a=2! v=1 0").ok());
  EXPECT_EQ(Values("SHOW SERIES FROM o"), "[[\"o,a=2,b=3\"],[\"o,a=2!\"],[\"o,a1=1\"]]");
  EXPECT_EQ(Values("SHOW SERIES FROM o WHERE time >= 0"),
            "[[\"o,a1=1\"],[\"o,a=2!\"],[\"o,a=2,b=3\"]]");
}

TEST_F(InfluxDeviations, SeriesAreShownByTheNamesOfTheirTagsNotByTheEscapedText) {
  ASSERT_TRUE(server_.Post("/write?db=d", "p,a\\ b=1 v=1 0\np,a!=1 v=1 0").ok());
  EXPECT_EQ(Values("SHOW SERIES FROM p"), R"([["p,a\\ b=1"],["p,a!=1"]])");
}

TEST_F(InfluxDeviations, AMeasurementComparedWithACallIsAnySeries) {
  EXPECT_EQ(Values("SHOW SERIES WHERE _name = time(1m)"), Values("SHOW SERIES"));
  EXPECT_NE(Values("SHOW SERIES").find("cpu,host=a"), std::string::npos);
}

TEST_F(InfluxDeviations, AMeasurementComparedWithNoTextIsAnySeries) {
  EXPECT_EQ(Values("SHOW SERIES FROM cpu WHERE _name = time(1m) LIMIT 1"), "[[\"cpu,host=a\"]]");
  EXPECT_EQ(Values("SHOW SERIES WHERE _name = v LIMIT 1"), "[[\"cpu,host=a\"]]");
  EXPECT_EQ(Ask("SHOW SERIES WHERE _name = 'v'"), "{\"results\":[{\"statement_id\":0}]}\n");
}

TEST_F(InfluxDeviations, NumbersInErrorsAreThoseOfTheQuery) {
  EXPECT_NE(Ask("SELECT host + 0.0625 FROM cpu").find("host::tag + 0.0625:"), std::string::npos);
}

TEST(InfluxLimits, AnAnswerOfTooManyValuesIsAnErrorUnlessItIsChunked) {
  const TempDir directory;
  TsdbdProcess server(directory / "data", {"--query.max-samples=5000"});
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  ASSERT_TRUE(server.PostForm("/query", {{"q", "CREATE DATABASE d"}}).ok());
  ASSERT_TRUE(server.Post("/write?db=d", "cpu v=1 0\ncpu v=2 9000").ok());
  const auto ask = [&](const std::string& range, const std::string& chunked) {
    const auto answer =
        server.PostForm("/query", {{"db", "d"},
                                   {"chunked", chunked},
                                   {"q", "SELECT mean(v) FROM cpu WHERE time >= 0 AND time < " +
                                             range + " GROUP BY time(1ns)"}});
    return answer.ok() ? answer->body : answer.status().ToString();
  };
  const std::string error = "max-select-point limit exceeed: (5002/5000)";
  EXPECT_NE(ask("100000h", "false").find(error), std::string::npos);
  EXPECT_EQ(ask("2us", "false").find(error), std::string::npos);
  EXPECT_EQ(ask("9us", "true").find(error), std::string::npos);
}

}  // namespace
}  // namespace tsdb::testing
