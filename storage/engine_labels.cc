// Reading names and values of labels: by the index, wherever it tells what PromQL shows.
#include <algorithm>
#include <functional>
#include <iterator>
#include <set>

#include "base/coding.h"
#include "storage/engine_impl.h"
#include "storage/select/partition_index.h"
#include "storage/select/selection.h"

namespace tsdb::storage {
namespace {

// What says which labels occur in `matched`: of some series all labels are read, which mostly tells
// every name; other names of the index are looked for in the postings of their values. False when
// that would be more work than to read all series.
class NamesOfPartition {
 public:
  NamesOfPartition(const PartitionIndex& index, const Postings& matched, const CancelToken& cancel,
                   std::set<std::string, std::less<>>* names)
      : index_(index),
        matched_(matched),
        cancel_(cancel),
        names_(names),
        lookups_left_(1024 + 4 * matched.size()) {}

  // `is_shown` leaves names out. All series match: every name of the index occurs.
  Result<bool> Add(bool everything, const std::function<bool(std::string_view)>& is_shown) {
    std::vector<std::string> rest;
    if (!everything) RETURN_IF_ERROR(AddOfSome(is_shown));
    RETURN_IF_ERROR(index_.ForEachName([&](std::string_view name) {
      if (!is_shown(name) || names_->contains(name)) return true;
      if (everything) {
        names_->emplace(name);
      } else {
        rest.emplace_back(name);
      }
      return true;
    }));
    for (const std::string& name : rest) {
      RETURN_IF_ERROR(cancel_.Check());
      if (names_->contains(name)) continue;
      ASSIGN_OR_RETURN(const bool occurs, Occurs(name));
      if (occurs) names_->emplace(name);
      if (lookups_left_ == 0) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kSome = 32;

  Status AddOfSome(const std::function<bool(std::string_view)>& is_shown) {
    std::vector<uint32_t> some;
    const uint64_t apart = std::max<uint64_t>(matched_.size() / kSome, 1);
    uint64_t at = 0;
    matched_.ForEach([&](uint32_t id) {
      if (at++ % apart == 0) some.push_back(id);
    });
    return index_.ForEachIdentity(some, cancel_, [&](size_t /*position*/, std::string_view row) {
      const Result<SeriesIdentity> identity = DecodeIdentity(row);
      if (!identity.ok()) return;
      for (const Label& label : identity->labels) {
        if (is_shown(label.name)) names_->insert(label.name);
      }
    });
  }

  Result<bool> Occurs(const std::string& name) {
    bool occurs = false;
    RETURN_IF_ERROR(index_.ForEachValue(
        name, {},
        [&](std::string_view /*value*/, const IndexReader::Loader& loader) -> Result<bool> {
          if (lookups_left_ == 0) return false;
          --lookups_left_;
          ASSIGN_OR_RETURN(const Postings series, loader.Load());
          occurs = series.Intersects(matched_);
          return !occurs;
        }));
    return occurs;
  }

  const PartitionIndex& index_;
  const Postings& matched_;
  const CancelToken& cancel_;
  std::set<std::string, std::less<>>* names_;
  uint64_t lookups_left_;
};

// `db` and `rp` of the policies that the series are of.
Status AddPolicyNames(const PartitionIndex& index, const CatalogState& catalog,
                      const Postings& matched, std::set<std::string, std::less<>>* names) {
  return index.ForEachValue(
      kPolicyPair, {},
      [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
        PolicyId id;
        if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
        const PolicyInfo* policy = catalog.Find(id);
        if (policy == nullptr || (policy->db_label().empty() && policy->rp_label().empty())) {
          return true;
        }
        ASSIGN_OR_RETURN(const Postings series, loader.Load());
        if (!series.Intersects(matched)) return true;
        if (!policy->db_label().empty()) names->emplace("db");
        if (!policy->rp_label().empty()) names->emplace("rp");
        return true;
      });
}

}  // namespace

// By the index alone, which need not know what series are called. False when that cannot be: stored
// names that PromQL shows as others, or too much work.
Result<bool> Engine::NamesByIndex(const SelectRequest& request, const CancelToken& cancel,
                                  std::set<std::string, std::less<>>* names) const {
  if (NeedsShownCheck(request.scope, request.view, request.matchers)) return false;
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsInNs(request, &min_ns, &max_ns);
  const auto catalog = catalog_.state();
  bool plain = true;
  const bool as_stored = request.view == View::kStored;
  const auto is_shown = [&](std::string_view name) {
    if (name == kPolicyPair) return false;
    if (as_stored) return true;
    if (IsHiddenLabel(name)) return false;
    if (!IsOrdinaryName(name)) plain = false;
    return true;
  };
  for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
    RETURN_IF_ERROR(cancel.Check());
    const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
    ASSIGN_OR_RETURN(const Postings matched, LiveSeries(index, *catalog, request, cancel));
    if (matched.empty()) continue;
    if (!as_stored) RETURN_IF_ERROR(AddPolicyNames(index, *catalog, matched, names));
    ASSIGN_OR_RETURN(const Postings all, index.All());
    NamesOfPartition partition(index, matched, cancel, names);
    ASSIGN_OR_RETURN(const bool done, partition.Add(matched.size() == all.size(), is_shown));
    if (!done || !plain) return false;
  }
  return true;
}

// Series of a partition that match and of which something is left.
Result<Postings> Engine::LiveSeries(const PartitionIndex& index, const CatalogState& catalog,
                                    const SelectRequest& request, const CancelToken& cancel) const {
  ASSIGN_OR_RETURN(Postings matched, MatchPartition(index, catalog, request.scope, request.view,
                                                    request.matchers, cancel));
  if (!index.version().dead.empty()) matched -= DeadSeries(index.version(), matched);
  ASSIGN_OR_RETURN(const Postings expired, ExpiredSeries(index));
  matched -= expired;
  return matched;
}

Result<std::vector<std::string>> Engine::LabelNames(const SelectRequest& request,
                                                    const CancelToken& cancel) const {
  std::set<std::string, std::less<>> names;
  ASSIGN_OR_RETURN(const bool by_index, NamesByIndex(request, cancel, &names));
  if (!by_index) {
    names.clear();
    SelectRequest labels = request;
    labels.labels_only = true;
    labels.limit = 0;
    ASSIGN_OR_RETURN(const auto selection, Select(labels, cancel));
    for (size_t i = 0; i < selection->size(); ++i) {
      for (const Label& label : selection->labels(i)) {
        if (!names.contains(label.name)) names.emplace(label.name);
      }
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

namespace {

// The values of one label, partition by partition; the first `limit` of them, or all (0).
class ValueList {
 public:
  explicit ValueList(size_t limit) : limit_(limit) {}

  // Whether it is neither there already nor behind all that are wanted.
  bool Wants(std::string_view value) const {
    return !(has_last_ && value >= last_) &&
           !std::binary_search(values_.begin(), values_.end(), value, std::less<>());
  }
  void Add(std::string_view value) {
    fresh_.emplace_back(value);
    if (limit_ > 0 && fresh_.size() >= 2 * limit_) EndPartition();
  }
  // An index gives its values in order, mostly.
  void EndPartition() {
    if (!std::is_sorted(fresh_.begin(), fresh_.end())) std::sort(fresh_.begin(), fresh_.end());
    std::vector<std::string> all;
    all.reserve(values_.size() + fresh_.size());
    std::merge(std::make_move_iterator(values_.begin()), std::make_move_iterator(values_.end()),
               std::make_move_iterator(fresh_.begin()), std::make_move_iterator(fresh_.end()),
               std::back_inserter(all));
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (limit_ > 0 && all.size() >= limit_) {
      all.resize(limit_);
      last_ = all.back();
      has_last_ = true;
    }
    values_ = std::move(all);
    fresh_.clear();
  }
  std::vector<std::string> Take() { return std::move(values_); }

 private:
  const size_t limit_;
  std::vector<std::string> values_;  // sorted, unique
  std::vector<std::string> fresh_;   // of the partition that is being read
  bool has_last_ = false;            // the limit is reached
  std::string last_;
};

}  // namespace

Result<std::vector<std::string>> Engine::LabelValues(std::string_view name,
                                                     const SelectRequest& request,
                                                     const CancelToken& cancel) const {
  ValueList values(request.limit);
  const bool is_virtual = request.view == View::kPrometheus && !IsOrdinaryName(name);
  if (is_virtual && IsHiddenLabel(name)) return std::vector<std::string>();
  if (is_virtual || NeedsShownCheck(request.scope, request.view, request.matchers)) {
    SelectRequest labels = request;
    labels.labels_only = true;
    labels.limit = 0;
    ASSIGN_OR_RETURN(const auto selection, Select(labels, cancel));
    std::set<std::string, std::less<>> found;
    for (size_t i = 0; i < selection->size(); ++i) {
      const std::string_view value = selection->labels(i).Get(name);
      if (!value.empty() && !found.contains(value)) found.emplace(value);
    }
    for (const std::string& value : found) {
      if (values.Wants(value)) values.Add(value);
    }
    values.EndPartition();
    return values.Take();
  }
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsInNs(request, &min_ns, &max_ns);
  const auto catalog = catalog_.state();
  for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
    RETURN_IF_ERROR(cancel.Check());
    const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
    ASSIGN_OR_RETURN(const Postings matched, LiveSeries(index, *catalog, request, cancel));
    if (matched.empty()) continue;
    ASSIGN_OR_RETURN(const Postings all, index.All());
    const bool everything = matched.size() == all.size();
    RETURN_IF_ERROR(index.ForEachValue(
        name, {}, [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
          if (!values.Wants(value)) return true;
          if (!everything) {
            ASSIGN_OR_RETURN(const Postings series, loader.Load());
            if (!series.Intersects(matched)) return true;
          }
          values.Add(value);
          return true;
        }));
    values.EndPartition();
  }
  return values.Take();
}

}  // namespace tsdb::storage
