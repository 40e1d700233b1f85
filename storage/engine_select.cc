// Reading: which series match in each partition, what they are called, and what of them is in
// memory at the moment of the call.
#include <algorithm>
#include <set>
#include <utility>

#include "storage/engine_impl.h"
#include "storage/select/partition_index.h"
#include "storage/select/selection.h"

namespace tsdb::storage {
namespace {

// The request's bounds in nanoseconds. A millisecond of PromQL holds all of its nanoseconds.
void BoundsInNs(const SelectRequest& request, int64_t* min_ns, int64_t* max_ns) {
  *min_ns = request.min_time;
  *max_ns = request.max_time;
  if (request.view == View::kStored) return;
  *min_ns = ToNanoseconds(request.min_time, TimeUnit::kMilliseconds);
  *max_ns = ToNanoseconds(request.max_time, TimeUnit::kMilliseconds);
  if (*max_ns < std::numeric_limits<int64_t>::max() - 999'999) *max_ns += 999'999;
}

}  // namespace

std::vector<PartitionSnapshot> Engine::Snapshots(int64_t min_ns, int64_t max_ns) const {
  const int32_t first = DayOf(min_ns, TimeUnit::kNanoseconds);
  const int32_t last = DayOf(max_ns, TimeUnit::kNanoseconds);
  std::vector<PartitionSnapshot> result;
  const MutexLock lock(head_mutex_);
  for (auto it = partitions_.lower_bound(first); it != partitions_.end() && it->first <= last;
       ++it) {
    result.push_back({it->second->version(), it->second->recents()});
  }
  return result;
}

// Collects series of all partitions under their labels, each stored identity once.
class SelectionBuilder {
 public:
  SelectionBuilder(const SelectRequest& request, const CatalogState& catalog, Selection* selection)
      : request_(request),
        catalog_(catalog),
        selection_(selection),
        check_shown_(NeedsShownCheck(request.scope, request.view, request.matchers)) {}

  void Add(uint32_t partition, uint32_t position, std::string_view row) {
    const Hash128 identity = HashBytes128(row, 0);
    const auto [found, is_new] = by_identity_.try_emplace(identity, kRejected);
    if (is_new) found->second = Create(row);
    if (found->second == kRejected) return;
    selection_->series()[found->second].members.push_back({partition, position});
  }

 private:
  static constexpr uint32_t kRejected = UINT32_MAX;

  uint32_t Create(std::string_view row) {
    Result<SeriesIdentity> identity = DecodeIdentity(row);
    if (!identity.ok()) return kRejected;
    Selection::Series series;
    series.policy = identity->policy;
    series.labels = request_.view == View::kStored
                        ? std::move(identity->labels)
                        : ShowLabels(identity->labels, catalog_.Find(series.policy), request_.view);
    if (check_shown_ && !ShownMatches(request_.scope, request_.matchers, series.labels)) {
      return kRejected;
    }
    selection_->series().push_back(std::move(series));
    return static_cast<uint32_t>(selection_->series().size() - 1);
  }

  const SelectRequest& request_;
  const CatalogState& catalog_;
  Selection* selection_;
  const bool check_shown_;
  std::unordered_map<Hash128, uint32_t> by_identity_;
};

Result<std::unique_ptr<SeriesSelection>> Engine::Select(const SelectRequest& request,
                                                        const CancelToken& cancel) const {
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsInNs(request, &min_ns, &max_ns);
  const auto catalog = catalog_.state();
  for (;;) {
    auto selection =
        std::make_unique<Selection>(store_.get(), &pool_, &metrics_, request.view, min_ns, max_ns);
    SelectionBuilder builder(request, *catalog, selection.get());
    for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
      RETURN_IF_ERROR(cancel.Check());
      const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
      ASSIGN_OR_RETURN(Postings matched, MatchPartition(index, *catalog, request.scope,
                                                        request.view, request.matchers, cancel));
      if (!snapshot.version->dead.empty()) matched -= DeadSeries(*snapshot.version, matched);
      if (matched.empty()) continue;
      SelectedPartition partition;
      partition.version = snapshot.version;
      partition.ids = matched.ToVector();
      const uint32_t number = static_cast<uint32_t>(selection->partitions().size());
      RETURN_IF_ERROR(
          index.ForEachIdentity(partition.ids, [&](size_t position, std::string_view row) {
            builder.Add(number, static_cast<uint32_t>(position), row);
          }));
      selection->partitions().push_back(std::move(partition));
    }
    RETURN_IF_ERROR(cancel.Check());
    if (!CaptureHead(request.labels_only, selection.get())) continue;
    selection->Finish(request.limit);
    return std::unique_ptr<SeriesSelection>(std::move(selection));
  }
}

// Those of `among` of which nothing is left, neither on disk nor in the head.
Postings Engine::DeadSeries(const PartitionVersion& version, const Postings& among) const {
  const Postings dead = version.dead & among;
  Postings result = dead;
  const MutexLock lock(head_mutex_);
  const auto found = partitions_.find(version.key.day);
  if (found == partitions_.end() || found->second->key() != version.key) return result;
  ChainCapture capture;
  dead.ForEach([&](uint32_t id) {
    if (found->second->Capture(id, &capture)) result.Remove(id);
  });
  return result;
}

// What the head holds of every selected series, at one moment: no batch is seen by half. False when
// a partition was renumbered meanwhile and the selection has to be made again.
bool Engine::CaptureHead(bool labels_only, Selection* selection) const {
  const MutexLock lock(head_mutex_);
  for (SelectedPartition& selected : selection->partitions()) {
    const auto found = partitions_.find(selected.version->key.day);
    if (found == partitions_.end()) continue;  // aged out meanwhile
    const Partition& partition = *found->second;
    if (partition.key() != selected.version->key) return false;
    selected.version = partition.version();
    if (labels_only || partition.evicted()) continue;
    selected.capture_of.assign(selected.ids.size(), SelectedPartition::kNoCapture);
    ChainCapture capture;
    for (size_t i = 0; i < selected.ids.size(); ++i) {
      if (i + 8 < selected.ids.size()) partition.PrefetchById(selected.ids[i + 8]);
      if (!partition.Capture(selected.ids[i], &capture)) continue;
      selected.capture_of[i] = static_cast<uint32_t>(selected.captures.size());
      selected.captures.push_back(capture);
    }
  }
  selection->set_pin(pin_);
  return true;
}

Result<std::vector<std::string>> Engine::LabelNames(const SelectRequest& request,
                                                    const CancelToken& cancel) const {
  std::set<std::string, std::less<>> names;
  const bool unrestricted = request.matchers.empty() && request.scope.all &&
                            request.scope.required.empty() &&
                            catalog_.state()->policies.size() == 1;
  if (unrestricted) {
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    BoundsInNs(request, &min_ns, &max_ns);
    bool plain = true;
    for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
      if (!snapshot.version->dead.empty()) plain = false;
      const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
      RETURN_IF_ERROR(index.ForEachName([&](std::string_view name) {
        if (name == "db" || name == "rp") plain = false;
        if (name != kPolicyPair && !(request.view == View::kPrometheus && IsHiddenLabel(name))) {
          names.emplace(name);
        }
        return true;
      }));
    }
    if (plain || request.view == View::kStored)
      return std::vector<std::string>(names.begin(), names.end());
    names.clear();
  }
  SelectRequest labels = request;
  labels.labels_only = true;
  labels.limit = 0;
  ASSIGN_OR_RETURN(const auto selection, Select(labels, cancel));
  for (size_t i = 0; i < selection->size(); ++i) {
    for (const Label& label : selection->labels(i)) {
      if (!names.contains(label.name)) names.emplace(label.name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> Engine::LabelValues(std::string_view name,
                                                     const SelectRequest& request,
                                                     const CancelToken& cancel) const {
  std::set<std::string, std::less<>> values;
  const bool is_virtual =
      request.view == View::kPrometheus &&
      (name == "db" || name == "rp" || name == "exported_db" || name == "exported_rp");
  if (is_virtual || NeedsShownCheck(request.scope, request.view, request.matchers)) {
    SelectRequest labels = request;
    labels.labels_only = true;
    labels.limit = 0;
    ASSIGN_OR_RETURN(const auto selection, Select(labels, cancel));
    for (size_t i = 0; i < selection->size(); ++i) {
      const std::string_view value = selection->labels(i).Get(name);
      if (!value.empty() && !values.contains(value)) values.emplace(value);
    }
    return std::vector<std::string>(values.begin(), values.end());
  }
  if (request.view == View::kPrometheus && IsHiddenLabel(name)) return std::vector<std::string>();
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsInNs(request, &min_ns, &max_ns);
  const auto catalog = catalog_.state();
  for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
    RETURN_IF_ERROR(cancel.Check());
    const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
    ASSIGN_OR_RETURN(Postings matched, MatchPartition(index, *catalog, request.scope, request.view,
                                                      request.matchers, cancel));
    if (!snapshot.version->dead.empty()) matched -= DeadSeries(*snapshot.version, matched);
    if (matched.empty()) continue;
    ASSIGN_OR_RETURN(const Postings all, index.All());
    const bool everything = matched.size() == all.size();
    RETURN_IF_ERROR(index.ForEachValue(
        name, {}, [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
          if (values.contains(value)) return true;
          if (!everything) {
            ASSIGN_OR_RETURN(const Postings series, loader.Load());
            if (!series.Intersects(matched)) return true;
          }
          values.emplace(value);
          return true;
        }));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Result<std::vector<Querier::SeriesExemplars>> Engine::SelectExemplars(
    const SelectRequest& request) const {
  const auto catalog = catalog_.state();
  std::map<Labels, std::vector<Exemplar>> found;
  for (const ExemplarRing::Entry& entry : exemplars_.List()) {
    const PolicyInfo* policy = catalog->Find(entry.policy);
    const bool in_scope =
        request.scope.all || std::binary_search(request.scope.policies.begin(),
                                                request.scope.policies.end(), entry.policy);
    if (policy == nullptr || !in_scope) continue;
    const int64_t time = request.view == View::kStored
                             ? ToNanoseconds(entry.exemplar.timestamp_ms, TimeUnit::kMilliseconds)
                             : entry.exemplar.timestamp_ms;
    if (time < request.min_time || time > request.max_time) continue;
    Labels shown = ShowLabels(entry.series, policy, request.view);
    if (!ShownMatches(request.scope, request.matchers, shown)) continue;
    found[std::move(shown)].push_back(entry.exemplar);
  }
  std::vector<SeriesExemplars> result;
  for (auto& [labels, exemplars] : found) {
    std::stable_sort(exemplars.begin(), exemplars.end(), [](const Exemplar& a, const Exemplar& b) {
      return a.timestamp_ms < b.timestamp_ms;
    });
    exemplars.erase(std::unique(exemplars.begin(), exemplars.end()), exemplars.end());
    result.push_back({labels, std::move(exemplars)});
  }
  return result;
}

Result<std::vector<FieldTypeEntry>> Engine::FieldTypesOf(PolicyId policy,
                                                         std::string_view measurement) const {
  return ListFieldTypes(*store_, policy, measurement);
}

std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Engine::Metadata(
    std::string_view metric_name, size_t limit) const {
  return metadata_.Find(metric_name, limit);
}

}  // namespace tsdb::storage
