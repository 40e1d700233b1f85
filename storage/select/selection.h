// What Engine::Select answers: the series, and cursors that merge a series' segments and head.
// Immutable once built; cursors of different series may run on different threads.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/engine_metrics.h"
#include "storage/head/partition.h"
#include "storage/interface.h"
#include "storage/select/chunk_cache.h"

namespace tsdb::storage {

// One partition as the selection sees it.
struct SelectedPartition {
  std::shared_ptr<const PartitionVersion> version;
  std::vector<uint32_t> ids;         // rising
  std::vector<uint32_t> capture_of;  // by position in ids: into captures, or kNoCapture
  std::vector<ChainCapture> captures;
  static constexpr uint32_t kNoCapture = UINT32_MAX;
};

class Selection : public SeriesSelection {
 public:
  // A stored series: position in the ids of a partition.
  struct Member {
    uint32_t partition = 0;
    uint32_t position = 0;
  };
  struct Series {
    Labels labels;
    PolicyId policy;
    std::vector<Member> members;  // by partition; within one the later wins
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
  const Labels& labels(size_t index) const override { return series_[index].labels; }
  PolicyId policy(size_t index) const override { return series_[index].policy; }
  std::unique_ptr<SampleCursor> Open(size_t index) const override;
  size_t merged_series() const override { return merged_series_; }

  // --- while it is being built
  std::vector<SelectedPartition>& partitions() { return partitions_; }
  std::vector<Series>& series() { return series_; }
  // Sorts by labels; with View::kPrometheus joins series that show the same ones.
  void Finish(size_t limit);
  void set_pin(std::shared_ptr<const void> pin) { pin_ = std::move(pin); }

  // --- for cursors
  // Appends the runs of one stored series in order of precedence. kDataLoss tells of damage; the
  // runs that could be read are there all the same.
  Status Load(const Member& member, std::vector<SampleBlock>* runs) const;
  View view() const { return view_; }
  const Series& at(size_t index) const { return series_[index]; }

 private:
  static constexpr size_t kCacheBytes = 32 << 20;

  Status LoadSegment(const SelectedPartition& partition, const Segment& segment, uint32_t id,
                     std::vector<SampleBlock>* runs) const;

  mutable ChunkCache cache_;
  const BlockPool* pool_;
  const EngineMetrics* metrics_;
  const View view_;
  const int64_t min_ns_;
  const int64_t max_ns_;
  std::shared_ptr<const void> pin_;
  std::vector<SelectedPartition> partitions_;
  std::vector<Series> series_;
  size_t merged_series_ = 0;
};

}  // namespace tsdb::storage
