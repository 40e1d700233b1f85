// How well a name fits what somebody is typing: the scores of Prometheus' search API, from 0 to 1.
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::server {

enum class FuzzyAlgorithm : uint8_t { kSubsequence, kJaroWinkler };

struct SearchOptions {
  std::vector<std::string> terms;  // a name that fits any of them is found; none: every name
  FuzzyAlgorithm algorithm = FuzzyAlgorithm::kSubsequence;
  double threshold = 0;  // least score
  bool case_sensitive = true;
};

class SearchScorer {
 public:
  explicit SearchScorer(SearchOptions options);  // empty terms are dropped

  // The best score of any term; negative when none accepts the name.
  double Score(std::string_view name) const;

 private:
  using Runes = std::vector<uint32_t>;
  double ScoreTerm(const Runes& term, const Runes& name) const;

  SearchOptions options_;
  std::vector<Runes> terms_;
};

}  // namespace tsdb::server
