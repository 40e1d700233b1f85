#include "storage/select/selection.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <numeric>
#include <optional>

#include "storage/sealed_segment.h"
#include "storage/select/merge.h"

namespace tsdb::storage {
namespace {

class Cursor : public SampleCursor {
 public:
  Cursor(const Selection* selection, size_t index)
      : selection_(selection), series_(&selection->at(index)) {}

  Result<bool> Next(SampleBlock* block) override {
    for (;;) {
      if (!damage_.ok()) {
        Status damage = std::exchange(damage_, Status::Ok());
        return std::move(damage).Annotate("series " + series_->labels.ToString());
      }
      while (next_run_ < runs_.size()) {
        SampleBlock& run = runs_[next_run_++];
        DropSeen(&run);
        if (run.empty()) continue;
        last_time_ = run.timestamps.back();
        std::swap(*block, run);
        return true;
      }
      if (next_member_ == series_->members.size()) return false;
      LoadDay(block);
    }
  }

 private:
  // Every stored series of the next partition, merged. Takes the memory of `spare`.
  void LoadDay(SampleBlock* spare) {
    runs_.clear();
    next_run_ = 0;
    const uint32_t partition = series_->members[next_member_].partition;
    for (; next_member_ < series_->members.size() &&
           series_->members[next_member_].partition == partition;
         ++next_member_) {
      std::vector<SampleBlock> loaded;
      spare->Clear();
      loaded.push_back(std::move(*spare));
      const Status status = selection_->Load(series_->members[next_member_], &loaded);
      if (!status.ok() && damage_.ok()) damage_ = status;
      MergeRuns(&loaded);
      for (SampleBlock& run : loaded) {
        if (selection_->view() == View::kPrometheus) ShowForPrometheus(&run);
        runs_.push_back(std::move(run));
      }
    }
    MergeRuns(&runs_);
    if (series_->kept_since_ns == INT64_MIN) return;
    for (SampleBlock& run : runs_) {
      int64_t first = 0;
      int64_t last = 0;
      BoundsInUnit(INT64_MIN, series_->kept_since_ns - 1, run.unit, &first, &last);
      EraseRange(first, last, &run);
    }
  }

  // Days do not overlap in stored time, but the last millisecond of one may be shown twice.
  void DropSeen(SampleBlock* run) const {
    if (last_time_.has_value() && !run->empty() && run->timestamps.front() <= *last_time_) {
      EraseRange(run->timestamps.front(), *last_time_, run);
    }
  }

  const Selection* selection_;
  const Selection::Series* series_;
  size_t next_member_ = 0;
  std::vector<SampleBlock> runs_;
  size_t next_run_ = 0;
  std::optional<int64_t> last_time_;
  Status damage_;
};

bool Covers(const Tombstone& tombstone, const Segment& segment, uint32_t id) {
  return segment.id <= tombstone.last_segment && tombstone.series.Contains(id);
}

bool HasTombstone(const PartitionVersion& version, const Segment& segment, uint32_t id) {
  return std::any_of(version.tombstones.begin(), version.tombstones.end(),
                     [&](const Tombstone& t) { return Covers(t, segment, id); });
}

// Removes what was deleted, and runs of which nothing is left.
void ApplyTombstones(const PartitionVersion& version, const Segment& segment, uint32_t id,
                     std::vector<SampleBlock>* runs) {
  for (const Tombstone& tombstone : version.tombstones) {
    if (!Covers(tombstone, segment, id)) continue;
    for (SampleBlock& run : *runs) {
      int64_t first = 0;
      int64_t last = 0;
      BoundsInUnit(tombstone.min_time_ns, tombstone.max_time_ns, run.unit, &first, &last);
      EraseRange(first, last, &run);
    }
  }
  std::erase_if(*runs, [](const SampleBlock& run) { return run.empty(); });
}

}  // namespace

std::unique_ptr<SampleCursor> Selection::Open(size_t index) const {
  return std::make_unique<Cursor>(this, index);
}

void Selection::Members::Join(const Members& other) {
  std::vector<Member> all;
  for (size_t i = 0; i < size(); ++i) all.push_back((*this)[i]);
  for (size_t i = 0; i < other.size(); ++i) all.push_back(other[i]);
  std::stable_sort(all.begin(), all.end(),
                   [](const Member& a, const Member& b) { return a.partition < b.partition; });
  *this = Members();
  for (const Member& member : all) Add(member);
}

LatestSample Selection::Latest(size_t index) const {
  const Members& members = series_[index].members;
  LatestSample latest;
  if (!last_only_) return latest;
  for (size_t i = members.size(); i-- > 0;) {  // the last day first
    const std::vector<LatestSample>& known = partitions_[members[i].partition].latest;
    latest = members[i].position < known.size() ? known[members[i].position] : LatestSample();
    if (latest.state != LatestSample::State::kNone) break;
  }
  return latest;
}

std::vector<uint32_t> Selection::ReadOrder() const {
  std::vector<uint32_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  // By the place in the last day: a series that is in several days is read from all of them, and
  // that day's head and fragments are the most work.
  const auto place = [this](uint32_t index) {
    const Members& members = series_[index].members;
    const Member& last = members[members.size() - 1];
    return std::pair(last.partition, last.position);
  };
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return place(a) < place(b); });
  return order;
}

void Selection::Finish(size_t limit) {
  const auto less = [](const Series& a, const Series& b) { return a.labels < b.labels; };
  if (!std::is_sorted(series_.begin(), series_.end(), less)) {
    std::vector<uint32_t> order(series_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return series_[a].labels < series_[b].labels; });
    std::vector<Series> sorted;
    sorted.reserve(series_.size());
    for (const uint32_t i : order) sorted.push_back(std::move(series_[i]));
    series_.swap(sorted);
  }
  if (view_ == View::kPrometheus) {
    size_t kept = 0;
    for (size_t i = 0; i < series_.size(); ++i) {
      if (kept > 0 && series_[kept - 1].labels == series_[i].labels) {
        series_[kept - 1].members.Join(series_[i].members);
        ++merged_series_;
        continue;
      }
      if (kept != i) series_[kept] = std::move(series_[i]);
      ++kept;
    }
    series_.resize(kept);
  }
  if (limit != 0 && series_.size() > limit) series_.resize(limit);
  if (merged_series_ > 0) metrics_->merged_series->Increment(merged_series_);
}

Status Selection::Load(const Member& member, std::vector<SampleBlock>* runs) const {
  const SelectedPartition& partition = partitions_[member.partition];
  const uint32_t id = partition.ids[member.position];
  const int64_t min_ms = ToMilliseconds(min_ns_, TimeUnit::kNanoseconds);
  const int64_t max_ms = ToMilliseconds(max_ns_, TimeUnit::kNanoseconds);
  Status result;
  const auto note = [&](const Status& status, uint32_t segment) {
    if (status.ok()) return;
    metrics_->damaged_chunks->Increment();
    if (result.ok()) {
      result = status.Annotate("chunk of series " + std::to_string(id) + " in segment " +
                               std::to_string(segment) + " of day " +
                               std::to_string(partition.version->key.day));
    }
  };
  for (size_t place = 0; place < partition.version->segments.size(); ++place) {
    const Segment& segment = partition.version->segments[place];
    if (segment.max_time_ms < min_ms || segment.min_time_ms > max_ms) continue;
    if (!HasTombstone(*partition.version, segment, id)) {
      note(LoadSegment(partition, place, id, runs), segment.id);
      continue;
    }
    // Apart from the others: decoding joins what it reads to the run before, which may be newer
    // than the tombstone.
    std::vector<SampleBlock> read;
    note(LoadSegment(partition, place, id, &read), segment.id);
    ApplyTombstones(*partition.version, segment, id, &read);
    std::move(read.begin(), read.end(), std::back_inserter(*runs));
  }
  note(LoadHead(member, runs), 0);
  return result;
}

Status Selection::LoadHead(const Member& member, std::vector<SampleBlock>* runs) const {
  const SelectedPartition& partition = partitions_[member.partition];
  if (member.position >= partition.capture_of.size()) return Status::Ok();
  const uint32_t capture = partition.capture_of[member.position];
  if (capture == SelectedPartition::kNoCapture) return Status::Ok();
  std::string bytes;
  AppendCapture(*pool_, partition.captures[capture], &bytes);
  return DecodeChunklets(bytes, partition.version->key.day, min_ns_, max_ns_, runs);
}

namespace {

bool AnyNumber(const std::vector<SampleBlock>& runs) {
  return std::any_of(runs.begin(), runs.end(), [](const SampleBlock& run) {
    return !run.empty() && run.type != ValueType::kString;
  });
}

}  // namespace

Result<bool> Selection::HasNumbers(const Member& member) const {
  const SelectedPartition& partition = partitions_[member.partition];
  const PartitionVersion& version = *partition.version;
  const uint32_t id = partition.ids[member.position];
  std::vector<SampleBlock> runs;
  const bool has_tombstone =
      std::any_of(version.tombstones.begin(), version.tombstones.end(),
                  [id](const Tombstone& tombstone) { return tombstone.series.Contains(id); });
  if (has_tombstone) {
    const Status status = Load(member, &runs);
    if (!AnyNumber(runs) && !status.ok()) return status;
    return AnyNumber(runs);
  }
  Status damage = LoadHead(member, &runs);
  if (AnyNumber(runs)) return true;
  const int64_t min_ms = ToMilliseconds(min_ns_, TimeUnit::kNanoseconds);
  const int64_t max_ms = ToMilliseconds(max_ns_, TimeUnit::kNanoseconds);
  for (size_t place = version.segments.size(); place-- > 0;) {
    const Segment& segment = version.segments[place];
    if (segment.max_time_ms < min_ms || segment.min_time_ms > max_ms) continue;
    const Result<bool> found = SegmentHasNumbers(partition, place, id);
    if (found.ok() && *found) return true;
    if (!found.ok() && damage.ok()) damage = found.status();
  }
  if (damage.ok()) return false;
  metrics_->damaged_chunks->Increment();
  return damage.Annotate("chunk of series " + std::to_string(id) + " of day " +
                         std::to_string(version.key.day));
}

Result<bool> Selection::SegmentHasNumbers(const SelectedPartition& partition, size_t place,
                                          uint32_t id) const {
  const Segment& segment = partition.version->segments[place];
  const auto group = LoadGroup(partition, place, id / kFragmentGroup);
  const std::string_view bytes = group->Find(id);
  if (bytes.empty()) {
    if (!group->status.ok()) return group->status;
    return false;
  }
  if (IsSealed(segment.kind)) {
    const auto lists = [&](uint32_t list) { return LoadTimestamps(partition, place, list); };
    return SealedHasNumbers(bytes, lists, min_ns_, max_ns_);
  }
  std::vector<SampleBlock> runs;
  const Status status = DecodeChunklets(bytes, partition.version->key.day, min_ns_, max_ns_, &runs);
  if (AnyNumber(runs)) return true;
  if (!status.ok()) return status;
  return false;
}

Selection::Memo& Selection::MemoOfThread() const {
  static std::atomic<size_t> next{0};
  thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return memos_[number % kMemos];
}

std::shared_ptr<const ChunkCache::Group> Selection::LoadGroup(const SelectedPartition& partition,
                                                              size_t place, uint32_t group) const {
  const Segment& segment = partition.version->segments[place];
  Memo& memo = MemoOfThread();
  const MutexLock lock(memo.mutex);
  Memo::Slot& slot = memo.At(place, segment.id);
  if (slot.rows == nullptr || slot.group != group) {
    slot.rows = cache_.Load(partition.version->key, segment, group, partition.ids, &slot.iterator);
    slot.group = group;
  }
  return slot.rows;
}

Result<std::shared_ptr<const std::vector<int64_t>>> Selection::LoadTimestamps(
    const SelectedPartition& partition, size_t place, uint32_t list) const {
  const Segment& segment = partition.version->segments[place];
  Memo& memo = MemoOfThread();
  const MutexLock lock(memo.mutex);
  auto& lists = memo.At(place, segment.id).lists;
  Memo::Slot::List& slot = lists[list % lists.size()];
  if (slot.times == nullptr || slot.number != list) {
    ASSIGN_OR_RETURN(slot.times, cache_.LoadTimestamps(partition.version->key, segment.id, list));
    slot.number = list;
  }
  return slot.times;
}

Status Selection::LoadSegment(const SelectedPartition& partition, size_t place, uint32_t id,
                              std::vector<SampleBlock>* runs) const {
  const Segment& segment = partition.version->segments[place];
  const auto group = LoadGroup(partition, place, id / kFragmentGroup);
  const std::string_view bytes = group->Find(id);
  if (bytes.empty()) return group->status;
  if (IsSealed(segment.kind)) {
    const auto lists = [&](uint32_t list) { return LoadTimestamps(partition, place, list); };
    return DecodeSealed(bytes, lists, min_ns_, max_ns_, runs);
  }
  return DecodeChunklets(bytes, partition.version->key.day, min_ns_, max_ns_, runs);
}

}  // namespace tsdb::storage
