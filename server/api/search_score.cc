#include "server/api/search_score.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace tsdb::server {
namespace {

using Runes = std::vector<uint32_t>;

// Code points; a byte that belongs to none stands for itself.
Runes RunesOf(std::string_view text) {
  Runes runes;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t byte = static_cast<uint8_t>(text[i]);
    if (byte >= 0x80 && byte < 0xc0 && !runes.empty() && runes.back() >= 0x80) {
      runes.back() = runes.back() << 8 | byte;  // any number that is unique to the code point
    } else {
      runes.push_back(byte);
    }
  }
  return runes;
}

double Size(const Runes& runes) { return static_cast<double>(runes.size()); }

// The score of `term` as a subsequence of `name` that begins at `start`: each run of neighbours
// counts with the square of its length; what lies before and between runs costs its share of the
// name, what follows half of that. nullopt when it is no subsequence.
std::optional<double> SubsequenceFrom(const Runes& term, const Runes& name, size_t start) {
  const double share = 1.0 / Size(name);
  double score = 0;
  size_t matched = 0;
  size_t end_of_run = 0;  // of the run before
  size_t i = start;
  while (matched < term.size() && i < name.size()) {
    if (name[i] != term[matched]) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (matched < term.size() && i < name.size() && name[i] == term[matched]) {
      ++i;
      ++matched;
    }
    score -= static_cast<double>(begin - end_of_run) * share;
    score += static_cast<double>((i - begin) * (i - begin));
    end_of_run = i;
  }
  if (matched < term.size()) return std::nullopt;
  return score - static_cast<double>(name.size() - end_of_run) * share * 0.5;
}

double SubsequenceScore(const Runes& term, const Runes& name) {
  constexpr double kNotExact = 0.999;  // only the same name, or its beginning, scores 1
  if (term.size() > name.size()) return 0;
  if (std::equal(term.begin(), term.end(), name.begin())) return 1;
  double best = -1;
  for (size_t start = 0; start + term.size() <= name.size(); ++start) {
    if (name[start] != term[0]) continue;
    const std::optional<double> score = SubsequenceFrom(term, name, start);
    if (!score.has_value()) break;  // nor from any later place
    best = std::max(best, *score);
  }
  if (best < 0) return 0;
  return best / (Size(term) * Size(term)) * kNotExact;
}

// 1 at the beginning, 0.1 at the last place possible; negative where it is not.
double SubstringScore(const Runes& term, const Runes& name) {
  const auto found = std::search(name.begin(), name.end(), term.begin(), term.end());
  if (found == name.end()) return -1;
  const double last = Size(name) - Size(term);
  if (last <= 0 || found == name.begin()) return 1;
  return 1.0 - 0.9 * static_cast<double>(found - name.begin()) / last;
}

// Source: W. E. Winkler, "String Comparator Metrics and Enhanced Decision Rules in the
// Fellegi-Sunter Model of Record Linkage", 1990; prefixes of up to four count a tenth each.
double JaroWinklerScore(const Runes& a, const Runes& b) {
  if (a == b) return 1;
  const Runes& shorter = a.size() <= b.size() ? a : b;
  const Runes& longer = a.size() <= b.size() ? b : a;
  const size_t reach = longer.size() / 2 > 1 ? longer.size() / 2 - 1 : 0;
  std::vector<bool> taken(longer.size());
  Runes matched;  // of the shorter, in its order
  for (size_t i = 0; i < shorter.size(); ++i) {
    const size_t end = std::min(i + reach + 1, longer.size());
    for (size_t j = i > reach ? i - reach : 0; j < end; ++j) {
      if (taken[j] || shorter[i] != longer[j]) continue;
      taken[j] = true;
      matched.push_back(shorter[i]);
      break;
    }
  }
  if (matched.empty()) return 0;
  double transpositions = 0;
  size_t k = 0;
  for (size_t j = 0; j < longer.size(); ++j) {
    if (taken[j] && longer[j] != matched[k++]) ++transpositions;
  }
  const double matches = Size(matched);
  const double jaro = (matches * (1.0 / Size(shorter)) + matches * (1.0 / Size(longer)) +
                       (matches - transpositions * 0.5) / matches) /
                      3.0;
  size_t prefix = 0;
  while (prefix < std::min<size_t>(4, shorter.size()) && shorter[prefix] == longer[prefix]) {
    ++prefix;
  }
  return jaro + static_cast<double>(prefix) * 0.1 * (1.0 - jaro);
}

}  // namespace

SearchScorer::SearchScorer(SearchOptions options) : options_(std::move(options)) {
  for (const std::string& term : options_.terms) {
    if (term.empty()) continue;
    terms_.push_back(RunesOf(options_.case_sensitive ? term : ToLower(term)));
  }
}

double SearchScorer::ScoreTerm(const Runes& term, const Runes& name) const {
  if (options_.algorithm == FuzzyAlgorithm::kSubsequence) {
    const double score = SubsequenceScore(term, name);
    return score > 0 && score >= options_.threshold ? score : -1;
  }
  if (const double score = SubstringScore(term, name); score >= 0) return score;
  if (options_.threshold <= 0 || name.empty()) return -1;
  const double score = JaroWinklerScore(term, name);
  return score >= options_.threshold ? score : -1;
}

double SearchScorer::Score(std::string_view name) const {
  if (terms_.empty()) return 1;
  const Runes runes = RunesOf(options_.case_sensitive ? std::string(name) : ToLower(name));
  double best = -1;
  for (const Runes& term : terms_) best = std::max(best, ScoreTerm(term, runes));
  return best;
}

}  // namespace tsdb::server
