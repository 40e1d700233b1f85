// Postings of series that are new since the last checkpoint, in memory (their durable form is the
// journal record). Label pairs are interned once; the ids of a pair are delta varints in chained
// 32-byte blocks of one pool, so that short lists cost little and long ones grow without copying.
// About 1 us a series. At a checkpoint Drain() gives everything as sorted keys for an SST.
// Thread-compatible: one writer, or many readers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "storage/index/matcher_select.h"
#include "storage/index/postings.h"

namespace tsdb::storage {

class RecentPostings {
 public:
  RecentPostings();
  ~RecentPostings();
  RecentPostings(RecentPostings&&) noexcept;
  RecentPostings& operator=(RecentPostings&&) noexcept;

  // A pair's number, counted from 0 since the last Clear(); interns it when new. `is_new` (may be
  // null) tells.
  using PairRef = uint32_t;
  PairRef Intern(std::string_view name, std::string_view value, bool* is_new = nullptr);
  std::string_view pair_name(PairRef pair) const;
  std::string_view pair_value(PairRef pair) const;

  // Adds a series. Ids may come in any order; rising ones are smallest and fastest.
  void Add(SeriesId id, const Labels& labels);
  // The same with pairs from Intern().
  void Add(SeriesId id, const PairRef* pairs, size_t pair_count);

  Postings Get(std::string_view name, std::string_view value) const;
  Postings Get(PairRef pair) const;
  const Postings& all() const;
  // Values of `name` that begin with `prefix`, sorted; the views live until the next change.
  std::vector<std::pair<std::string_view, PairRef>> Values(std::string_view name,
                                                           std::string_view prefix = {}) const;
  std::vector<std::string_view> Names() const;  // sorted

  // f(key, postings) for each pair in key order: AppendPostingKey() after `key_prefix`,
  // Postings::Serialize(). Stops at the first error and returns it. Changes nothing.
  Status Drain(
      std::string_view key_prefix,
      const std::function<Status(std::string_view key, std::string_view postings)>& f) const;

  void Clear();  // keeps no memory
  size_t series_count() const;
  size_t pair_count() const;
  size_t size_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// RecentPostings as an index of its own. Borrows `recent`.
std::unique_ptr<IndexReader> NewRecentIndexReader(const RecentPostings* recent);

}  // namespace tsdb::storage
