// Builds the Go program of this folder and has it compare a fresh tsdbd with Prometheus.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

constexpr int64_t kBuildTimeoutMs = 600'000;  // the first time, with Prometheus itself
constexpr int64_t kRunTimeoutMs = 240'000;    // long: of servers under sanitizers, too

constexpr char kAllFeatures[] =
    "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,"
    "promql-binop-fill-modifiers,promql-delayed-name-removal";

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class Differential : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tsdbd-diff-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The program's path is kept between runs beside the test programs, so that Go builds it once.
  static std::string Program() { return ProgramPath("differential"); }

  void Build() {
    const std::string log = directory_ + "/build.log";
    const auto status =
        RunShell("GOFLAGS=-mod=mod go build -o '" + Program() + "' .",
                 SourceDirectory() + "/tests/differential/program", log, kBuildTimeoutMs);
    ASSERT_TRUE(status.ok()) << status.status().message();
    ASSERT_EQ(*status, 0) << TextOf(log);
  }

  // The exit status of the program against a tsdbd started with `arguments`.
  void Compare(const std::string& options, std::vector<std::string> arguments, int want) {
    arguments.push_back("--storage.retention.time=100y");
    TsdbdProcess tsdbd(directory_ + "/data", std::move(arguments));
    const Status started = tsdbd.Start();
    ASSERT_TRUE(started.ok()) << started.message();
    const std::string log = directory_ + "/run.log";
    const auto status =
        RunShell("exec '" + Program() + "' -url " + tsdbd.url() + " -seed 1 " + options, directory_,
                 log, kRunTimeoutMs);
    ASSERT_TRUE(status.ok()) << status.status().message();
    EXPECT_EQ(*status, want) << TextOf(log);
  }

  std::string directory_;
};

TEST_F(Differential, AnswersAsPrometheusDoes) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("go"), "Go");
  ASSERT_NO_FATAL_FAILURE(Build());
  Compare("-questions 2000", {}, 0);
}

TEST_F(Differential, AnswersAsPrometheusDoesWithEveryFeature) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("go"), "Go");
  ASSERT_NO_FATAL_FAILURE(Build());
  Compare("-questions 2000 -features all", {kAllFeatures}, 0);
}

// The comparison itself can fail: features on one side only.
TEST_F(Differential, SeesDifferences) {
  TSDB_REQUIRE_EXTERNAL(HasProgram("go"), "Go");
  ASSERT_NO_FATAL_FAILURE(Build());
  Compare("-questions 500 -features all", {}, 1);
}

}  // namespace
}  // namespace tsdb::testing
