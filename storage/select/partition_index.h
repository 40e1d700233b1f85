// The index of one partition at one moment: rows on disk and series newer than those, as one
// IndexReader; and the identities behind series ids. Thread-safe; lives as long as its store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "storage/catalog.h"
#include "storage/head/recent_series.h"
#include "storage/index/matcher_select.h"
#include "storage/interface.h"
#include "storage/rocks/store.h"
#include "storage/segment.h"
#include "storage/select/label_rows.h"

namespace tsdb::storage {

class PartitionIndex : public IndexReader {
 public:
  // `label_rows`, borrowed, keeps what queries ask for; null: nothing is kept.
  PartitionIndex(const Store* store, std::shared_ptr<const PartitionVersion> version,
                 std::vector<std::shared_ptr<RecentSeries>> recents,
                 LabelRows* label_rows = nullptr);

  Result<Postings> Get(std::string_view name, std::string_view value) const override;
  Status ForEachValue(std::string_view name, std::string_view prefix,
                      const ValueVisitor& visitor) const override;
  Result<Postings> All() const override;
  // The same, each value once, in order.
  Status ForEachValueInOrder(std::string_view name, const ValueVisitor& visitor) const;

  // Every label name, hidden ones included, in no order, maybe repeated.
  Status ForEachName(const std::function<bool(std::string_view name)>& visitor) const;
  // The row (EncodeIdentity) of each id, `ids` rising; ids without a row are left out. Ends with
  // the token's status once it is cancelled.
  Status ForEachIdentity(
      const std::vector<uint32_t>& ids, const CancelToken& cancel,
      const std::function<void(size_t position, std::string_view row)>& visitor) const;
  const PartitionVersion& version() const { return *version_; }

 private:
  Status IdentitiesOnDisk(const std::vector<uint32_t>& ids, size_t count, const CancelToken& cancel,
                          const std::function<void(size_t, std::string_view)>& visitor) const;

  const Store* store_;
  const std::shared_ptr<const PartitionVersion> version_;
  const std::vector<std::shared_ptr<RecentSeries>> recents_;
  LabelRows* const label_rows_;
};

// Which series of a partition a request means. With View::kPrometheus `db` and `rp` decide by
// policy; matchers on `exported_db` and `exported_rp` cannot be answered by the index and are left
// to NeedsShownCheck and ShownMatches.
Result<Postings> MatchPartition(const PartitionIndex& index, const CatalogState& catalog,
                                const Scope& scope, View view, const Matchers& matchers,
                                const CancelToken& cancel);
bool NeedsShownCheck(const Scope& scope, View view, const Matchers& matchers);
bool ShownMatches(const Scope& scope, const Matchers& matchers, const Labels& shown);

// The request's bounds in nanoseconds.
void BoundsInNs(const SelectRequest& request, int64_t* min_ns, int64_t* max_ns);

// Whether a label is shown as it is stored to PromQL.
bool IsOrdinaryName(std::string_view name);
// A stored label set as the view shows it.
Labels ShowLabels(const Labels& stored, const PolicyInfo* policy, View view);

}  // namespace tsdb::storage
