// Reading: which series match in each partition, what they are called, and what of them is in
// memory at the moment of the call.
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/coding.h"
#include "storage/engine_impl.h"
#include "storage/select/partition_index.h"
#include "storage/select/selection.h"

namespace tsdb::storage {

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

namespace {

// Labels' order, of what EncodeLabels() wrote.
bool EncodedLabelsLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    for (int part = 0; part < 2; ++part) {  // name, then value
      std::string_view left;
      std::string_view right;
      if (!GetBytes(&a, &left) || !GetBytes(&b, &right)) return false;
      if (const int order = left.compare(right); order != 0) return order < 0;
    }
  }
  return a.empty() && !b.empty();
}

}  // namespace

// Takes the rows of the series that match, and makes them the series of a selection.
class SelectionBuilder {
 public:
  // `label_names` (sorted; null: all) are the labels to be shown. `one_day`: all rows are of one
  // partition, which has no identity twice. `rules`: null when none of them matters; with rules all
  // labels are shown.
  SelectionBuilder(const SelectRequest& request, const CatalogState& catalog,
                   const std::vector<std::string>* label_names, bool one_day,
                   const RetentionRules* rules, int64_t now_ns, Selection* selection)
      : request_(request),
        catalog_(catalog),
        label_names_(label_names),
        by_rows_(one_day && request.view == View::kPrometheus),
        rules_(rules),
        now_ns_(now_ns),
        selection_(selection),
        check_shown_(NeedsShownCheck(request.scope, request.view, request.matchers)) {}

  // `day_end_ns` is when the partition's day is over.
  void Add(uint32_t partition, int64_t day_end_ns, uint32_t position, std::string_view row) {
    uint32_t index = kRejected;
    if (by_rows_) {
      index = label_names_ != nullptr ? CreateFew(row) : Create(row);
    } else {
      const Hash128 identity = HashBytes128(row, 0);
      const auto [found, is_new] = by_identity_.try_emplace(identity, kRejected);
      if (is_new) found->second = label_names_ != nullptr ? CreateFew(row) : Create(row);
      index = found->second;
    }
    if (index == kRejected) return;
    Selection::Series& series = selection_->series()[index];
    if (series.kept_since_ns < day_end_ns) series.members.Add({partition, position});
  }

  // Leaves out series of which nothing is kept.
  void Finish() {
    if (rules_ == nullptr) return;
    std::erase_if(selection_->series(),
                  [](const Selection::Series& series) { return series.members.size() == 0; });
  }

  // Puts series that show the same few labels together, in the place of the first of them.
  void OrderByShown() {
    std::vector<uint32_t> order(firsts_.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [this](uint32_t a, uint32_t b) { return EncodedLabelsLess(firsts_[a], firsts_[b]); });
    std::vector<uint32_t> rank(order.size());
    for (uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
    std::vector<Selection::Series>& series = selection_->series();
    std::vector<size_t> next(order.size() + 1);
    for (const Selection::Series& one : series) ++next[rank[one.shown] + 1];
    for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
    std::vector<Selection::Series> ordered(series.size());
    for (Selection::Series& one : series) ordered[next[rank[one.shown]]++] = std::move(one);
    series.swap(ordered);
  }

  // Some series is not shown as it is stored: its few labels do not tell what it is merged with.
  bool met_special() const { return met_special_; }

 private:
  static constexpr uint32_t kRejected = UINT32_MAX;

  uint32_t Create(std::string_view row) {
    Result<SeriesIdentity> identity = DecodeIdentity(row);
    if (!identity.ok()) return kRejected;
    Selection::Series series;
    series.policy = identity->policy;
    const PolicyInfo* policy = catalog_.Find(series.policy);
    bool ordinary = IsOrdinary(identity->unit, policy);
    for (const Label& label : identity->labels) ordinary = ordinary && IsOrdinaryName(label.name);
    met_special_ = met_special_ || !ordinary;
    series.labels = ordinary || request_.view == View::kStored
                        ? std::move(identity->labels)
                        : ShowLabels(identity->labels, policy, request_.view);
    if (check_shown_ && !ShownMatches(request_.scope, request_.matchers, series.labels)) {
      return kRejected;
    }
    if (rules_ != nullptr) {
      const Labels shown =
          request_.view == View::kStored
              ? ShowLabels(series.labels, catalog_.Find(series.policy), View::kPrometheus)
              : series.labels;
      series.kept_since_ns = rules_->KeptSince(shown, now_ns_);
    }
    selection_->series().push_back(std::move(series));
    return static_cast<uint32_t>(selection_->series().size() - 1);
  }

  static bool IsOrdinary(TimeUnit unit, const PolicyInfo* policy) {
    return unit == TimeUnit::kMilliseconds &&
           (policy == nullptr || (policy->db_label().empty() && policy->rp_label().empty()));
  }

  // A series that shows the labels of `label_names_` only. Many share them, so they are made once.
  uint32_t CreateFew(std::string_view row) {
    if (met_special_) return kRejected;  // all of it is made anew
    Selection::Series series;
    TimeUnit unit = TimeUnit::kMilliseconds;
    std::string_view labels;
    if (!SplitIdentity(row, &series.policy, &unit, &labels)) return kRejected;
    const std::string_view all_labels = labels;
    if (!has_policy_ || series.policy.value != policy_.value) {
      policy_ = series.policy;
      has_policy_ = true;
      policy_is_ordinary_ = IsOrdinary(TimeUnit::kMilliseconds, catalog_.Find(policy_));
    }
    key_.clear();
    size_t next = 0;
    while (!labels.empty()) {
      const std::string_view rest = labels;
      std::string_view name;
      std::string_view value;
      if (!GetBytes(&labels, &name) || !GetBytes(&labels, &value)) return kRejected;
      if (!IsOrdinaryName(name)) met_special_ = true;
      for (; next < label_names_->size(); ++next) {
        const int order = name.compare((*label_names_)[next]);
        if (order < 0) break;
        if (order == 0) key_.append(rest.substr(0, rest.size() - labels.size()));
      }
    }
    if (unit != TimeUnit::kMilliseconds || !policy_is_ordinary_) met_special_ = true;
    if (met_special_) return kRejected;
    series.shown = Shown(all_labels);
    if (series.shown == kRejected) return kRejected;
    selection_->series().push_back(std::move(series));
    return static_cast<uint32_t>(selection_->series().size() - 1);
  }

  // The label set that key_ encodes, for a series of `all_labels`.
  uint32_t Shown(std::string_view all_labels) {
    if (key_ != last_key_ || firsts_.empty()) {
      const auto [found, is_new] = by_shown_.try_emplace(HashBytes128(key_, 0), kRejected);
      if (is_new) {
        Result<Labels> labels = DecodeLabels(key_);
        if (!labels.ok()) return kRejected;
        found->second = static_cast<uint32_t>(firsts_.size());
        selection_->shown().push_back(*std::move(labels));
        firsts_.emplace_back(all_labels);
      }
      last_key_ = key_;
      last_shown_ = found->second;
    }
    std::string& first = firsts_[last_shown_];
    if (EncodedLabelsLess(all_labels, first)) first = all_labels;
    return last_shown_;
  }

  const SelectRequest& request_;
  const CatalogState& catalog_;
  const std::vector<std::string>* const label_names_;
  const bool by_rows_;
  const RetentionRules* const rules_;
  const int64_t now_ns_;
  Selection* selection_;
  const bool check_shown_;
  bool met_special_ = false;
  std::unordered_map<Hash128, uint32_t> by_identity_;  // into the selection's series
  std::unordered_map<Hash128, uint32_t> by_shown_;     // into its shown labels
  PolicyId policy_;
  bool has_policy_ = false;
  bool policy_is_ordinary_ = false;
  std::string key_;
  std::string last_key_;
  uint32_t last_shown_ = 0;
  std::vector<std::string> firsts_;  // of those that show the same, the first by all labels
};

Result<std::unique_ptr<SeriesSelection>> Engine::Select(const SelectRequest& request,
                                                        const CancelToken& cancel) const {
  ASSIGN_OR_RETURN(auto selection, Collect(request, {}, cancel));
  return std::unique_ptr<SeriesSelection>(std::move(selection));
}

Result<std::unique_ptr<LatestSelection>> Engine::SelectLatest(const LatestRequest& request,
                                                              const CancelToken& cancel) const {
  Wanted wanted;
  wanted.last_only = request.last_only;
  if (request.label_names.has_value() &&
      !NeedsShownCheck(request.select.scope, request.select.view, request.select.matchers)) {
    wanted.label_names = &*request.label_names;
  }
  ASSIGN_OR_RETURN(auto selection, Collect(request.select, wanted, cancel));
  return std::unique_ptr<LatestSelection>(std::move(selection));
}

Result<std::unique_ptr<Selection>> Engine::Collect(const SelectRequest& request, Wanted wanted,
                                                   const CancelToken& cancel) const {
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsInNs(request, &min_ns, &max_ns);
  const auto catalog = catalog_.state();
  const auto rules = retention_rules();
  const int64_t now_ns = options_.clock->NowNs();
  const bool rules_matter = rules->Reach(min_ns, now_ns);
  for (;;) {
    const std::vector<PartitionSnapshot> snapshots = Snapshots(min_ns, max_ns);
    const bool one_day = snapshots.size() == 1;
    if (rules_matter) wanted = {};
    auto selection =
        std::make_unique<Selection>(store_.get(), &pool_, &metrics_, request.view, min_ns, max_ns);
    SelectionBuilder builder(request, *catalog, wanted.label_names, one_day,
                             rules_matter ? rules.get() : nullptr, now_ns, selection.get());
    for (const PartitionSnapshot& snapshot : snapshots) {
      RETURN_IF_ERROR(cancel.Check());
      const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents, &label_rows_);
      ASSIGN_OR_RETURN(Postings matched, MatchPartition(index, *catalog, request.scope,
                                                        request.view, request.matchers, cancel));
      if (!snapshot.version->dead.empty()) matched -= DeadSeries(*snapshot.version, matched);
      SelectedPartition partition;
      partition.ended = EndedSeries(*snapshot.version, min_ns, matched);
      matched -= partition.ended;
      if (matched.empty() && partition.ended.empty()) continue;
      partition.version = snapshot.version;
      partition.ids = matched.ToVector();
      if (one_day) selection->series().reserve(partition.ids.size());
      const uint32_t number = static_cast<uint32_t>(selection->partitions().size());
      const int64_t day_end_ns = DayEndNs(snapshot.version->key.day);
      RETURN_IF_ERROR(
          index.ForEachIdentity(partition.ids, cancel, [&](size_t position, std::string_view row) {
            builder.Add(number, day_end_ns, static_cast<uint32_t>(position), row);
          }));
      selection->partitions().push_back(std::move(partition));
    }
    builder.Finish();
    RETURN_IF_ERROR(cancel.Check());
    if (wanted.label_names != nullptr && builder.met_special()) {
      wanted = {};
      continue;
    }
    if (wanted.label_names != nullptr) {
      builder.OrderByShown();
    } else {
      selection->Finish(request.limit);
    }
    selection->set_last_only(wanted.last_only && !builder.met_special() &&
                             selection->merged_series() == 0);
    if (CaptureHead(request.labels_only, min_ns, selection.get())) return selection;
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

namespace {

// Whether the head's last sample of a series is the last in the selection's time range, too.
bool KnowsLatest(const Partition& partition, const Selection& selection, uint32_t id,
                 LatestSample* latest) {
  FloatSample last;
  if (!partition.FindLatest(id, &last) || last.timestamp > selection.max_ms()) return false;
  const bool in_range = last.timestamp >= selection.min_ms();
  *latest = {in_range ? LatestSample::State::kFloat : LatestSample::State::kNone, last.timestamp,
             last.value};
  return true;
}

}  // namespace

// Those of `among` that the head knows to have no sample at `min_ns` or later, as jobs leave behind
// when they restart: their labels need not be read.
Postings Engine::EndedSeries(const PartitionVersion& version, int64_t min_ns,
                             const Postings& among) const {
  if (min_ns <= ToNanoseconds(version.key.day * kDayMs, TimeUnit::kMilliseconds)) return {};
  std::vector<uint32_t> ended;
  const MutexLock lock(head_mutex_);
  const auto found = partitions_.find(version.key.day);
  if (found == partitions_.end() || found->second->key() != version.key) return {};
  const Partition& partition = *found->second;
  if (partition.evicted()) return {};
  among.ForEach([&](uint32_t id) {
    if (partition.EndedBefore(id, min_ns)) ended.push_back(id);
  });
  return Postings(ended);
}

// Those of which the rules keep nothing in the partition.
Result<Postings> Engine::ExpiredSeries(const PartitionIndex& index) const {
  return retention_rules()->Expired(index, *catalog_.state(), DayEndNs(index.version().key.day),
                                    options_.clock->NowNs());
}

// What the head holds of every selected series, at one moment: no batch is seen by half. False when
// a partition was renumbered or an ended series went on meanwhile and the selection has to be made
// again.
bool Engine::CaptureHead(bool labels_only, int64_t min_ns, Selection* selection) const {
  const MutexLock lock(head_mutex_);
  const bool one_day = selection->partitions().size() == 1;
  for (SelectedPartition& selected : selection->partitions()) {
    const auto found = partitions_.find(selected.version->key.day);
    if (found == partitions_.end()) continue;  // aged out meanwhile
    const Partition& partition = *found->second;
    if (partition.key() != selected.version->key) return false;
    bool all_ended = true;
    selected.ended.ForEach(
        [&](uint32_t id) { all_ended = all_ended && partition.EndedBefore(id, min_ns); });
    if (!all_ended) return false;
    selected.version = partition.version();
    if (labels_only || partition.evicted()) continue;
    selected.capture_of.assign(selected.ids.size(), SelectedPartition::kNoCapture);
    if (selection->last_only()) selected.latest.resize(selected.ids.size());
    ChainCapture capture;
    for (size_t i = 0; i < selected.ids.size(); ++i) {
      if (i + 8 < selected.ids.size()) partition.PrefetchById(selected.ids[i + 8]);
      if (selection->last_only() &&
          KnowsLatest(partition, *selection, selected.ids[i], &selected.latest[i]) && one_day) {
        continue;  // of several days another may not know its last
      }
      if (!partition.Capture(selected.ids[i], &capture)) continue;
      selected.capture_of[i] = static_cast<uint32_t>(selected.captures.size());
      selected.captures.push_back(capture);
    }
  }
  selection->set_pin(pin_);
  return true;
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
    const int64_t kept_since_ns = retention_rules()->KeptSince(
        ShowLabels(entry.series, policy, View::kPrometheus), options_.clock->NowNs());
    if (ToNanoseconds(entry.exemplar.timestamp_ms, TimeUnit::kMilliseconds) < kept_since_ns) {
      continue;
    }
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
