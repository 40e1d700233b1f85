// The way of a batch into the store: hash what the client sent, find or create the series, journal
// and apply the samples in one order under the head's lock, then wait for the group commit.
#include <algorithm>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/duration.h"
#include "base/log.h"
#include "base/text.h"
#include "model/histogram_check.h"
#include "storage/engine_impl.h"
#include "storage/head/histogram_codec.h"
#include "storage/rocks/key_layout.h"
#include "storage/select/partition_index.h"

namespace tsdb::storage {

// Points of one series that lie in one day and are to be stored.
struct Engine::Run {
  uint32_t series = 0;
  uint32_t first_point = 0;
  uint32_t point_count = 0;
  int32_t day = 0;
  uint32_t id = SeriesTable::kNone;
  uint32_t pending = UINT32_MAX;  // into AppendScratch::pending
  bool refused = false;
};

// A series that was decoded because the head did not know it or its type had to be checked.
struct Engine::PendingSeries {
  uint32_t run = 0;
  int32_t day = 0;
  uint64_t disk_token = 0;
  Status status;
  Labels labels;
  Hash128 canonical;
  uint32_t disk_id = SeriesTable::kNone;
};

// One per thread, so that an append allocates nothing in the common case.
struct Engine::AppendScratch {
  std::vector<Hash128> hashes;
  std::vector<Run> runs;
  std::vector<PendingSeries> pending;
  std::vector<uint32_t> unresolved;
  std::vector<AppendReport::Rejection> rejections;
  std::vector<int64_t> starts;          // by point, when the batch has any
  std::vector<std::string> histograms;  // encoded, by index
  std::set<int64_t> torn_groups;        // shard groups in which the batch gave a field two types
  CommitQueue::Request request;
  AppendReport report;
  PolicyInfo policy;
  PolicyId policy_id;
  uint64_t out_of_order = 0;
  uint64_t duplicates = 0;
  int32_t limited_day = 0;  // of the first series that met its budget, when there was one
  bool is_limited = false;
  std::string limited_metric;

  void Clear() {
    is_limited = false;
    hashes.clear();
    runs.clear();
    pending.clear();
    unresolved.clear();
    rejections.clear();
    starts.clear();
    torn_groups.clear();
    request = {};
    report = {};
    out_of_order = duplicates = 0;
  }
  void Reject(uint32_t series, uint32_t count, AppendVerdict verdict, std::string reason) {
    report.rejected_points += count;
    for (auto it = rejections.rbegin(); it != rejections.rend() && it->series_index == series;
         ++it) {
      it->point_count += count;
      return;
    }
    if (rejections.size() >= AppendReport::kMaxReasons) reason.clear();
    rejections.push_back({series, count, verdict, std::move(reason)});
  }
};

namespace {

// The series as its owner knows it, for messages.
std::string ShownSeries(const PolicyInfo& policy, const Labels& labels) {
  return ShowLabels(labels, &policy, View::kPrometheus).ToString();
}

constexpr int64_t kMaxTimeMs = 9'200'000'000'000;  // what milliseconds and nanoseconds can both say

// Points before and after which are refused, in the batch's unit.
struct TimeLimits {
  int64_t oldest;
  int64_t newest;
};

TimeLimits LimitsOf(const WriteBatch& batch, const PolicyInfo& policy,
                    const EngineOptions& options) {
  const bool is_ms = batch.unit == TimeUnit::kMilliseconds;
  TimeLimits limits{is_ms ? -kMaxTimeMs : INT64_MIN + 1, is_ms ? kMaxTimeMs : INT64_MAX - 1};
  const int64_t now_ns = options.clock->NowNs();
  if (policy.duration_ns > 0) {
    const int64_t oldest_ns = now_ns - policy.duration_ns;
    limits.oldest = std::max(limits.oldest,
                             is_ms ? ToMilliseconds(oldest_ns, TimeUnit::kNanoseconds) : oldest_ns);
  }
  if (is_ms && options.limits.max_future_ms > 0) {
    limits.newest = std::min(limits.newest, now_ns / 1'000'000 + options.limits.max_future_ms);
  }
  return limits;
}

// Why `time`, which is not within `limits`, is refused.
std::string OutOfLimits(int64_t time, TimeUnit unit, const TimeLimits& limits,
                        const PolicyInfo& policy) {
  if (time < limits.oldest && policy.duration_ns > 0) {
    return "sample is older than what retention policy \"" + policy.name + "\" of database \"" +
           policy.database_name + "\" keeps";
  }
  const int64_t bound_ms =
      ToMilliseconds(time < limits.oldest ? limits.oldest : limits.newest, unit);
  if (time < limits.oldest) {
    return "sample is out of bounds: earlier than " + FormatRfc3339Ms(bound_ms);
  }
  return bound_ms < kMaxTimeMs ? "sample is too far in the future"
                               : "sample is out of bounds: later than " + FormatRfc3339Ms(bound_ms);
}

// The shard group of a point.
int64_t GroupOf(const WriteBatch& batch, const PolicyInfo& policy, uint32_t point) {
  return ShardGroupStart(ToNanoseconds(batch.points[point].timestamp, batch.unit),
                         std::max<int64_t>(policy.shard_group_duration_ns, 1));
}

uint64_t Mix(uint64_t a, uint64_t b) {
  const unsigned __int128 product =
      static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ULL) * (b ^ 0xc2b2ae3d27d4eb4fULL);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Hashes of the bytes that a batch names its series by.
class RawHasher {
 public:
  // Policy, encoding and unit are part of the identity: the same bytes elsewhere are another
  // series.
  RawHasher(uint64_t secret, const WriteBatch& batch)
      : hash_(Mix(secret, uint64_t{batch.policy.value} << 16 |
                              static_cast<uint64_t>(batch.encoding) << 8 |
                              static_cast<uint64_t>(batch.unit))),
        field_hash_(secret),
        has_fields_(batch.encoding == SeriesEncoding::kInfluxPoint) {}

  Hash128 operator()(const WriteBatch::Series& series) {
    if (!has_fields_) return hash_(series.bytes);
    if (series.bytes.data() != line_start_) {
      line_ = hash_(series.bytes);
      line_start_ = series.bytes.data();
    }
    const Hash128 field = field_hash_(series.field);
    return {line_.high + field.high * 0x9e3779b97f4a7c15ULL, line_.low ^ (field.low + line_.high)};
  }

 private:
  const SeededHash128 hash_;
  const SeededHash128 field_hash_;
  const bool has_fields_;
  Hash128 line_;
  const char* line_start_ = nullptr;
};

std::string TypeConflictReason(const Labels& labels, ValueType type, ValueType existing) {
  std::string reason = "field type conflict: input field \"";
  reason += labels.Get(kFieldLabel);
  reason += "\" on measurement \"";
  reason += labels.Get(kMeasurementLabel);
  reason += "\" is type ";
  reason += FieldTypeName(type);
  reason += ", already exists as type ";
  reason += FieldTypeName(existing);
  return reason;
}

}  // namespace

Hash128 Engine::CanonicalHash(PolicyId policy, TimeUnit unit, const Labels& labels) const {
  static thread_local std::string identity;
  identity.clear();
  AppendIdentity(policy, unit, labels, &identity);
  return HashBytes128(identity, ~secret_);
}

Partition* Engine::PartitionOf(int32_t day) {
  auto& slot = partitions_[day];
  if (slot == nullptr) {
    auto version = std::make_shared<PartitionVersion>();
    version->key.day = day;
    slot = std::make_unique<Partition>(std::move(version), &pool_);
  }
  return slot.get();
}

Result<AppendReport> Engine::Append(const WriteBatch& batch) {
  static thread_local AppendScratch scratch;
  scratch.Clear();
  if (read_only_.load(std::memory_order_relaxed)) {
    const MutexLock lock(read_only_mutex_);
    return ResourceExhausted("storage is read-only: " + read_only_reason_);
  }
  {
    const auto state = catalog_.state();
    const PolicyInfo* policy = state->Find(batch.policy);
    if (policy == nullptr) {
      return NotFound("retention policy with id " + std::to_string(batch.policy.value) +
                      " not found");
    }
    scratch.policy = *policy;
    scratch.policy_id = batch.policy;
  }
  CutRuns(batch, scratch.policy, &scratch);
  RETURN_IF_ERROR(WaitForRoom());
  for (;;) {
    {
      const MutexLock lock(head_mutex_);
      if (Resolve(batch, &scratch)) {
        WriteRuns(batch, &scratch);
        commits_.Enqueue(&scratch.request);
        break;
      }
    }
    RETURN_IF_ERROR(PreparePending(batch, &scratch));
  }
  RETURN_IF_ERROR(commits_.Wait(&scratch.request));
  NameCulprit(&scratch);
  AppendReport& report = scratch.report;
  std::sort(scratch.rejections.begin(), scratch.rejections.end(),
            [](const auto& a, const auto& b) { return a.series_index < b.series_index; });
  for (const auto& rejection : scratch.rejections) {
    metrics_.samples[static_cast<size_t>(rejection.verdict)]->Increment(rejection.point_count);
  }
  report.rejections = std::move(scratch.rejections);
  metrics_.samples[0]->Increment(report.stored_points);
  metrics_.new_series->Increment(report.new_series);
  if (scratch.out_of_order != 0) metrics_.out_of_order_samples->Increment(scratch.out_of_order);
  if (scratch.duplicates != 0) metrics_.duplicate_samples->Increment(scratch.duplicates);
  return std::move(report);
}

void Engine::CutRuns(const WriteBatch& batch, const PolicyInfo& policy,
                     AppendScratch* scratch) const {
  const TimeLimits limits = LimitsOf(batch, policy, options_);
  scratch->hashes.resize(batch.series.size());
  scratch->runs.reserve(batch.series.size());
  RawHasher raw_hash(secret_, batch);
  bool one_day = true;
  int32_t day = 0;
  int64_t day_first = 1;  // an empty range: no day yet
  int64_t day_last = 0;
  for (uint32_t s = 0; s < batch.series.size(); ++s) {
    const WriteBatch::Series& series = batch.series[s];
    scratch->hashes[s] = raw_hash(series);
    Run run;
    run.series = s;
    const auto flush = [&] {
      if (run.point_count > 0) scratch->runs.push_back(run);
      run.point_count = 0;
    };
    for (uint32_t p = series.first_point; p < series.first_point + series.point_count; ++p) {
      const int64_t time = batch.points[p].timestamp;
      if (time < limits.oldest || time > limits.newest) [[unlikely]] {
        flush();
        const bool too_old = time < limits.oldest;
        scratch->Reject(s, 1, too_old ? AppendVerdict::kTooOld : AppendVerdict::kTooFarInFuture,
                        OutOfLimits(time, batch.unit, limits, policy));
        continue;
      }
      if (series.type == ValueType::kHistogram) {
        const Status valid = ValidateHistogram(*batch.histograms[batch.points[p].payload]);
        if (!valid.ok()) {
          flush();
          scratch->Reject(s, 1, AppendVerdict::kInvalidHistogram, valid.message());
          continue;
        }
      }
      if (time < day_first || time > day_last) {
        const int32_t next = DayOf(time, batch.unit);
        if (day_first <= day_last && next != day) one_day = false;
        day = next;
        day_first = DayStart(day, batch.unit);
        const int64_t length = batch.unit == TimeUnit::kMilliseconds ? kDayMs : kDayNs;
        day_last = day_first > INT64_MAX - length ? INT64_MAX : day_first + length - 1;
      }
      if (run.point_count > 0 && run.day != day) flush();
      if (run.point_count == 0) {
        run.first_point = p;
        run.day = day;
      }
      ++run.point_count;
    }
    flush();
  }
  if (!one_day) {
    std::stable_sort(scratch->runs.begin(), scratch->runs.end(),
                     [](const Run& a, const Run& b) { return a.day < b.day; });
  }
  if (!batch.start_times.empty()) {
    scratch->starts.assign(batch.points.size(), 0);
    for (const auto& start : batch.start_times) {
      if (start.point_index < batch.points.size()) {
        scratch->starts[start.point_index] = start.start_timestamp;
      }
    }
  }
  if (scratch->histograms.size() < batch.histograms.size()) {
    scratch->histograms.resize(batch.histograms.size());
  }
  for (size_t h = 0; h < batch.histograms.size(); ++h) {
    scratch->histograms[h].clear();
    EncodeHistogram(*batch.histograms[h], &scratch->histograms[h]);
  }
}

bool Engine::NeedsTypeCheck(const WriteBatch& batch, const PolicyInfo& policy, const Run& run,
                            const SeriesRecord* record) const {
  if (batch.encoding != SeriesEncoding::kInfluxPoint) return false;
  const ValueType type = batch.series[run.series].type;
  if (record == nullptr || (record->flags & SeriesRecord::kHasSamples) == 0) return true;
  if ((record->flags & SeriesRecord::kUntyped) != 0) return true;
  if (record->chunklet_type != ChunkletType(type, batch.unit)) return true;
  const int64_t length = policy.shard_group_duration_ns;
  if (length <= 0 || length % kDayNs == 0) return false;  // the day is within one group
  const int64_t known = ShardGroupStart(ToNanoseconds(record->last_time, batch.unit), length);
  for (uint32_t p = run.first_point; p < run.first_point + run.point_count; ++p) {
    const int64_t time_ns = ToNanoseconds(batch.points[p].timestamp, batch.unit);
    if (ShardGroupStart(time_ns, length) != known) return true;
  }
  return false;
}

// Finds every run's series. False when some must be decoded first (scratch->unresolved).
bool Engine::Resolve(const WriteBatch& batch, AppendScratch* scratch) {
  scratch->unresolved.clear();
  auto& runs = scratch->runs;
  constexpr size_t kAhead = 16;
  for (size_t begin = 0; begin < runs.size();) {
    Partition* partition = PartitionOf(runs[begin].day);
    size_t end = begin;
    while (end < runs.size() && runs[end].day == runs[begin].day) ++end;
    for (size_t i = begin; i < std::min(end, begin + kAhead); ++i) {
      partition->PrefetchSlot(scratch->hashes[runs[i].series]);
    }
    for (size_t i = begin; i < end; ++i) {
      if (i + kAhead < end) partition->PrefetchSlot(scratch->hashes[runs[i + kAhead].series]);
      if (i + kAhead / 2 < end) {
        partition->PrefetchRecord(scratch->hashes[runs[i + kAhead / 2].series]);
      }
      if (!ResolveRun(batch, scratch, partition, &runs[i])) {
        scratch->unresolved.push_back(static_cast<uint32_t>(i));
      }
    }
    begin = end;
  }
  return scratch->unresolved.empty();
}

bool Engine::ResolveRun(const WriteBatch& batch, AppendScratch* scratch, Partition* partition,
                        Run* run) {
  const Hash128 raw = scratch->hashes[run->series];
  run->id = partition->FindRaw(raw);
  const SeriesRecord* record = nullptr;
  if (run->id != SeriesTable::kNone) {
    record = partition->FindRecord(run->id);
    if (!NeedsTypeCheck(batch, scratch->policy, *run, record)) {
      if (record != nullptr) partition->PrefetchTail(*record);
      return true;
    }
  }
  if (run->pending == UINT32_MAX) return false;
  PendingSeries& pending = scratch->pending[run->pending];
  if (!pending.status.ok()) {
    run->refused = true;
    return true;
  }
  if (run->id == SeriesTable::kNone) run->id = partition->FindRecent(pending.canonical);
  if (run->id == SeriesTable::kNone) {
    if (pending.disk_token != disk_token_) return false;  // what was read may have moved
    run->id = pending.disk_id;
  }
  return true;
}

Status Engine::PreparePending(const WriteBatch& batch, AppendScratch* scratch) {
  uint64_t token = 0;
  std::map<int32_t, PartitionKey> keys;
  {
    const MutexLock lock(head_mutex_);
    token = disk_token_;
    for (const uint32_t r : scratch->unresolved) {
      const int32_t day = scratch->runs[r].day;
      if (!keys.contains(day)) keys.emplace(day, PartitionOf(day)->key());
    }
  }
  struct Lookup {
    PartitionKey partition;
    Hash128 canonical;
    uint32_t pending;
    bool operator<(const Lookup& other) const {  // as their keys
      return std::tie(partition, canonical) < std::tie(other.partition, other.canonical);
    }
  };
  std::vector<Lookup> lookups;
  lookups.reserve(scratch->unresolved.size());
  scratch->pending.reserve(scratch->pending.size() + scratch->unresolved.size());
  for (const uint32_t r : scratch->unresolved) {
    Run& run = scratch->runs[r];
    if (run.pending == UINT32_MAX) {
      run.pending = static_cast<uint32_t>(scratch->pending.size());
      PendingSeries& added = scratch->pending.emplace_back();
      added.run = r;
      added.day = run.day;
      const WriteBatch::Series& series = batch.series[run.series];
      CHECK(batch.decoder != nullptr);
      Result<Labels> labels = batch.decoder->Decode(series.bytes, series.field);
      if (labels.ok() && labels->empty())
        labels = InvalidArgument("a series needs at least one label");
      if (!labels.ok()) {
        added.status = labels.status();
        scratch->Reject(run.series, run.point_count, AppendVerdict::kInvalidLabels,
                        added.status.message());
        continue;
      }
      added.labels = *std::move(labels);
      added.canonical = CanonicalHash(batch.policy, batch.unit, added.labels);
    }
    PendingSeries& pending = scratch->pending[run.pending];
    if (!pending.status.ok()) continue;
    pending.disk_token = token;
    pending.disk_id = SeriesTable::kNone;
    lookups.push_back({keys.at(run.day), pending.canonical, run.pending});
  }
  std::sort(lookups.begin(), lookups.end());
  std::string text;  // the keys, one after the other
  text.reserve(lookups.size() * kHashKeySize);
  for (const Lookup& lookup : lookups) AppendHashKey(&text, lookup.partition, lookup.canonical);
  std::vector<std::string_view> sorted;
  sorted.reserve(lookups.size());
  for (size_t i = 0; i < lookups.size(); ++i) {
    sorted.push_back(std::string_view(text).substr(i * kHashKeySize, kHashKeySize));
  }
  Status found =
      store_->MultiGet(Family::kHashes, sorted, [&](size_t index, std::string_view value) {
        uint32_t id = 0;
        if (GetKey32(&value, &id)) scratch->pending[lookups[index].pending].disk_id = id;
      });
  if (found.code() != StatusCode::kDataLoss) return found;
  // Series whose row is lost go on under a new id; readers show what has the same labels as one.
  metrics_.damaged_chunks->Increment();
  LogError("part of the series index is damaged; its series are created again",
           {{"reason", found}});
  return Status::Ok();
}

Status Engine::CheckType(const WriteBatch& batch, AppendScratch* scratch,
                         const PendingSeries& pending, Run* run) {
  const WriteBatch::Series& series = batch.series[run->series];
  int64_t checked = 0;
  bool any = false;
  for (uint32_t p = run->first_point; p < run->first_point + run->point_count; ++p) {
    const int64_t group = GroupOf(batch, scratch->policy, p);
    if (any && group == checked) continue;
    any = true;
    checked = group;
    ASSIGN_OR_RETURN(
        const ValueType claimed,
        field_types_.Claim(batch.policy, group, pending.labels.Get(kMeasurementLabel),
                           pending.labels.Get(kFieldLabel), series.type, &scratch->request.batch));
    if (claimed == series.type) continue;
    scratch->Reject(run->series, run->point_count, AppendVerdict::kTypeConflict,
                    TypeConflictReason(pending.labels, series.type, claimed));
    run->refused = true;
    return Status::Ok();
  }
  return Status::Ok();
}

// InfluxDB drops a point as a whole when the type of one of its fields is another one. Types that
// lines before it have claimed count, be they of the same batch and of another day.
void Engine::CheckTypesOfLines(const WriteBatch& batch, AppendScratch* scratch) {
  if (scratch->pending.empty()) return;
  field_types_.BeginWrite();
  std::vector<Run*> runs;
  runs.reserve(scratch->runs.size());
  for (Run& run : scratch->runs) runs.push_back(&run);
  const auto is_before = [](const Run* a, const Run* b) { return a->series < b->series; };
  if (!std::is_sorted(runs.begin(), runs.end(), is_before)) {  // as they are when of one day
    std::stable_sort(runs.begin(), runs.end(), is_before);
  }
  const auto line_of = [&](const Run* run) { return batch.series[run->series].source_index; };
  for (size_t first = 0; first < runs.size();) {
    size_t last = first + 1;
    while (last < runs.size() && line_of(runs[last]) == line_of(runs[first])) ++last;
    const std::span<Run* const> line(&runs[first], last - first);
    first = last;
    Result<Run*> culprit = FindTypeConflict(batch, scratch, line);
    if (culprit.ok() && *culprit == nullptr) continue;
    if (culprit.ok()) {
      NameRefusedSeries(batch, PartitionOf((*culprit)->day), **culprit,
                        scratch->pending[(*culprit)->pending]);
    } else {
      LogError("field types cannot be read", {{"reason", culprit.status()}});
    }
    for (Run* run : line) {
      if (run->refused) continue;
      scratch->Reject(run->series, run->point_count, AppendVerdict::kTypeConflict,
                      culprit.ok() ? "" : culprit.status().message());
      run->refused = true;
    }
  }
}

// Claims the types of a line's fields. Gives the first run whose type is another one, which is
// refused then, or nullptr. Of a line whose type was known before, no field is known from now on.
// InfluxDB finds out that the request itself gives a field two types only while it creates fields,
// so those before it in the line are known; then it tries again, and all that it has created
// counts.
auto Engine::FindTypeConflict(const WriteBatch& batch, AppendScratch* scratch,
                              std::span<Run* const> line) -> Result<Run*> {
  const auto is_checked = [](const Run* run) {
    return run->pending != UINT32_MAX && !run->refused;
  };
  for (Run* run : line) {
    if (!is_checked(run)) continue;
    const PendingSeries& pending = scratch->pending[run->pending];
    ASSIGN_OR_RETURN(const bool fits, FitsType(batch, scratch, pending, *run));
    if (fits) continue;
    RETURN_IF_ERROR(CheckType(batch, scratch, pending, run));
    return run;
  }
  for (Run* run : line) {
    if (!is_checked(run)) continue;
    RETURN_IF_ERROR(CheckType(batch, scratch, scratch->pending[run->pending], run));
    if (!run->refused) continue;
    for (uint32_t p = run->first_point; p < run->first_point + run->point_count; ++p) {
      scratch->torn_groups.insert(GroupOf(batch, scratch->policy, p));
    }
    return run;
  }
  return nullptr;
}

// Whether the field has this type, or none yet, wherever the run's points lie. A type of this batch
// counts only where InfluxDB tries again.
Result<bool> Engine::FitsType(const WriteBatch& batch, AppendScratch* scratch,
                              const PendingSeries& pending, const Run& run) const {
  for (uint32_t p = run.first_point; p < run.first_point + run.point_count; ++p) {
    const int64_t group = GroupOf(batch, scratch->policy, p);
    ASSIGN_OR_RETURN(const std::optional<FieldTypes::Known> known,
                     field_types_.Find(batch.policy, group, pending.labels.Get(kMeasurementLabel),
                                       pending.labels.Get(kFieldLabel)));
    if (!known.has_value() || known->type == batch.series[run.series].type) continue;
    if (!known->is_new || scratch->torn_groups.contains(group)) return false;
  }
  return true;
}

// Creates what is new, then journals and applies every run. Under the head's lock.
void Engine::WriteRuns(const WriteBatch& batch, AppendScratch* scratch) {
  auto& runs = scratch->runs;
  bool has_definitions = false;
  journal_.Begin();
  if (batch.encoding == SeriesEncoding::kInfluxPoint) CheckTypesOfLines(batch, scratch);
  for (size_t begin = 0; begin < runs.size();) {
    Partition* partition = PartitionOf(runs[begin].day);
    size_t end = begin;
    while (end < runs.size() && runs[end].day == runs[begin].day) ++end;
    for (size_t i = begin; i < end; ++i) {
      Run& run = runs[i];
      if (run.pending == UINT32_MAX || run.refused) continue;
      PendingSeries& pending = scratch->pending[run.pending];
      // The same series may be in the batch twice.
      if (run.id == SeriesTable::kNone) run.id = partition->FindRecent(pending.canonical);
      if (!TakeFromBudget(scratch, partition, run, pending)) {
        run.refused = true;
        continue;
      }
      if (run.id == SeriesTable::kNone) {
        if (options_.limits.max_active_series != 0 &&
            active_series_ >= options_.limits.max_active_series) {
          scratch->Reject(run.series, run.point_count, AppendVerdict::kSeriesLimit,
                          "limit of " + std::to_string(options_.limits.max_active_series) +
                              " active series is reached, first new series " +
                              ShownSeries(scratch->policy, pending.labels));
          run.refused = true;
          continue;
        }
        run.id = partition->Create(pending.canonical, batch.policy, batch.unit, pending.labels);
        ++scratch->report.new_series;
        ++series_since_checkpoint_;
        if (batch.policy == kPrometheusPolicy && !catalog_.prometheus_seen()) {
          catalog_.NotePrometheusSeries();
          scratch->request.batch.Put(Family::kMeta, "prometheus", "1");
        }
      }
      const uint64_t before = partition->active_series();
      partition->Learn(scratch->hashes[run.series], run.id);
      // What is written behind the last sample of before the deletion says nothing of that one's
      // type.
      SeriesRecord* record = partition->FindRecord(run.id);
      if (record != nullptr && ((record->flags & SeriesRecord::kHasSamples) == 0 ||
                                batch.points[run.first_point].timestamp > record->last_time)) {
        record->flags &= static_cast<uint8_t>(~SeriesRecord::kUntyped);
      }
      active_series_ += partition->active_series() - before;
    }
    if (WriteDefinitions(partition, batch.unit)) has_definitions = true;
    for (size_t i = begin; i < end; ++i) {
      if (!runs[i].refused) WriteRun(batch, scratch, partition, runs[i]);
    }
    journal_.EndSection();
    partition->last_append_ns = last_append_ns_ = options_.clock->MonotonicNs();
    begin = end;
  }
  AddSideData(batch, scratch);
  const bool has_samples = scratch->report.stored_points > scratch->duplicates;
  if (!has_samples && !has_definitions && batch.exemplars.empty()) return;
  bytes_since_checkpoint_ += journal_.record().size();
  metrics_.journal_bytes->Increment(journal_.record().size());
  metrics_.journal_records->Increment();
  scratch->request.batch.Put(Family::kJournal, JournalKey(next_sequence_++), journal_.record());
  if (bytes_since_checkpoint_ >= options_.checkpoint_bytes ||
      samples_since_checkpoint_ >= options_.checkpoint_samples ||
      series_since_checkpoint_ >= options_.checkpoint_new_series) {
    if (!checkpoint_due_.exchange(true)) background_wake_.NotifyOne();
  }
}

// InfluxDB lists the series of a point that it refused for a field's type, and so do we: a name in
// the index, without samples, of which nothing is kept in memory after the checkpoint.
void Engine::NameRefusedSeries(const WriteBatch& batch, Partition* partition, const Run& run,
                               const PendingSeries& pending) {
  const bool is_known = run.id != SeriesTable::kNone ||
                        partition->FindRecent(pending.canonical) != SeriesTable::kNone;
  const uint64_t most = options_.limits.max_active_series;
  if (is_known || (most != 0 && active_series_ >= most)) return;
  partition->Create(pending.canonical, batch.policy, batch.unit, pending.labels);
  ++series_since_checkpoint_;
}

bool Engine::TakeFromBudget(AppendScratch* scratch, Partition* partition, const Run& run,
                            const PendingSeries& pending) {
  const EngineLimits& limits = options_.limits;
  const bool counts_databases = limits.per_database.soft + limits.per_database.hard > 0;
  const bool counts_metrics = limits.per_metric.soft + limits.per_metric.hard > 0;
  if (!counts_databases && !counts_metrics) return true;
  if (run.id != SeriesTable::kNone && partition->IsActive(run.id)) return true;
  const std::string_view metric = pending.labels.Get(kMetricName);
  const uint64_t database = uint64_t{scratch->policy.database.value} << 1 | 1;
  struct Budgeted {
    const SeriesBudget& budget;
    uint64_t key;
    bool is_metric;
  };
  const Budgeted all[] = {{limits.per_database, database, false},
                          {limits.per_metric, HashBytes64(metric, database) & ~uint64_t{1}, true}};
  for (const Budgeted& b : all) {
    if (b.budget.hard == 0 || partition->budget_counts[b.key] < b.budget.hard) continue;
    std::string reason = "limit of " + std::to_string(b.budget.hard) + " active series of ";
    if (b.is_metric) reason += "metric \"" + std::string(metric) + "\" in ";
    reason += "database \"" + scratch->policy.database_name + "\" is reached, first new series " +
              ShownSeries(scratch->policy, pending.labels);
    scratch->Reject(run.series, run.point_count, AppendVerdict::kSeriesLimit, std::move(reason));
    metrics_.budget_hard->Increment();
    if (!scratch->is_limited) {
      scratch->is_limited = true;
      scratch->limited_day = run.day;
      scratch->limited_metric = b.is_metric ? std::string(metric) : std::string();
    }
    return false;
  }
  for (const Budgeted& b : all) {
    const uint32_t count = ++partition->budget_counts[b.key];
    if (b.budget.soft == 0 || count <= b.budget.soft) continue;
    metrics_.budget_soft->Increment();
    if (count > b.budget.soft + 1) continue;
    LogWarn("active series are beyond the soft limit",
            {{"database", scratch->policy.database_name},
             {"metric", b.is_metric ? metric : std::string_view()},
             {"limit", b.budget.soft},
             {"series", ShownSeries(scratch->policy, pending.labels)}});
  }
  return true;
}

// Tells clients which label it is, after the head's lock.
void Engine::NameCulprit(AppendScratch* scratch) const {
  if (!scratch->is_limited) return;
  constexpr int64_t kKnownForNs = 60'000'000'000;
  constexpr size_t kMaxKnown = 1000;
  const PolicyId policy = scratch->policy_id;
  const std::string key = std::to_string(policy.value) + "/" + scratch->limited_metric;
  const int64_t now = options_.clock->MonotonicNs();
  std::string text;
  {
    const MutexLock lock(culprits_mutex_);
    const auto known = culprits_.find(key);
    if (known != culprits_.end() && now - known->second.found_ns < kKnownForNs) {
      text = known->second.text;
    }
  }
  if (text.empty()) {
    text = CulpritOf(scratch->limited_day, policy, scratch->limited_metric);
    const MutexLock lock(culprits_mutex_);
    if (culprits_.size() >= kMaxKnown) culprits_.clear();
    culprits_[key] = {now, text};
  }
  for (auto& rejection : scratch->rejections) {
    if (rejection.verdict == AppendVerdict::kSeriesLimit && !rejection.reason.empty()) {
      rejection.reason += text;
    }
  }
}

// Begins the section, with every series that no durable record names yet. Whether there were any.
bool Engine::WriteDefinitions(Partition* partition, TimeUnit unit) {
  const uint32_t first = std::max(partition->define_from, partition->recents().front()->first_id());
  const uint32_t last = partition->next_id();
  journal_.BeginSection(partition->day(), unit, last > first ? last - first : 0);
  for (uint32_t id = first; id < last; ++id) {
    for (const auto& recent : partition->recents()) {
      if (!recent->Holds(id)) continue;
      size_t count = 0;
      const RecentSeries::PairRef* pairs = recent->pairs(id, &count);
      journal_.Define(id, recent->policy(id), recent->unit(id), count);
      // Pairs are numbered within one container; frozen ones come only after a failed checkpoint.
      const uint32_t space = static_cast<uint32_t>(&recent - partition->recents().data()) << 28;
      for (size_t i = 0; i < count; ++i) {
        journal_.DefinePair(pairs[i] + space, recent->postings().pair_name(pairs[i]),
                            recent->postings().pair_value(pairs[i]));
      }
    }
  }
  partition->define_from = last;
  return last > first;
}

void Engine::WriteRun(const WriteBatch& batch, AppendScratch* scratch, Partition* partition,
                      const Run& run) {
  const WriteBatch::Series& series = batch.series[run.series];
  const uint8_t chunklet_type = ChunkletType(series.type, batch.unit);
  SeriesRecord& record = partition->Record(run.id);
  for (uint32_t p = run.first_point; p < run.first_point + run.point_count; ++p) {
    RawSample sample{batch.points[p].timestamp, batch.points[p].payload, {}, 0};
    if (!scratch->starts.empty()) sample.start = scratch->starts[p];
    if (series.type == ValueType::kString) sample.bytes = batch.strings[sample.payload];
    if (series.type == ValueType::kHistogram) {
      sample.bytes = scratch->histograms[sample.payload];
      ++scratch->report.stored_histograms;
    }
    if (IsBytesType(series.type)) sample.payload = HashBytes64(sample.bytes);
    ++scratch->report.stored_points;
    const Partition::Order order = partition->Classify(record, chunklet_type, sample);
    if (order == Partition::Order::kDuplicate) {
      ++scratch->duplicates;
      continue;
    }
    const bool in_order = order == Partition::Order::kInOrder;
    const bool contained = !in_order || record.journal_epoch != journal_epoch_;
    const bool start_changed =
        contained ? sample.start != 0 : sample.start != partition->StartOf(run.id, record);
    journal_.Sample(run.id, series.type, sample, record.last_payload, contained, start_changed);
    partition->Apply(run.id, &record, order, chunklet_type, sample, chunk_epoch_);
    ++samples_since_checkpoint_;
    if (in_order) {
      record.journal_epoch = journal_epoch_;
    } else {
      ++scratch->out_of_order;
    }
  }
}

void Engine::AddSideData(const WriteBatch& batch, AppendScratch* scratch) {
  for (const auto& exemplar : batch.exemplars) {
    if (exemplar.series_index >= batch.series.size()) continue;
    const WriteBatch::Series& series = batch.series[exemplar.series_index];
    Result<Labels> labels = batch.decoder->Decode(series.bytes, series.field);
    if (!labels.ok()) continue;  // the series itself was refused with a reason
    ExemplarRing::Entry entry{batch.policy, *std::move(labels), exemplar.exemplar};
    journal_.Exemplar(ExemplarRing::Encode(entry));
    exemplars_.Add(std::move(entry));
    ++scratch->report.stored_exemplars;
  }
  for (const auto& metadata : batch.metadata) {
    if (metadata_.Note(metadata.metric_name, metadata.metadata, &scratch->request.batch)) {
      ++scratch->report.stored_metadata;
    }
  }
}

// Holds writers back while checkpoints cannot keep up, so that memory and replay stay bounded.
Status Engine::WaitForRoom() {
  const MutexLock lock(head_mutex_);
  int64_t since = 0;
  while (bytes_since_checkpoint_ > 4 * options_.checkpoint_bytes && background_.joinable()) {
    if (!checkpoint_failure_.ok()) {
      return ResourceExhausted("storage takes no writes while checkpoints fail: " +
                               std::string(checkpoint_failure_.message()));
    }
    if (since == 0) {
      since = Clock::Real().MonotonicNs();
      metrics_.held_back->Increment();
    }
    room_.WaitFor(head_mutex_, std::chrono::milliseconds(100));
  }
  if (since != 0) {
    metrics_.held_back_seconds->Observe(static_cast<double>(Clock::Real().MonotonicNs() - since) *
                                        1e-9);
  }
  return Status::Ok();
}

}  // namespace tsdb::storage
