// Feeds the fuzz entry every statement of the recordings, truncations of them and seeded mutations.
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/child_process.h"

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
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same every run
  const auto below = [&random](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (int i = 0; i < 10'000; ++i) {
    std::string text = corpus[below(corpus.size())];
    for (size_t k = below(4) + 1; k > 0; --k) {
      const std::string& other = corpus[below(corpus.size())];
      const size_t at = below(text.size() + 1);
      switch (below(3)) {
        case 0:
          text.erase(at, below(5));
          break;
        case 1:
          text.insert(at, 1, static_cast<char>(below(256)));
          break;
        default:
          text.insert(at, other.substr(below(other.size()), below(12)));
      }
    }
    Feed(text);
  }
}

}  // namespace
}  // namespace tsdb::influxql
