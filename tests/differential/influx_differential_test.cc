// Asks a fresh tsdbd and a real InfluxDB 1.6 the same random questions (influx/main.py).
#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

constexpr int64_t kRunTimeoutMs = 840'000;  // long: of servers under sanitizers, too

class InfluxDifferential : public ::testing::Test {
 protected:
  // The exit status of the comparison: 0, or 1 with differences.
  void Compare(const std::string& options, int want) {
    WriteFile(directory_ / "open.yml", "influx: {auth_enabled: false}\n");
    TsdbdProcess tsdbd(directory_ / "data", {"--config.file=" + (directory_ / "open.yml")});
    const Status started = tsdbd.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    const std::string log = directory_ / "run.log";
    const auto status =
        RunShell("TMPDIR=. exec python3 " + SourceDirectory() +
                     "/tests/differential/influx/main.py --url " + tsdbd.url() + " " + options,
                 directory_.path(), log, kRunTimeoutMs);
    ASSERT_TRUE(status.ok()) << status.status().ToString();
    EXPECT_EQ(*status, want) << ReadFile(log);
  }

  const TempDir directory_;
};

TEST_F(InfluxDifferential, AnswersAsInfluxDbDoes) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influxd") && HasProgram("python3"),
                        "InfluxDB 1.6 (Debian: influxdb) and Python 3");
  Compare("--seed 1 --questions 600 --broken 500 --writes 300", 0);
}

// What is written down in influx/exchanges, with authentication off and on.
TEST_F(InfluxDifferential, WrittenExchangesAreAnsweredAsInfluxDbDoes) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influxd") && HasProgram("python3"),
                        "InfluxDB 1.6 (Debian: influxdb) and Python 3");
  WriteFile(directory_ / "auth.yml", "influx: {auth_enabled: true}\n");
  TsdbdProcess with_auth(directory_ / "auth", {"--config.file=" + (directory_ / "auth.yml")});
  const Status started = with_auth.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  Compare("--auth-url " + with_auth.url(), 0);
}

// The comparison itself can fail: the other side has a policy more.
TEST_F(InfluxDifferential, SeesDifferences) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("influxd") && HasProgram("python3"),
                        "InfluxDB 1.6 (Debian: influxdb) and Python 3");
  Compare("--seed 1 --questions 150 --broken 0 --writes 0 --spoil", 1);
}

}  // namespace
}  // namespace tsdb::testing
