// What operators and APIs ask for: deletes, compaction, snapshots, cardinality.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <utility>

#include "storage/engine_impl.h"
#include "storage/select/partition_index.h"

namespace tsdb::storage {
namespace {

void BoundsOf(const DeleteRequest& request, int64_t* min_ns, int64_t* max_ns) {
  *min_ns = request.min_time;
  *max_ns = request.max_time;
  if (request.view == View::kStored) return;
  MillisecondsInNs(request.min_time, request.max_time, min_ns, max_ns);
}

bool CoversDay(int32_t day, int64_t min_ns, int64_t max_ns) {
  return min_ns <= ToNanoseconds(day * kDayMs, TimeUnit::kMilliseconds) &&
         max_ns >= ToNanoseconds((day + 1) * kDayMs - 1, TimeUnit::kMilliseconds);
}

void KeepLargest(size_t limit, std::vector<Cardinality::Item>* items) {
  const auto larger = [](const Cardinality::Item& a, const Cardinality::Item& b) {
    return a.count != b.count ? a.count > b.count : a.name < b.name;
  };
  const size_t kept = std::min(limit == 0 ? items->size() : limit, items->size());
  std::partial_sort(items->begin(), items->begin() + static_cast<ptrdiff_t>(kept), items->end(),
                    larger);
  items->resize(kept);
}

}  // namespace

Result<DeleteReport> Engine::CountDeleted(const DeleteRequest& request) const {
  DeleteReport report;
  uint64_t stored = 0;
  for (const auto& version : Versions()) {
    for (const Segment& segment : version->segments) stored += segment.sample_count;
  }
  for (const Matchers& selector : request.selectors) {
    SelectRequest select;
    select.scope = request.scope;
    select.view = request.view;
    select.matchers = selector;
    select.min_time = request.min_time;
    select.max_time = request.max_time;
    const CancelToken never;
    ASSIGN_OR_RETURN(const auto selection, Select(select, never));
    SampleBlock block;
    for (size_t i = 0; i < selection->size(); ++i) {
      uint64_t samples = 0;
      const auto cursor = selection->Open(i);
      for (;;) {
        const Result<bool> more = cursor->Next(&block);
        if (!more.ok()) continue;  // damage costs itself
        if (!*more) break;
        samples += block.size();
      }
      report.samples += samples;
      if (samples > 0) ++report.series;
    }
  }
  // What nothing is known of yet is taken for the journal's usual bytes a sample.
  const double bytes_per_sample =
      stored == 0
          ? 3
          : static_cast<double>(store_->TableBytes(Family::kChunks)) / static_cast<double>(stored);
  report.size_bytes = static_cast<uint64_t>(static_cast<double>(report.samples) * bytes_per_sample);
  return report;
}

void Engine::SetRetentionRules(std::vector<RetentionRule> rules) {
  const MutexLock lock(rules_mutex_);
  retention_rules_ = std::make_shared<const RetentionRules>(std::move(rules));
}

std::shared_ptr<const RetentionRules> Engine::retention_rules() const {
  const MutexLock lock(rules_mutex_);
  return retention_rules_;
}

void Engine::SetDownsamplingRules(std::vector<DownsamplingRule> rules) {
  const MutexLock lock(rules_mutex_);
  downsampling_rules_ = std::make_shared<const DownsamplingRules>(std::move(rules));
}

std::shared_ptr<const DownsamplingRules> Engine::downsampling_rules() const {
  const MutexLock lock(rules_mutex_);
  return downsampling_rules_;
}

// Everything in the head becomes segments first, so that a tombstone has a border: what is in
// segments up to now is deleted, what is appended later is not.
Result<DeleteReport> Engine::Delete(const DeleteRequest& request) {
  if (request.dry_run) return CountDeleted(request);
  DeleteReport report;
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  BoundsOf(request, &min_ns, &max_ns);
  const CancelToken never;
  std::unordered_set<Hash128> deleted;  // identities, as a series is in many partitions
  const MutexLock lock(maintenance_mutex_);
  RETURN_IF_ERROR(CheckpointLocked());
  const auto catalog = catalog_.state();
  for (const PartitionSnapshot& snapshot : Snapshots(min_ns, max_ns)) {
    const PartitionIndex index(store_.get(), snapshot.version, {});
    Tombstone tombstone;
    for (const Matchers& selector : request.selectors) {
      ASSIGN_OR_RETURN(const Postings matched, MatchPartition(index, *catalog, request.scope,
                                                              request.view, selector, never));
      tombstone.series |= matched;
    }
    tombstone.series -= snapshot.version->dead;
    if (tombstone.series.empty()) continue;
    RETURN_IF_ERROR(index.ForEachIdentity(tombstone.series.ToVector(), never,
                                          [&](size_t, std::string_view row) {
                                            if (deleted.insert(HashBytes128(row, 0)).second)
                                              ++report.series;
                                          }));
    const int32_t day = snapshot.version->key.day;
    auto next = std::make_shared<PartitionVersion>(*VersionOf(day));
    tombstone.last_segment = next_segment_ - 1;
    tombstone.min_time_ns = min_ns;
    tombstone.max_time_ns = max_ns;
    if (CoversDay(day, min_ns, max_ns)) next->dead |= tombstone.series;
    ForgetLast(day, tombstone.series);
    next->tombstones.push_back(std::move(tombstone));
    RETURN_IF_ERROR(PublishVersion(std::move(next), {}));
  }
  RETURN_IF_ERROR(DropFieldTypes(request));
  return report;
}

// The same sample once more is not "there already" any longer. Before the tombstone is seen: until
// then a sample that is written again is one more in the head, behind the border.
void Engine::ForgetLast(int32_t day, const Postings& series) {
  const MutexLock lock(head_mutex_);
  Partition* partition = partitions_.at(day).get();
  series.ForEach([&](uint32_t id) {
    if (SeriesRecord* record = partition->FindRecord(id)) {
      record->flags |= SeriesRecord::kOverwritten | SeriesRecord::kUntyped;
    }
  });
}

// A write beside it counts as one that came after: its series is in the selection, or its claim has
// been noted.
Status Engine::DropFieldTypes(const DeleteRequest& request) {
  if (!request.forget_field_types) return Status::Ok();
  const CancelToken never;
  bool dropped = false;
  for (const Matchers& selector : request.selectors) {
    for (const Matcher& matcher : selector) {
      if (matcher.name() != kMeasurementLabel || matcher.type() != MatchType::kEqual) continue;
      {
        const MutexLock lock(head_mutex_);
        field_types_.Watch(matcher.value());
      }
      SelectRequest left;
      left.scope = request.scope;
      left.scope.required.clear();  // what the user does not see is there
      left.view = View::kStored;
      left.matchers = {matcher};
      left.labels_only = true;
      const auto selection = Select(left, never);
      const MutexLock lock(head_mutex_);
      Status status = selection.status();
      if (status.ok())
        status = DropFieldTypesOf(matcher.value(), request.scope, **selection, &dropped);
      field_types_.EndWatch();
      RETURN_IF_ERROR(status);
    }
  }
  return dropped ? store_->SyncLog() : Status::Ok();
}

// Of the policies that have no series left. The rows go before the lock is given back, since who
// claims a type then must not find them; they are synced by the caller.
Status Engine::DropFieldTypesOf(const std::string& measurement, const Scope& scope,
                                const SeriesSelection& left, bool* dropped) {
  std::unordered_set<uint32_t> kept;
  for (size_t i = 0; i < left.size(); ++i) kept.insert(left.policy(i).value);
  StoreBatch batch;
  const auto catalog = catalog_.state();
  for (const auto& [id, policy] : catalog->policies) {
    const bool in_scope = scope.all || std::find(scope.policies.begin(), scope.policies.end(),
                                                 PolicyId{id}) != scope.policies.end();
    if (!in_scope || kept.contains(id) || field_types_.IsUsed(PolicyId{id})) continue;
    RETURN_IF_ERROR(field_types_.Drop(PolicyId{id}, measurement, INT64_MAX, &batch));
  }
  if (batch.empty()) return Status::Ok();
  *dropped = true;
  return store_->Write(batch, /*sync=*/false);
}

// Whether rewriting the partition as a whole would change nothing.
Result<bool> Engine::IsFinal(const PartitionVersion& version) const {
  if (version.segments.empty()) return true;
  if (version.segments.size() > 1 || !version.tombstones.empty() ||
      version.segments[0].kind != SegmentKind::kBest) {
    return false;
  }
  const uint64_t in_force =
      downsampling_rules()->InForce(DayEndNs(version.key.day), options_.clock->NowNs());
  if (in_force != 0 && version.segments[0].downsampling != in_force) return false;
  // Samples of policies that exist no more are left out by a rewrite, which makes them dead.
  const auto catalog = catalog_.state();
  const PartitionIndex index(store_.get(), std::make_shared<const PartitionVersion>(version), {});
  bool is_final = true;
  RETURN_IF_ERROR(index.ForEachValue(
      kPolicyPair, {},
      [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
        PolicyId id;
        if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
        if (catalog->Find(id) != nullptr) return true;
        ASSIGN_OR_RETURN(const Postings series, loader.Load());
        if (!(series - version.dead).empty()) is_final = false;
        return is_final;
      }));
  return is_final;
}

Status Engine::Compact() {
  const MutexLock lock(maintenance_mutex_);
  RETURN_IF_ERROR(CheckpointLocked());
  RETURN_IF_ERROR(ApplyRetention());
  for (const auto& version : Versions()) {
    ASSIGN_OR_RETURN(const bool is_final, IsFinal(*version));
    if (is_final) continue;
    RETURN_IF_ERROR(RewriteSegments(version->key.day, 0, version->segments.size(), Effort::kBest));
  }
  PurgeDropped();
  RETURN_IF_ERROR(DropOrphans());
  for (int i = 0; i < kFamilyCount; ++i) {
    const Family family = static_cast<Family>(i);
    RETURN_IF_ERROR(store_->Flush(family));
    RETURN_IF_ERROR(store_->CompactFamily(family));
  }
  EvictIdle();
  UpdateGauges();
  return Status::Ok();
}

Status Engine::Snapshot(const std::string& directory) {
  const MutexLock lock(maintenance_mutex_);
  RETURN_IF_ERROR(CheckpointLocked());
  return store_->Checkpoint(directory);
}

Result<VerifyReport> Engine::Verify() const {
  VerifyReport report;
  for (const Status& status : store_->Verify(&report.files)) {
    report.damaged.push_back(status.ToString());
  }
  SelectRequest everything;
  everything.view = View::kStored;
  const CancelToken never;
  const auto selection = Select(everything, never);
  if (!selection.ok()) {
    report.damaged.push_back(selection.status().ToString());
    return report;
  }
  SampleBlock block;
  for (size_t i = 0; i < (*selection)->size(); ++i) {
    ++report.series;
    const auto cursor = (*selection)->Open(i);
    for (;;) {
      const Result<bool> more = cursor->Next(&block);
      if (more.ok() && !*more) break;
      if (more.ok()) {
        report.samples += block.size();
      } else if (report.damaged.size() < VerifyReport::kMaxDamaged) {
        report.damaged.push_back(more.status().ToString());
      }
    }
  }
  return report;
}

std::string Engine::CulpritOf(int32_t day, PolicyId policy, const std::string& metric) const {
  const int64_t start_ns = ToNanoseconds(day * kDayMs, TimeUnit::kMilliseconds);
  for (const PartitionSnapshot& snapshot : Snapshots(start_ns, start_ns)) {
    const PartitionIndex index(store_.get(), snapshot.version, snapshot.recents);
    Scope scope;
    scope.all = false;
    scope.policies = {policy};
    Matchers matchers;
    if (!metric.empty()) matchers.emplace_back(MatchType::kEqual, std::string(kMetricName), metric);
    const CancelToken never;
    const Result<Postings> series =
        MatchPartition(index, *catalog_.state(), scope, View::kStored, matchers, never);
    if (!series.ok()) return "";
    std::set<std::string, std::less<>> names;
    (void)index.ForEachName([&](std::string_view name) {
      if (!IsHiddenLabel(name) && name != kPolicyPair) names.emplace(name);
      return true;
    });
    std::string worst;
    uint64_t most = 0;
    for (const std::string& name : names) {
      uint64_t count = 0;
      (void)index.ForEachValue(
          name, {}, [&](std::string_view, const IndexReader::Loader& loader) -> Result<bool> {
            const Result<Postings> with = loader.Load();
            if (with.ok() && with->Intersects(*series)) ++count;
            return true;
          });
      if (count <= most) continue;
      most = count;
      worst = name;
    }
    if (most > 1) {
      return "; its label \"" + worst + "\" has " + std::to_string(most) + " values";
    }
  }
  return "";
}

Cardinality Engine::GetCardinality(size_t limit) const {
  Cardinality result;
  result.min_time_ms = INT64_MAX;
  result.max_time_ms = INT64_MIN;
  PartitionSnapshot newest;
  {
    const MutexLock lock(head_mutex_);
    result.active_series = active_series_;
    result.head_chunks = pool_.used_blocks();
    for (const auto& [day, partition] : partitions_) {
      for (const Segment& segment : partition->version()->segments) {
        result.min_time_ms = std::min(result.min_time_ms, segment.min_time_ms);
        result.max_time_ms = std::max(result.max_time_ms, segment.max_time_ms);
      }
      result.min_time_ms =
          std::min({result.min_time_ms, partition->min_time_ms, partition->frozen_min_ms});
      result.max_time_ms =
          std::max({result.max_time_ms, partition->max_time_ms, partition->frozen_max_ms});
      if (partition->next_id() > 0) newest = {partition->version(), partition->recents()};
    }
  }
  if (result.min_time_ms > result.max_time_ms) result.min_time_ms = result.max_time_ms = 0;
  if (newest.version == nullptr) return result;
  const PartitionIndex index(store_.get(), newest.version, newest.recents);
  const Postings dead = DeadSeries(*newest.version, newest.version->dead);
  std::map<std::string, bool> names;
  (void)index.ForEachName([&](std::string_view name) {
    if (!IsHiddenLabel(name)) names.emplace(name, true);
    return true;
  });
  for (const auto& [name, unused] : names) {
    std::unordered_map<std::string, uint64_t> values;
    // A damaged row is left out of the statistics.
    (void)index.ForEachValue(
        name, {}, [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
          const Result<Postings> series = loader.Load();
          const uint64_t alive = series.ok() ? (*series - dead).size() : 0;
          if (alive > 0) values[std::string(value)] += alive;
          return true;
        });
    if (values.empty()) continue;
    result.label_pairs += values.size();
    uint64_t bytes = 0;
    for (const auto& [value, count] : values) {
      bytes += (name.size() + value.size()) * count;
      if (name == kMetricName) result.series_by_metric.push_back({value, count});
      result.series_by_label_pair.push_back({name + "=" + value, count});
    }
    result.values_by_label.push_back({name, values.size()});
    result.bytes_by_label.push_back({name, bytes});
    KeepLargest(limit == 0 ? 1000 : limit, &result.series_by_label_pair);
  }
  KeepLargest(limit, &result.series_by_metric);
  KeepLargest(limit, &result.values_by_label);
  KeepLargest(limit, &result.bytes_by_label);
  return result;
}

}  // namespace tsdb::storage
