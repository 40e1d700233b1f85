// Damaged texts for parsers: the same ones every run.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace tsdb::testing {

// Calls `feed` with `count` texts, each one of `corpus` after one to four small changes: bytes cut
// out, one put in, or a piece of another text. REQUIRES: `corpus` is not empty.
template <typename Feed>
void FeedMutations(const std::vector<std::string>& corpus, int count, const Feed& feed) {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same every run
  const auto below = [&random](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (int i = 0; i < count; ++i) {
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
    feed(text);
  }
}

// Calls `feed` with every truncation of each text of `corpus`, and with `count` copies of it in
// which one to four bytes are others and some are cut short. The first byte stays.
// REQUIRES: texts of two bytes or more.
template <typename Feed>
void FeedCutsAndChanges(const std::vector<std::string>& corpus, int count, const Feed& feed) {
  std::mt19937_64 random(4);  // NOLINT(cert-msc51-cpp): the same every run
  for (const std::string& whole : corpus) {
    for (size_t size = 0; size <= whole.size(); ++size) feed(whole.substr(0, size));
    for (int i = 0; i < count; ++i) {
      std::string text = whole;
      for (size_t k = 1 + random() % 4; k > 0; --k) {
        text[1 + random() % (text.size() - 1)] = static_cast<char>(random());
      }
      if (random() % 4 == 0) text.resize(1 + random() % text.size());
      feed(text);
    }
  }
}

}  // namespace tsdb::testing
