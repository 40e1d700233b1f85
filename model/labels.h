// A label set: name-value pairs sorted by name, names unique, no empty value (an empty value means that
// the label is absent). `__name__` is a label like others. Value type; cheap to move, copies allocate.
#pragma once

#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/result.h"

namespace tsdb {

inline constexpr std::string_view kMetricName = "__name__";

struct Label {
  std::string name;
  std::string value;
  friend bool operator==(const Label&, const Label&) = default;
  friend auto operator<=>(const Label&, const Label&) = default;
};

class Labels {
 public:
  using const_iterator = std::vector<Label>::const_iterator;

  Labels() = default;
  // Sorts, drops empty values; of a repeated name the last counts. For literals in code and tests.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  // Sorts and drops empty values. kInvalidArgument for a repeated or an empty name.
  static Result<Labels> FromUnsorted(std::vector<Label> labels);
  // REQUIRES: sorted, unique, no empty value (DCHECK).
  static Labels FromSorted(std::vector<Label> labels);

  bool empty() const { return labels_.empty(); }
  size_t size() const { return labels_.size(); }
  const_iterator begin() const { return labels_.begin(); }
  const_iterator end() const { return labels_.end(); }
  const Label& operator[](size_t index) const { return labels_[index]; }

  // Empty when absent. The view lives as long as this object is unchanged.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string_view metric_name() const { return Get(kMetricName); }

  // Inserts, replaces, or, with an empty value, removes.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);
  // Only the named labels (`names` sorted or not), or all but the named ones.
  Labels Keep(const std::vector<std::string>& names) const;
  Labels Without(const std::vector<std::string>& names) const;

  // XXH3 over length-prefixed names and values; stable within a process only.
  Hash128 Hash() const;
  size_t size_bytes() const;

  // PromQL's spelling: name{a="b",c="d"}, {a="b"}, {"utf-8 name","x.y"="z"}; values quoted as Go does.
  std::string ToString() const;

  // Compared pair by pair, by name, then value, in byte order; a prefix sorts first.
  friend bool operator==(const Labels&, const Labels&) = default;
  friend auto operator<=>(const Labels& a, const Labels& b) { return a.labels_ <=> b.labels_; }

 private:
  std::vector<Label> labels_;
};

// [a-zA-Z_][a-zA-Z0-9_]*, and for metric names ':' as well: names that need no quotes in PromQL.
bool IsLegacyLabelName(std::string_view name);
bool IsLegacyMetricName(std::string_view name);

}  // namespace tsdb

template <>
struct std::hash<tsdb::Labels> {
  size_t operator()(const tsdb::Labels& labels) const noexcept { return labels.Hash().low; }
};
