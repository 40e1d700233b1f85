#include "storage/index/matcher_select.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tsdb::storage {
namespace {

// What a matcher asks of an index. With S the series that have the label with a value in a set V,
// the matcher selects S, or, when it also matches series without the label, all but S. V is
// {value}, a list of literals, or the values that (do not) match a regex, found by a scan.
struct Lookup {
  enum Kind : uint8_t { kNothing, kGet, kScan };
  const Matcher* matcher = nullptr;
  bool subtract = false;
  Kind kind = kNothing;             // kNothing: V is empty
  bool every_value = false;         // kScan without a test: V is every value
  bool wants_match = true;          // V is what matches the regex, or what does not
  std::vector<std::string> values;  // kGet
  std::string_view prefix;          // kScan

  // Cheapest first: what narrows the result most for the least reading. All subtractions come last,
  // since there is nothing to subtract from before.
  int cost() const {
    const int reading = kind == kGet ? (values.size() > 1 ? 1 : 0)
                                     : 10 + (prefix.empty() ? 2 : 0) + (every_value ? 1 : 0);
    return (subtract ? 100 : 0) + reading;
  }
};

Lookup Plan(const Matcher& matcher) {
  Lookup lookup;
  lookup.matcher = &matcher;
  lookup.subtract = matcher.MatchesEmpty();
  const bool negative =
      matcher.type() == MatchType::kNotEqual || matcher.type() == MatchType::kNotRegex;
  // V is what the text of the matcher names exactly when it is positive and needs the label, or
  // negative and does not.
  lookup.wants_match = negative == lookup.subtract;
  if (matcher.regex() == nullptr) {
    if (matcher.value().empty()) {  // every value differs from ""
      lookup.kind = Lookup::kScan;
      lookup.every_value = true;
    } else {
      lookup.kind = Lookup::kGet;
      lookup.values = {matcher.value()};
    }
    return lookup;
  }
  const Regex& regex = *matcher.regex();
  if (regex.pattern() == ".*" || regex.pattern() == ".+") {  // every value there can be
    lookup.kind = lookup.wants_match ? Lookup::kScan : Lookup::kNothing;
    lookup.every_value = lookup.wants_match;
    return lookup;
  }
  lookup.kind = Lookup::kScan;
  if (!lookup.wants_match) return lookup;
  if (!regex.literal_alternatives().empty()) {
    lookup.kind = Lookup::kGet;
    lookup.values = regex.literal_alternatives();
    std::erase(lookup.values, std::string());  // no series has a label with an empty value
  } else {
    lookup.prefix = regex.required_prefix();
  }
  return lookup;
}

// Unites many small postings now and then rather than one by one or all at the end.
class Union {
 public:
  void Add(Postings postings) {
    if (postings.empty()) return;
    parts_.push_back(std::move(postings));
    if (parts_.size() >= kBatch) Fold();
  }
  Postings Take() {
    Fold();
    return parts_.empty() ? Postings() : std::move(parts_[0]);
  }

 private:
  static constexpr size_t kBatch = 512;
  void Fold() {
    if (parts_.size() < 2) return;
    Postings all = Postings::UnionOf(parts_);
    parts_.clear();
    parts_.push_back(std::move(all));
  }
  std::vector<Postings> parts_;
};

// S of a lookup.
Result<Postings> Find(const IndexReader& index, const Lookup& lookup, const CancelToken& cancel) {
  Union found;
  const std::string& name = lookup.matcher->name();
  if (lookup.kind == Lookup::kGet) {
    for (const std::string& value : lookup.values) {
      ASSIGN_OR_RETURN(Postings postings, index.Get(name, value));
      found.Add(std::move(postings));
    }
  } else if (lookup.kind == Lookup::kScan) {
    const Regex* regex = lookup.every_value ? nullptr : lookup.matcher->regex();
    constexpr uint32_t kCheckEvery = 1024;
    uint32_t visited = 0;
    const auto visit = [&](std::string_view value,
                           const IndexReader::Loader& loader) -> Result<bool> {
      if (++visited % kCheckEvery == 0) RETURN_IF_ERROR(cancel.Check());
      if (regex != nullptr && regex->FullMatch(value) != lookup.wants_match) return true;
      ASSIGN_OR_RETURN(Postings postings, loader.Load());
      found.Add(std::move(postings));
      return true;
    };
    RETURN_IF_ERROR(index.ForEachValue(name, lookup.prefix, visit));
  }
  return found.Take();
}

}  // namespace

Result<Postings> SelectSeries(const IndexReader& index, const Matchers& matchers,
                              const CancelToken& cancel) {
  std::vector<Lookup> lookups;
  lookups.reserve(matchers.size());
  bool has_positive = false;
  for (const Matcher& matcher : matchers) {
    lookups.push_back(Plan(matcher));
    const Lookup& lookup = lookups.back();
    if (lookup.kind == Lookup::kNothing) {
      if (!lookup.subtract) return Postings();
      lookups.pop_back();  // it selects every series
      continue;
    }
    has_positive |= !lookup.subtract;
  }
  std::ranges::stable_sort(lookups, {}, [](const Lookup& lookup) { return lookup.cost(); });

  RETURN_IF_ERROR(cancel.Check());
  Postings result;
  bool started = false;
  if (!has_positive) {
    ASSIGN_OR_RETURN(result, index.All());
    started = true;
  }
  for (const Lookup& lookup : lookups) {
    if (started && result.empty()) break;
    RETURN_IF_ERROR(cancel.Check());
    ASSIGN_OR_RETURN(Postings found, Find(index, lookup, cancel));
    if (lookup.subtract) {
      result -= found;
    } else if (started) {
      result &= found;
    } else {
      result = std::move(found);
      started = true;
    }
  }
  return result;
}

}  // namespace tsdb::storage
