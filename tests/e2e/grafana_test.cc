// Grafana's own Prometheus client code, linked into a Go program (../shared/interop/grafana),
// against tsdbd.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

TEST(Grafana, DataSourceClientFindsNothingToComplainAbout) {
  TSDB_REQUIRE_EXTERNAL(!SharedDirectory().empty(), "../shared");
  TSDB_REQUIRE_EXTERNAL(HasProgram("go"), "Go");
  const TempDir directory;
  // The harness is read-only where it lies; a copy under build/ keeps its binary from run to run.
  const std::string build = SourceDirectory() + "/build/interop/grafana";
  std::filesystem::create_directories(build);
  const std::string log = directory / "promcheck.log";
  const auto built = RunShell("cp -ru " + SharedDirectory() +
                                  "/interop/grafana/. . && cd promcheck && go build -o promcheck .",
                              build, log, 600'000);
  ASSERT_TRUE(built.ok()) << built.status().ToString();
  ASSERT_EQ(*built, 0) << ReadFile(log);

  TsdbdProcess server(directory / "data");
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  const auto checked = RunShell("promcheck/promcheck -url " + server.url() +
                                    " -features utf8 -dashboards flink-dashboard-queries.txt",
                                build, log, 120'000);
  ASSERT_TRUE(checked.ok()) << checked.status().ToString();
  EXPECT_EQ(*checked, 0) << ReadFile(log);
  EXPECT_NE(ReadFile(log).find(" passed, 0 failed"), std::string::npos) << ReadFile(log);
}

}  // namespace
}  // namespace tsdb::testing
