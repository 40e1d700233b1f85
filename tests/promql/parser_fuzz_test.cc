// Feeds the fuzz entry the golden queries, every truncation of them and seeded mutations.
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/mutations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::promql {
namespace {

void Feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus = {
      "a 1+2x3 _x2 stale {{schema:1 count:2 buckets:[1 1] offset:-2}}+{{count:1}}x2",
      "{\"x y\", a='b'} -1-2x3 Inf NaN 5m {{counter_reset_hint:gauge n_buckets:[1]}}x2"};
  std::ifstream file("tests/golden/promql/parser.jsonl");
  std::string line;
  while (std::getline(file, line)) {
    const Result<JsonValue> entry = JsonValue::Parse(line);
    if (entry.ok()) corpus.push_back(entry->StringOr("query", ""));
  }
  return corpus;
}

TEST(ParserFuzz, SurvivesTruncationsOfTheCorpus) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_GT(corpus.size(), 400u);
  for (const std::string& text : corpus) {
    for (size_t size = 0; size <= text.size(); ++size) Feed(text.substr(0, size));
  }
}

TEST(ParserFuzz, SurvivesMutations) {
  const std::vector<std::string> corpus = Corpus();
  tsdb::testing::FeedMutations(corpus, 20'000, Feed);
}

}  // namespace
}  // namespace tsdb::promql
