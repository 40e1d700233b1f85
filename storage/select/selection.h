// What Engine::Select answers: the series, and cursors that merge a series' segments and head.
// Immutable once built; cursors of different series may run on different threads.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "storage/engine_metrics.h"
#include "storage/head/partition.h"
#include "storage/latest.h"
#include "storage/select/chunk_cache.h"

namespace tsdb::storage {

// One partition as the selection sees it.
struct SelectedPartition {
  std::shared_ptr<const PartitionVersion> version;
  std::vector<uint32_t> ids;         // rising
  Postings ended;                    // left out, as their samples are all before the request's time
  std::vector<uint32_t> capture_of;  // by position in ids: into captures, or kNoCapture
  std::vector<ChainCapture> captures;
  static constexpr uint32_t kNoCapture = UINT32_MAX;
  std::vector<LatestSample> latest;  // by position in ids, where only the last samples are wanted
};

class Selection : public LatestSelection {
 public:
  // A stored series: position in the ids of a partition.
  struct Member {
    uint32_t partition = 0;
    uint32_t position = 0;
  };
  // By partition; within one the later wins. Nearly always there is one.
  class Members {
   public:
    size_t size() const { return is_empty_ ? 0 : more_.size() + 1; }
    const Member& operator[](size_t i) const { return i == 0 ? first_ : more_[i - 1]; }
    void Add(Member member) {
      if (is_empty_) {
        first_ = member;
        is_empty_ = false;
      } else {
        more_.push_back(member);
      }
    }
    // Adds those of another series that shows the same labels.
    void Join(const Members& other);

   private:
    Member first_;
    bool is_empty_ = true;
    std::vector<Member> more_;
  };
  struct Series {
    Labels labels;       // unless the selection shows few labels
    uint32_t shown = 0;  // else: into shown()
    PolicyId policy;
    Members members;
    int64_t kept_since_ns = INT64_MIN;
  };

  Selection(const Store* store, const BlockPool* pool, const EngineMetrics* metrics, View view,
            int64_t min_ns, int64_t max_ns)
      : cache_(store, kCacheBytes),
        pool_(pool),
        metrics_(metrics),
        view_(view),
        min_ns_(min_ns),
        max_ns_(max_ns) {}

  size_t size() const override { return series_.size(); }
  const Labels& labels(size_t index) const override {
    return shown_.empty() ? series_[index].labels : shown_[series_[index].shown];
  }
  PolicyId policy(size_t index) const override { return series_[index].policy; }
  std::unique_ptr<SampleCursor> Open(size_t index) const override;
  size_t merged_series() const override { return merged_series_; }
  LatestSample Latest(size_t index) const override;
  std::vector<uint32_t> ReadOrder() const override;

  // --- while it is being built
  std::vector<SelectedPartition>& partitions() { return partitions_; }
  std::vector<Series>& series() { return series_; }
  // Label sets that series share, where few labels are shown. They do not move.
  std::deque<Labels>& shown() { return shown_; }
  // Sorts by labels; with View::kPrometheus joins series that show the same ones.
  void Finish(size_t limit);
  // Whether Latest() knows anything. REQUIRES: no series has two members of one partition.
  void set_last_only(bool last_only) { last_only_ = last_only; }
  bool last_only() const { return last_only_; }
  int64_t min_ms() const { return ToMilliseconds(min_ns_, TimeUnit::kNanoseconds); }
  int64_t max_ms() const { return ToMilliseconds(max_ns_, TimeUnit::kNanoseconds); }
  void set_pin(std::shared_ptr<const void> pin) { pin_ = std::move(pin); }

  // --- for cursors
  // Appends the runs of one stored series in order of precedence. kDataLoss tells of damage; the
  // runs that could be read are there all the same.
  Status Load(const Member& member, std::vector<SampleBlock>* runs) const;
  // Whether a stored series has a sample in the time range that is no string, without decoding more
  // than needed. kDataLoss when damage may have hidden one.
  Result<bool> HasNumbers(const Member& member) const;
  View view() const { return view_; }
  const Series& at(size_t index) const { return series_[index]; }

 private:
  static constexpr size_t kCacheBytes = 32 << 20;

  // What a thread read last of each segment. Its next series is mostly a neighbour.
  struct alignas(64) Memo {
    struct Slot {
      uint32_t segment = 0;  // 0: none
      uint32_t group = 0;
      std::shared_ptr<const ChunkCache::Group> rows;
      std::unique_ptr<StoreIterator> iterator;
      // Of the chunks of one row each has its own list, and the next row has the same ones.
      struct List {
        uint32_t number = 0;
        std::shared_ptr<const std::vector<int64_t>> times;
      };
      std::array<List, 8> lists;  // by number
    };
    Mutex mutex;
    std::vector<Slot> slots GUARDED_BY(mutex);  // by the segment's place in its version

    Slot& At(size_t place, uint32_t segment) EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      if (slots.size() <= place) slots.resize(place + 1);
      if (slots[place].segment != segment) {
        slots[place] = Slot();
        slots[place].segment = segment;
      }
      return slots[place];
    }
  };
  static constexpr size_t kMemos = 16;
  Memo& MemoOfThread() const;

  Status LoadSegment(const SelectedPartition& partition, size_t place, uint32_t id,
                     std::vector<SampleBlock>* runs) const;
  Status LoadHead(const Member& member, std::vector<SampleBlock>* runs) const;
  Result<bool> SegmentHasNumbers(const SelectedPartition& partition, size_t place,
                                 uint32_t id) const;
  std::shared_ptr<const ChunkCache::Group> LoadGroup(const SelectedPartition& partition,
                                                     size_t place, uint32_t group) const;
  Result<std::shared_ptr<const std::vector<int64_t>>> LoadTimestamps(
      const SelectedPartition& partition, size_t place, uint32_t list) const;

  mutable ChunkCache cache_;
  const BlockPool* pool_;
  const EngineMetrics* metrics_;
  const View view_;
  const int64_t min_ns_;
  const int64_t max_ns_;
  std::shared_ptr<const void> pin_;
  std::vector<SelectedPartition> partitions_;
  std::vector<Series> series_;
  std::deque<Labels> shown_;
  bool last_only_ = false;
  mutable std::array<Memo, kMemos> memos_;
  size_t merged_series_ = 0;
};

}  // namespace tsdb::storage
