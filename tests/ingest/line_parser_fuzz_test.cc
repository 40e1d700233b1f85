// Feeds the fuzz entry recorded bodies, cuts and seeded mutations of them.
#include <cstdint>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::influx {
namespace {

void Feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// The beginning of what Flink sent, hostile names among it, and a line of every kind of value.
std::string Corpus() {
  std::ifstream in("tests/golden/flink/influx-odd/002.body", std::ios::binary);
  std::stringstream buffer;
  buffer << in.rdbuf();
  return "m\\ 1,t=v,u=w\\,x f=1.5e3,i=-7i,b=T,s=\"x\\\" \ny\",n=.5 1704067200\n# c\n\n" +
         buffer.str().substr(0, 3000);
}

TEST(LineParserFuzz, SurvivesTruncationsOfTheCorpus) {
  const std::string corpus = Corpus();
  ASSERT_GT(corpus.size(), 3000u);
  for (size_t size = 0; size <= corpus.size(); size += size < 200 ? 1 : 7) {
    Feed(corpus.substr(0, size));
  }
}

TEST(LineParserFuzz, SurvivesMutationsOfTheCorpus) {
  const std::string corpus = Corpus();
  const std::string special = "\\\"=, \n#i.-\t\0\xff";
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const size_t start = random() % corpus.size();
    std::string text = corpus.substr(start, 1 + random() % 200);
    const size_t changes = 1 + random() % 5;
    for (size_t j = 0; j < changes; ++j) {
      text[random() % text.size()] = special[random() % special.size()];
    }
    Feed(text);
  }
}

}  // namespace
}  // namespace tsdb::influx
