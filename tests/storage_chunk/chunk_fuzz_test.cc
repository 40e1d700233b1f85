// Feeds the fuzz entry chunks of every type and postings, and seeded mutations of them.
#include <gtest/gtest.h>

#include "storage/index/postings.h"
#include "tests/storage_chunk/sample_columns.h"
#include "tests/support/mutations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace tsdb::storage {
namespace {

void Feed(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus;
  for (const NamedBlock& named : AdversarialBlocks(40, 3)) {
    const ColumnView view = ColumnView::Of(named.block);
    std::string chunk(1, '\0');
    EncodeChunk(view, Effort::kBest, &chunk);
    corpus.push_back(chunk);
    std::string timestamps;
    EncodeTimestamps(view.timestamps, view.unit, &timestamps);
    if (timestamps.size() > 255) continue;
    std::string shared = std::string("\1") + static_cast<char>(timestamps.size()) + timestamps;
    EncodeValues(view, Effort::kFast, &shared);
    corpus.push_back(shared);
  }
  Postings postings;
  for (SeriesId id = 1; id < 1'000'000; id = id * 3 + 1) postings.Add(id);
  corpus.push_back("\2" + postings.Serialize());
  return corpus;
}

TEST(ChunkFuzz, SurvivesTruncationsAndMutationsOfTheCorpus) {
  testing::FeedCutsAndChanges(Corpus(), 1'000, Feed);
}

}  // namespace
}  // namespace tsdb::storage
