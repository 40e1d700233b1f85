// Sealing finished windows, rewriting partitions, retention, and dropping what nobody reads any
// more.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "storage/downsample.h"
#include "storage/engine_impl.h"
#include "storage/format.h"
#include "storage/rocks/key_layout.h"
#include "storage/seal_plan.h"
#include "storage/sealed_segment.h"
#include "storage/select/chunk_cache.h"
#include "storage/select/merge.h"
#include "storage/select/partition_index.h"

namespace tsdb::storage {
namespace {

constexpr int64_t kSettleNs = 30'000'000'000;  // SealMoment::settled_segment
constexpr int64_t kIdleNs = 3'000'000'000;     // SealMoment::idle

std::string DroppedKey(uint64_t number) {
  std::string key = "d/";
  PutKey64(&key, number);
  return key;
}

// Reads one segment from its first series to its last. What lies in a damaged block is left out and
// logged, since a segment that cannot be rewritten would be tried again and again.
class SegmentScan {
 public:
  // `series_count`: ids are below it.
  SegmentScan(Store* store, PartitionKey partition, const Segment& segment, uint32_t series_count)
      : store_(store),
        partition_(partition),
        segment_(segment),
        width_(segment.kind == SegmentKind::kFragments ? kFragmentGroup : 1),
        row_limit_((series_count + width_ - 1) / width_),
        rows_(store->NewIterator(Family::kChunks, ChunkKey(partition, segment.id, 0),
                                 ChunkKey(partition, segment.id, kFirstTimestampList), false)) {}

  const Segment& segment() const { return segment_; }

  // Appends the runs of the series of one group to `series`, by id - first. Groups rise.
  Status Read(uint32_t group, std::vector<std::vector<SampleBlock>>* series, uint64_t* damaged) {
    const uint32_t first = group * kFragmentGroup;
    for (; AtRow(damaged); rows_->Next()) {
      std::string_view key = rows_->key().substr(kPartitionPrefixSize + 4);
      uint32_t row = 0;
      if (!GetKey32(&key, &row) || row >= kFirstTimestampList) break;
      if (uint64_t{row} * width_ >= uint64_t{first} + kFragmentGroup) break;
      next_row_ = row + 1;
      if (uint64_t{row} * width_ < first) continue;  // of a group without series to keep
      const Status status =
          width_ == 1 ? DecodeSealedRow(&(*series)[row - first]) : DecodeGroup(first, series);
      if (!status.ok()) ++*damaged;
    }
    const Status status = rows_->status();
    return status.code() == StatusCode::kDataLoss ? Status::Ok() : status;
  }

 private:
  // Whether there is a row to read, beyond damaged blocks if need be.
  bool AtRow(uint64_t* damaged) {
    if (rows_->Valid()) return true;
    const Status reason = rows_->status();
    if (reason.code() != StatusCode::kDataLoss || next_row_ >= row_limit_) return false;
    for (; next_row_ < row_limit_; ++next_row_) {
      rows_->Seek(ChunkKey(partition_, segment_.id, next_row_));
      if (rows_->status().code() != StatusCode::kDataLoss) break;
    }
    ++*damaged;
    LogError("a damaged block is left out of a rewrite",
             {{"day", partition_.day}, {"segment", uint64_t{segment_.id}}, {"reason", reason}});
    return rows_->Valid();
  }

  Status DecodeGroup(uint32_t first, std::vector<std::vector<SampleBlock>>* series) {
    std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> parts;
    const bool parsed = ParseFragmentGroup(rows_->value(), first, &parts);
    Status result = parsed ? Status::Ok() : DataLoss("malformed fragment");
    for (const auto& [id, offset, size] : parts) {
      if (id - first >= kFragmentGroup) return DataLoss("malformed fragment");
      const Status status = DecodeChunklets(rows_->value().substr(offset, size), partition_.day,
                                            INT64_MIN, INT64_MAX, &(*series)[id - first]);
      if (!status.ok()) result = status;
    }
    return result;
  }

  Status DecodeSealedRow(std::vector<SampleBlock>* runs) {
    return DecodeSealed(
        rows_->value(),
        [this](uint32_t list) -> Result<std::shared_ptr<const std::vector<int64_t>>> {
          auto& cached = lists_[list];
          if (cached == nullptr) {
            ASSIGN_OR_RETURN(const std::optional<std::string> row,
                             store_->Get(Family::kChunks, ChunkKey(partition_, segment_.id,
                                                                   kFirstTimestampList + list)));
            if (!row.has_value()) return DataLoss("timestamp list is missing");
            auto times = std::make_shared<std::vector<int64_t>>();
            RETURN_IF_ERROR(DecodeTimestamps(*row, times.get()));
            cached = std::move(times);
          }
          return cached;
        },
        INT64_MIN, INT64_MAX, runs);
  }

  Store* store_;
  PartitionKey partition_;
  const Segment segment_;
  const uint32_t width_;      // ids of a row
  const uint32_t row_limit_;  // keys of rows are below it
  std::unique_ptr<StoreIterator> rows_;
  uint32_t next_row_ = 0;  // behind those that were read
  std::unordered_map<uint32_t, std::shared_ptr<const std::vector<int64_t>>> lists_;
};

// From when on a series' samples are kept; INT64_MAX: nothing of the day is. By id.
Result<std::vector<int64_t>> KeptSince(const PartitionIndex& index, const CatalogState& catalog,
                                       const RetentionRules& rules, int64_t now_ns) {
  const PartitionVersion& version = index.version();
  const uint32_t count = version.next_series_id;
  std::vector<int64_t> result(count, INT64_MAX);
  RETURN_IF_ERROR(index.ForEachValue(
      kPolicyPair, {},
      [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
        PolicyId id;
        if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
        const PolicyInfo* policy = catalog.Find(id);
        if (policy == nullptr) return true;
        const int64_t since = policy->duration_ns == 0 ? INT64_MIN : now_ns - policy->duration_ns;
        ASSIGN_OR_RETURN(const Postings series, loader.Load());
        series.ForEach([&](uint32_t series_id) {
          if (series_id < count) result[series_id] = since;
        });
        return true;
      }));
  RETURN_IF_ERROR(rules.Apply(index, catalog, now_ns, &result));
  for (int64_t& since : result) {
    if (since >= DayEndNs(version.key.day)) since = INT64_MAX;
  }
  return result;
}

}  // namespace

// One rewrite of neighbouring segments of a partition.
class Engine::Rewriter {
 public:
  Rewriter(Engine* engine, std::shared_ptr<const PartitionVersion> version, size_t first,
           size_t count, Effort effort)
      : engine_(engine),
        version_(std::move(version)),
        first_(first),
        count_(count),
        effort_(effort) {}

  // What is to be published.
  Result<std::shared_ptr<const PartitionVersion>> Run() {
    ASSIGN_OR_RETURN(output_.id, engine_->ReserveSegments(1));
    output_.kind = effort_ == Effort::kBest ? SegmentKind::kBest : SegmentKind::kSealed;
    output_.min_time_ms = INT64_MAX;
    output_.max_time_ms = INT64_MIN;
    const PartitionIndex index(engine_->store_.get(), version_, {});
    ASSIGN_OR_RETURN(kept_since_,
                     KeptSince(index, *engine_->catalog_state(), *engine_->retention_rules(),
                               engine_->options_.clock->NowNs()));
    // Only who sees all samples of a step may leave some out.
    if (first_ == 0 && count_ == version_->segments.size()) {
      const auto rules = engine_->downsampling_rules();
      const int64_t now_ns = engine_->options_.clock->NowNs();
      const int64_t day_end_ns = DayEndNs(version_->key.day);
      output_.downsampling = rules->InForce(day_end_ns, now_ns);
      if (output_.downsampling != 0) {
        ASSIGN_OR_RETURN(resolutions_,
                         rules->Resolutions(index, *engine_->catalog_state(), day_end_ns, now_ns));
      }
    }
    SealedWriter writer(engine_->store_.get(), version_->key, output_.id, effort_);
    for (size_t i = first_; i < first_ + count_; ++i) {
      scans_.emplace_back(engine_->store_.get(), version_->key, version_->segments[i],
                          version_->next_series_id);
    }
    const uint32_t groups = (version_->next_series_id + kFragmentGroup - 1) / kFragmentGroup;
    for (uint32_t group = 0; group < groups; ++group) {
      RETURN_IF_ERROR(RewriteGroup(group, &writer));
      // A long rewrite must not hold writers up. What a checkpoint adds to the version comes behind
      // the segments that are rewritten.
      engine_->CheckpointIfDue();
    }
    RETURN_IF_ERROR(writer.Finish());
    if (!writer.tables().empty()) RETURN_IF_ERROR(engine_->store_->Ingest(writer.tables()));
    output_.sample_count = writer.sample_count();
    engine_->metrics_.rewrites->Increment();
    engine_->metrics_.rewritten_samples->Increment(writer.sample_count());
    engine_->metrics_.rewritten_bytes->Increment(writer.size_bytes());
    if (damaged_ > 0) {
      engine_->metrics_.damaged_chunks->Increment(damaged_);
      LogError("damaged chunks were left out of a rewrite",
               {{"day", version_->key.day}, {"chunks", damaged_}});
    }
    return Next();
  }

 private:
  Status RewriteGroup(uint32_t group, SealedWriter* writer) {
    std::vector<std::vector<SampleBlock>> runs(kFragmentGroup);
    for (SegmentScan& scan : scans_) {
      std::vector<std::vector<SampleBlock>> read(kFragmentGroup);
      RETURN_IF_ERROR(scan.Read(group, &read, &damaged_));
      for (uint32_t i = 0; i < kFragmentGroup; ++i) {
        if (read[i].empty()) continue;
        Erase(scan.segment(), group * kFragmentGroup + i, &read[i]);
        std::move(read[i].begin(), read[i].end(), std::back_inserter(runs[i]));
      }
    }
    std::vector<SealedWriter::Series> series;
    for (uint32_t i = 0; i < kFragmentGroup; ++i) {
      if (runs[i].empty()) continue;
      MergeRuns(&runs[i]);
      JoinRuns(&runs[i]);
      if (runs[i].empty()) continue;
      const uint32_t id = group * kFragmentGroup + i;
      if (id < resolutions_.size() && resolutions_[id] > 0) {
        for (SampleBlock& run : runs[i]) Downsample(resolutions_[id], &run);
      }
      const SampleBlock& front = runs[i].front();
      const SampleBlock& back = runs[i].back();
      output_.min_time_ms =
          std::min(output_.min_time_ms, ToMilliseconds(front.timestamps.front(), front.unit));
      output_.max_time_ms =
          std::max(output_.max_time_ms, ToMilliseconds(back.timestamps.back(), back.unit));
      if (id >= has_row_.size()) has_row_.resize(id + size_t{1});
      has_row_[id] = true;
      series.push_back({id, std::move(runs[i])});
    }
    return writer->AddGroup(series);
  }

  // Applies tombstones and retention.
  void Erase(const Segment& segment, uint32_t id, std::vector<SampleBlock>* runs) const {
    const int64_t since = id < kept_since_.size() ? kept_since_[id] : INT64_MAX;
    if (since == INT64_MAX) {
      runs->clear();
      return;
    }
    for (SampleBlock& run : *runs) {
      int64_t first = 0;
      int64_t last = 0;
      if (since != INT64_MIN) {
        BoundsInUnit(INT64_MIN, since - 1, run.unit, &first, &last);
        EraseRange(first, last, &run);
      }
      for (const Tombstone& tombstone : version_->tombstones) {
        if (segment.id > tombstone.last_segment || !tombstone.series.Contains(id)) continue;
        BoundsInUnit(tombstone.min_time_ns, tombstone.max_time_ns, run.unit, &first, &last);
        EraseRange(first, last, &run);
      }
    }
  }

  // Neighbours of one type become one run, so that they become one chunk.
  static void JoinRuns(std::vector<SampleBlock>* runs) {
    size_t kept = 0;
    for (size_t i = 1; i < runs->size(); ++i) {
      SampleBlock& last = (*runs)[kept];
      if (last.type == (*runs)[i].type && last.size() + (*runs)[i].size() <= kMaxChunkSamples) {
        AppendSamples((*runs)[i], 0, (*runs)[i].size(), &last);
      } else if (++kept != i) {
        (*runs)[kept] = std::move((*runs)[i]);
      }
    }
    if (!runs->empty()) runs->resize(kept + 1);
  }

  std::shared_ptr<const PartitionVersion> Next() const {
    auto next = std::make_shared<PartitionVersion>(*engine_->VersionOf(version_->key.day));
    const bool has_grown = next->segments.size() > version_->segments.size();
    const auto begin = next->segments.begin() + static_cast<ptrdiff_t>(first_);
    next->segments.erase(begin, begin + static_cast<ptrdiff_t>(count_));
    if (output_.sample_count > 0) {
      next->segments.insert(next->segments.begin() + static_cast<ptrdiff_t>(first_), output_);
    }
    // What a checkpoint has added meanwhile may be of a series of which nothing else is left; the
    // next rewrite tells.
    if (has_grown) return next;
    const bool is_whole = count_ == version_->segments.size();
    std::vector<uint32_t> gone;
    for (uint32_t id = 0; id < kept_since_.size(); ++id) {
      const bool has_row = id < has_row_.size() && has_row_[id];
      if (kept_since_[id] == INT64_MAX || (is_whole && !has_row)) gone.push_back(id);
    }
    // A tombstone that no segment is old enough for has done its work, once it is known which of
    // its series it has left nothing of.
    if (is_whole) {
      std::erase_if(next->tombstones, [&](const Tombstone& tombstone) {
        return std::none_of(next->segments.begin(), next->segments.end(),
                            [&](const Segment& s) { return s.id <= tombstone.last_segment; });
      });
    }
    next->dead.AddMany(gone);
    return next;
  }

  Engine* engine_;
  std::shared_ptr<const PartitionVersion> version_;
  const size_t first_;
  const size_t count_;
  const Effort effort_;
  Segment output_;
  std::vector<int64_t> kept_since_;
  std::vector<bool> has_row_;         // by id: something of the series is left in what is rewritten
  std::vector<int64_t> resolutions_;  // by id, or empty
  std::deque<SegmentScan> scans_;
  uint64_t damaged_ = 0;
};

Status Engine::RewriteSegments(int32_t day, size_t first, size_t count, Effort effort) {
  ASSIGN_OR_RETURN(auto next, Rewriter(this, VersionOf(day), first, count, effort).Run());
  return PublishVersion(std::move(next), {});
}

std::shared_ptr<const PartitionVersion> Engine::VersionOf(int32_t day) const {
  const MutexLock lock(head_mutex_);
  return partitions_.at(day)->version();
}

std::vector<std::shared_ptr<const PartitionVersion>> Engine::Versions() const {
  const MutexLock lock(head_mutex_);
  std::vector<std::shared_ptr<const PartitionVersion>> result;
  for (const auto& [day, partition] : partitions_) result.push_back(partition->version());
  return result;
}

Status Engine::PublishVersion(std::shared_ptr<const PartitionVersion> next, StoreBatch batch) {
  const int32_t day = next->key.day;
  const auto previous = VersionOf(day);
  const size_t dropped_before = dropped_.size();
  for (const Segment& segment : previous->segments) {
    const bool stays = previous->key == next->key &&
                       std::any_of(next->segments.begin(), next->segments.end(),
                                   [&](const Segment& s) { return s.id == segment.id; });
    if (stays) continue;
    const std::string prefix = SegmentPrefix(previous->key, segment.id);
    DropLater(Family::kChunks, prefix, PrefixEnd(prefix), &batch);
  }
  batch.Put(Family::kMeta, PartitionRowKey(day), EncodeVersion(*next));
  if (Status status = store_->Write(batch, true); !status.ok()) {
    dropped_.resize(dropped_before);
    return status;
  }
  const MutexLock lock(head_mutex_);
  Partition* partition = partitions_.at(day).get();
  partition->set_version(std::move(next));
  ++disk_token_;
  RenewPin();
  return Status::Ok();
}

void Engine::DropLater(Family family, std::string begin, std::string end, StoreBatch* batch) {
  Dropped dropped;
  {
    const MutexLock lock(head_mutex_);
    dropped.pin = PinWatch(*pin_);
  }
  dropped.number = next_dropped_++;
  dropped.family = family;
  dropped.begin = std::move(begin);
  dropped.end = std::move(end);
  std::string row;
  row.push_back(static_cast<char>(family));
  PutBytes(&row, dropped.begin);
  PutBytes(&row, dropped.end);
  batch->Put(Family::kMeta, DroppedKey(dropped.number), std::move(row));
  dropped_.push_back(std::move(dropped));
}

Status Engine::LoadDropped() {
  auto rows = store_->NewIterator(Family::kMeta, "d/", PrefixEnd("d/"));
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key().substr(2);
    std::string_view value = rows->value();
    Dropped dropped;
    std::string_view begin;
    std::string_view end;
    if (!GetKey64(&key, &dropped.number) || value.empty() ||
        static_cast<uint8_t>(value.front()) >= kFamilyCount) {
      continue;
    }
    dropped.family = static_cast<Family>(value.front());
    value.remove_prefix(1);
    if (!GetBytes(&value, &begin) || !GetBytes(&value, &end)) continue;
    dropped.begin = begin;
    dropped.end = end;
    next_dropped_ = std::max(next_dropped_, dropped.number + 1);
    dropped_.push_back(std::move(dropped));
  }
  return rows->status();
}

Status Engine::DropOrphans() {
  for (const auto& version : Versions()) {
    std::vector<uint32_t> named;
    for (const Segment& segment : version->segments) named.push_back(segment.id);
    const std::string partition = PartitionPrefix(version->key);
    auto rows = store_->NewIterator(Family::kChunks, partition, PrefixEnd(partition), false);
    while (rows->Valid()) {
      std::string_view key = rows->key().substr(kPartitionPrefixSize);
      uint32_t segment = 0;
      if (!GetKey32(&key, &segment)) return DataLoss("malformed key of a chunk");
      const std::string prefix = SegmentPrefix(version->key, segment);
      const std::string end = PrefixEnd(prefix);
      const bool is_dropped = std::any_of(dropped_.begin(), dropped_.end(),
                                          [&](const Dropped& d) { return d.begin == prefix; });
      if (!is_dropped && std::find(named.begin(), named.end(), segment) == named.end()) {
        LogInfo("dropping an unfinished segment",
                {{"day", int64_t{version->key.day}}, {"segment", uint64_t{segment}}});
        RETURN_IF_ERROR(store_->DropRange(Family::kChunks, prefix, end));
      }
      rows->Seek(end);
    }
    RETURN_IF_ERROR(rows->status());
  }
  return Status::Ok();
}

void Engine::PurgeDropped() {
  while (!dropped_.empty() && dropped_.front().pin.expired()) {
    const Dropped& dropped = dropped_.front();
    Status status = store_->DropRange(dropped.family, dropped.begin, dropped.end);
    if (status.ok()) {
      StoreBatch batch;
      batch.Delete(Family::kMeta, DroppedKey(dropped.number));
      status = store_->Write(batch, false);
    }
    if (!status.ok()) {
      LogError("cannot drop obsolete rows", {{"reason", status}});
      return;  // tried again in the next round
    }
    dropped_.pop_front();
  }
}

// One rewrite of each day a round: appends and readers get their turn at the lock's holder.
void Engine::SealWindows() {
  const int64_t now_ns = options_.clock->MonotonicNs();
  if (now_ns - settling_since_ns_ >= kSettleNs) {
    settled_segment_ = std::exchange(settling_segment_, next_segment_);
    settling_since_ns_ = now_ns;
  }
  SealMoment moment;
  moment.now_ms = options_.clock->NowMs();
  moment.window_ms = options_.seal_window_ms;
  moment.settled_segment = settled_segment_;
  {
    const MutexLock lock(head_mutex_);
    moment.idle = now_ns - last_append_ns_ >= kIdleNs;
  }
  for (const auto& version : Versions()) {
    const auto plan = NextSeal(version->segments, version->key.day, moment);
    if (!plan.has_value()) continue;
    const Status status = RewriteSegments(version->key.day, plan->first, plan->count, plan->effort);
    if (!status.ok()) {
      LogError("cannot seal a window", {{"day", version->key.day}, {"reason", status}});
    }
  }
}

// One day a round, the oldest first.
Status Engine::DownsampleDay() {
  const auto rules = downsampling_rules();
  const int64_t now_ns = options_.clock->NowNs();
  for (const auto& version : Versions()) {
    const uint64_t in_force = rules->InForce(DayEndNs(version->key.day), now_ns);
    const auto& segments = version->segments;
    if (in_force == 0 || std::all_of(segments.begin(), segments.end(), [&](const Segment& s) {
          return s.downsampling == in_force;
        })) {
      continue;
    }
    return RewriteSegments(version->key.day, 0, segments.size(), Effort::kBest);
  }
  return Status::Ok();
}

Status Engine::ApplyRetention() {
  const int64_t now_ns = options_.clock->NowNs();
  for (const auto& version : Versions()) {
    // Later than the version, so that every policy that has a series in it is known.
    const auto catalog = catalog_.state();
    if (version->next_series_id == 0) continue;
    const int64_t day_end_ms = (version->key.day + 1) * kDayMs;
    if (day_end_ms >= now_ns / 1'000'000) continue;
    const int64_t day_end_ns = DayEndNs(version->key.day);
    bool keeps_any = false;
    const PartitionIndex index(store_.get(), version, {});
    ASSIGN_OR_RETURN(Postings expired,
                     retention_rules()->Expired(index, *catalog, day_end_ns, now_ns));
    RETURN_IF_ERROR(index.ForEachValue(
        kPolicyPair, {},
        [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
          PolicyId id;
          if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
          const PolicyInfo* policy = catalog->Find(id);
          if (policy != nullptr &&
              (policy->duration_ns == 0 || day_end_ns > now_ns - policy->duration_ns)) {
            keeps_any = true;
            return true;
          }
          ASSIGN_OR_RETURN(const Postings series, loader.Load());
          expired |= series;
          return true;
        }));
    if (!expired.empty() && keeps_any) {
      ASSIGN_OR_RETURN(const Postings all, index.All());
      keeps_any = !(all - expired - version->dead).empty();
    }
    if (!keeps_any) {
      RETURN_IF_ERROR(DropPartition(version));
    } else if (!(expired - version->dead).empty() && !version->segments.empty()) {
      // Another policy still needs the day: it is rewritten without what is over.
      RETURN_IF_ERROR(
          RewriteSegments(version->key.day, 0, version->segments.size(), Effort::kBest));
    }
  }
  if (options_.retention_size_bytes == 0) return Status::Ok();
  uint64_t bytes = 0;
  for (int i = 0; i < kFamilyCount; ++i) bytes += store_->TableBytes(static_cast<Family>(i));
  if (bytes <= options_.retention_size_bytes) return Status::Ok();
  for (const auto& version :
       Versions()) {  // the oldest day goes; what is left is looked at next round
    if (version->segments.empty()) continue;
    if ((version->key.day + 1) * kDayMs >= now_ns / 1'000'000) break;
    return DropPartition(version);
  }
  return Status::Ok();
}

// The day goes on empty in its next generation, under keys of its own, so that late samples never
// meet rows that are still to be dropped.
//
// `judged` is what was found to be over. What the head holds of the day is not in it and may be of
// a policy that lives; the checkpoint would move it there unseen.
Status Engine::DropPartition(const std::shared_ptr<const PartitionVersion>& judged) {
  const int32_t day = judged->key.day;
  RETURN_IF_ERROR(CheckpointLocked());
  const auto previous = VersionOf(day);
  if (previous != judged) return Status::Ok();  // there is more in it now: later
  {
    const MutexLock lock(head_mutex_);
    Partition* partition = partitions_.at(day).get();
    if (partition->samples_since_checkpoint > 0 || partition->recents().back()->size() > 0) {
      return Status::Ok();  // somebody writes to it: later
    }
  }
  auto next = std::make_shared<PartitionVersion>();
  next->key = {day, static_cast<uint16_t>(previous->key.generation + 1)};
  StoreBatch batch;
  const size_t dropped_before = dropped_.size();
  const std::string prefix = PartitionPrefix(previous->key);
  for (const Family family :
       {Family::kHashes, Family::kLabels, Family::kPostings, Family::kChunks}) {
    DropLater(family, prefix, PrefixEnd(prefix), &batch);
  }
  batch.Put(Family::kMeta, PartitionRowKey(day), EncodeVersion(*next));
  const MutexLock lock(head_mutex_);
  auto& slot = partitions_.at(day);
  const bool is_quiet = slot->samples_since_checkpoint == 0 && slot->recents().back()->size() == 0;
  if (const Status status = is_quiet ? store_->Write(batch, true) : Status::Ok();
      !is_quiet || !status.ok()) {
    dropped_.resize(dropped_before);
    return status;
  }
  active_series_ -= slot->active_series();
  slot = std::make_unique<Partition>(std::move(next), &pool_);
  ++disk_token_;
  RenewPin();
  metrics_.dropped_partitions->Increment();
  return Status::Ok();
}

}  // namespace tsdb::storage
