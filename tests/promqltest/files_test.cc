// Every eval command of Prometheus' own test files, and of ours, passes; no case is excused.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/promqltest/runner.h"

namespace tsdb::promqltest {
namespace {

FileReport RunFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  FileReport report = RunTestText(text);
  for (const Failure& failure : report.failures) {
    ADD_FAILURE() << path.string() << ":" << failure.line << ": " << failure.query << "\n    "
                  << failure.message;
  }
  return report;
}

// Files of our own, in Prometheus' language.
TEST(OwnFiles, PassWhole) {
  size_t passed = 0;
  for (const auto& entry : std::filesystem::directory_iterator("tests/promqltest/cases")) {
    if (entry.path().extension() == ".test") passed += RunFile(entry.path()).passed;
  }
  EXPECT_GT(passed, 0u);
}

struct SharedFile {
  const char* name;
  size_t eval_count;
};

class SharedFiles : public testing::TestWithParam<SharedFile> {};

TEST_P(SharedFiles, PassWhole) {
  const std::filesystem::path folder = "../shared/promqltest";
  if (!std::filesystem::exists(folder)) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << folder << " is missing";
    GTEST_SKIP() << "SKIPPED: " << folder << " is missing, no command was run";
  }
  const FileReport report = RunFile(folder / (std::string(GetParam().name) + ".test"));
  EXPECT_EQ(report.passed, GetParam().eval_count);
}

constexpr SharedFile kFiles[] = {
    {"aggregators", 160},
    {"at_modifier", 78},
    {"collision", 2},
    {"duration_expression", 59},
    {"extended_vectors", 169},
    {"fill-modifier", 46},
    {"functions", 431},
    {"histograms", 185},
    {"info", 53},
    {"limit", 37},
    {"literals", 25},
    {"name_label_dropping", 30},
    {"native_histograms", 522},
    {"operators", 214},
    {"range_queries", 18},
    {"selectors", 31},
    {"staleness", 17},
    {"start_timestamps", 26},
    {"subquery", 34},
    {"trig_functions", 19},
    {"type_and_unit", 58},
};

INSTANTIATE_TEST_SUITE_P(PromqlTest, SharedFiles, testing::ValuesIn(kFiles),
                         [](const testing::TestParamInfo<SharedFile>& file) {
                           std::string name = file.param.name;
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace tsdb::promqltest
