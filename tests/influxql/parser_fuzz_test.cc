// Feeds the fuzz entry every statement of the recordings, truncations of them and seeded mutations.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/child_process.h"
#include "tests/support/mutations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::influxql {
namespace {

void Feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/influx")) {
    if (entry.path().extension() != ".json") continue;
    const auto topic = JsonValue::Parse(testing::ReadFile(entry.path()));
    if (!topic.ok()) continue;
    for (const JsonValue& step : topic->Find("steps").array()) {
      const std::string query = step.Find("request").Find("query").StringOr("q", "");
      if (!query.empty() && query.size() < 4096) corpus.push_back(query);
    }
  }
  return corpus;
}

TEST(InfluxqlParserFuzz, SurvivesTruncationsOfTheCorpus) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_GT(corpus.size(), 800u);
  for (const std::string& text : corpus) {
    for (size_t size = 0; size <= text.size(); size += 3) Feed(text.substr(0, size));
    Feed(text);
  }
}

TEST(InfluxqlParserFuzz, SurvivesMutations) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_FALSE(corpus.empty());
  tsdb::testing::FeedMutations(corpus, 10'000, Feed);
}

}  // namespace
}  // namespace tsdb::influxql
