// Feeds the fuzz entry the golden queries, every truncation of them and seeded mutations.
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

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
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same every run
  const auto below = [&random](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (int i = 0; i < 20'000; ++i) {
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
}  // namespace tsdb::promql
