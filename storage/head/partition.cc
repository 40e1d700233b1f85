#include "storage/head/partition.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "storage/head/value_codec.h"

namespace tsdb::storage {
namespace {

bool Has(const SeriesRecord& record, uint8_t flag) { return (record.flags & flag) != 0; }

ValueType TypeOf(uint8_t chunklet_type) { return static_cast<ValueType>(chunklet_type & 7); }
TimeUnit UnitOf(uint8_t chunklet_type) { return static_cast<TimeUnit>(chunklet_type >> 3); }

}  // namespace

void AppendCapture(const BlockPool& pool, const ChainCapture& capture, std::string* out) {
  if (capture.first_block != 0) {
    for (BlockPool::Ref ref = capture.first_block; ref != capture.tail_block;) {
      const Block* block = pool.At(ref);
      out->append(reinterpret_cast<const char*>(block->bytes), Block::kPayload);
      ref = block->next;
    }
    out->append(reinterpret_cast<const char*>(capture.tail), capture.tail_position);
    if (capture.is_open) out->push_back(static_cast<char>(kEscapeEnd));
  }
  if (capture.out_of_order != nullptr) out->append(*capture.out_of_order);
}

Partition::Partition(std::shared_ptr<const PartitionVersion> version, BlockPool* pool)
    : define_from(version->next_series_id),
      version_(std::move(version)),
      pool_(pool),
      next_id_(version_->next_series_id),
      known_from_(next_id_) {
  out_of_order_.emplace_back();
  recents_.push_back(std::make_shared<RecentSeries>(next_id_));
  NoteStored();
}

void Partition::NoteStored() {
  stored_next_id_ = next_id_;
  stored_max_ms_ = INT64_MIN;
  for (const Segment& segment : version_->segments) {
    stored_max_ms_ = std::max(stored_max_ms_, segment.max_time_ms);
  }
}

Partition::~Partition() = default;

uint32_t Partition::FindRaw(Hash128 raw) const {
  const uint32_t id = table_.Find(raw, [&](uint32_t candidate) {
    return slabs_[candidate >> 8][candidate & 255].raw_hash == raw;
  });
  if (id != SeriesTable::kNone || aliases_.empty()) return id;
  const auto alias = aliases_.find(raw);
  return alias == aliases_.end() ? SeriesTable::kNone : alias->second;
}

uint32_t Partition::FindRecent(Hash128 canonical) const {
  for (auto it = recents_.rbegin(); it != recents_.rend(); ++it) {
    const uint32_t id = (*it)->Find(canonical);
    if (id != SeriesTable::kNone) return id;
  }
  return SeriesTable::kNone;
}

void Partition::Learn(Hash128 raw, uint32_t id) {
  SeriesRecord& record = Record(id);
  if (Has(record, SeriesRecord::kHasHash)) {
    if (record.raw_hash != raw) aliases_.emplace(raw, id);
    return;
  }
  record.raw_hash = raw;
  record.flags |= SeriesRecord::kHasHash;
  table_.Insert(raw, id);
}

uint32_t Partition::Create(Hash128 canonical, PolicyId policy, TimeUnit unit,
                           const Labels& labels) {
  const uint32_t id = next_id_++;
  recents_.back()->Add(id, canonical, policy, unit, labels);
  return id;
}

bool Partition::Define(uint32_t id, Hash128 canonical, PolicyId policy, TimeUnit unit,
                       const Labels& labels) {
  if (id < next_id_)
    return true;  // named again after a failed write, or by a record already on disk
  if (id > next_id_) return false;
  Create(canonical, policy, unit, labels);
  return true;
}

SeriesRecord& Partition::Record(uint32_t id) {
  const size_t slab = id >> 8;
  if (slab >= slabs_.size()) slabs_.resize(slab + 1);
  if (slabs_[slab] == nullptr) slabs_[slab] = std::make_unique<SeriesRecord[]>(256);
  SeriesRecord& record = slabs_[slab][id & 255];
  if (!Has(record, SeriesRecord::kKnown)) {
    record.flags |= SeriesRecord::kKnown;
    ++active_series_;
  }
  return record;
}

SeriesRecord* Partition::FindRecord(uint32_t id) {
  const size_t slab = id >> 8;
  if (slab >= slabs_.size() || slabs_[slab] == nullptr) return nullptr;
  SeriesRecord& record = slabs_[slab][id & 255];
  return Has(record, SeriesRecord::kKnown) ? &record : nullptr;
}

Partition::Order Partition::Classify(const SeriesRecord& record, uint8_t chunklet_type,
                                     const RawSample& sample) const {
  if (!Has(record, SeriesRecord::kHasSamples) || sample.time > record.last_time) {
    return Order::kInOrder;
  }
  if (sample.time == record.last_time && sample.payload == record.last_payload &&
      chunklet_type == record.chunklet_type && !Has(record, SeriesRecord::kOverwritten)) {
    return Order::kDuplicate;
  }
  return Order::kOutOfOrder;
}

void Partition::Apply(uint32_t id, SeriesRecord* record, Order order, uint8_t chunklet_type,
                      const RawSample& sample, uint16_t chunk_epoch) {
  ++samples_since_checkpoint;
  const int64_t time_ms = ToMilliseconds(sample.time, UnitOf(chunklet_type));
  min_time_ms = std::min(min_time_ms, time_ms);
  max_time_ms = std::max(max_time_ms, time_ms);
  if (order == Order::kInOrder) {
    AppendInOrder(id, record, chunklet_type, sample, chunk_epoch);
    return;
  }
  if (sample.time == record->last_time) record->flags |= SeriesRecord::kOverwritten;
  OutOfOrder& late = out_of_order_.back()[id];
  OutOfOrder::Item item{sample, chunklet_type, static_cast<uint32_t>(late.text.size()),
                        static_cast<uint32_t>(sample.bytes.size())};
  late.text.append(sample.bytes);
  item.sample.bytes = {};
  late.items.push_back(item);
}

int64_t Partition::StartOf(uint32_t id, const SeriesRecord& record) const {
  if (!Has(record, SeriesRecord::kHasStart)) return 0;
  const auto found = starts_.find(id);
  return found == starts_.end() ? 0 : found->second.start;
}

void Partition::AppendInOrder(uint32_t id, SeriesRecord* record, uint8_t chunklet_type,
                              const RawSample& sample, uint16_t chunk_epoch) {
  const bool continues = Has(*record, SeriesRecord::kOpen) && record->chunk_epoch == chunk_epoch &&
                         record->chunklet_type == chunklet_type;
  if (!continues) StartChunklet(record, chunklet_type, chunk_epoch);
  int64_t start_delta = 0;
  if (sample.start != 0 || Has(*record, SeriesRecord::kHasStart)) {
    record->flags |= SeriesRecord::kHasStart;
    StartState& state = starts_[id];
    if (!continues) state.chunk_start = 0;
    start_delta = static_cast<int64_t>(static_cast<uint64_t>(sample.start) -
                                       static_cast<uint64_t>(state.chunk_start));
    state.start = state.chunk_start = sample.start;
  }
  ChunkletState state{record->last_time, record->last_delta, record->last_payload,
                      record->open_count};
  if (record->open_count == 0) {
    state = {DayStart(day(), UnitOf(chunklet_type)), 0, 0, 0};
  }
  EncodedSample encoded;
  EncodeSample(TypeOf(chunklet_type), sample, start_delta != 0 ? &start_delta : nullptr, &state,
               &encoded);
  if (encoded.is_run && Has(*record, SeriesRecord::kLastIsRun) &&
      pool_->At(record->tail_block)->bytes[record->tail_position - 1] < kMaxRun) {
    ++pool_->At(record->tail_block)->bytes[record->tail_position - 1];
  } else {
    constexpr uint32_t kShort = 8;  // most samples are; a copy of known size is an instruction
    if (encoded.head_size <= kShort && record->tail_position + kShort <= Block::kPayload) {
      std::memcpy(pool_->At(record->tail_block)->bytes + record->tail_position, encoded.head,
                  kShort);
      record->tail_position = static_cast<uint8_t>(record->tail_position + encoded.head_size);
    } else {
      AppendBytes(record, encoded.head, encoded.head_size);
    }
    AppendBytes(record, reinterpret_cast<const uint8_t*>(encoded.tail.data()), encoded.tail.size());
    record->flags =
        static_cast<uint8_t>(encoded.is_run ? record->flags | SeriesRecord::kLastIsRun
                                            : record->flags & ~SeriesRecord::kLastIsRun);
  }
  record->last_time = sample.time;
  record->last_delta = state.delta;
  record->last_payload = sample.payload;
  record->open_count = state.count;
  record->flags = static_cast<uint8_t>((record->flags | SeriesRecord::kHasSamples) &
                                       ~SeriesRecord::kOverwritten);
}

void Partition::StartChunklet(SeriesRecord* record, uint8_t chunklet_type, uint16_t chunk_epoch) {
  if (Has(*record, SeriesRecord::kOpen)) CloseChunklet(record);
  const BlockPool::Ref block = pool_->Allocate();
  if (record->first_block == 0) {
    record->first_block = block;
    record->open_block = 0;
  } else {
    pool_->At(record->tail_block)->next = block;
  }
  // A change of type within one epoch leaves open_block at the first of the epoch's chunklets.
  if (record->open_block == 0 || record->chunk_epoch != chunk_epoch) record->open_block = block;
  record->chunk_epoch = chunk_epoch;
  record->tail_block = block;
  record->tail_position = 0;
  record->chunklet_type = chunklet_type;
  record->open_count = 0;
  record->flags =
      static_cast<uint8_t>((record->flags | SeriesRecord::kOpen) & ~SeriesRecord::kLastIsRun);
  AppendBytes(record, &chunklet_type, 1);
}

void Partition::CloseChunklet(SeriesRecord* record) {
  const uint8_t end = kEscapeEnd;
  AppendBytes(record, &end, 1);
  std::memset(pool_->At(record->tail_block)->bytes + record->tail_position, kChunkletPadding,
              Block::kPayload - record->tail_position);
  record->tail_position = Block::kPayload;
  record->flags =
      static_cast<uint8_t>(record->flags & ~(SeriesRecord::kOpen | SeriesRecord::kLastIsRun));
}

void Partition::AppendBytes(SeriesRecord* record, const uint8_t* bytes, size_t size) {
  while (size > 0) {
    if (record->tail_position == Block::kPayload) {
      const BlockPool::Ref block = pool_->Allocate();
      pool_->At(record->tail_block)->next = block;
      record->tail_block = block;
      record->tail_position = 0;
    }
    const size_t part = std::min<size_t>(size, Block::kPayload - record->tail_position);
    std::memcpy(pool_->At(record->tail_block)->bytes + record->tail_position, bytes, part);
    record->tail_position = static_cast<uint8_t>(record->tail_position + part);
    bytes += part;
    size -= part;
  }
}

bool Partition::FindLatest(uint32_t id, FloatSample* latest) const {
  const size_t slab = id >> 8;
  if (slab >= slabs_.size() || slabs_[slab] == nullptr) return false;
  const SeriesRecord& record = slabs_[slab][id & 255];
  if (!Has(record, SeriesRecord::kHasSamples) || Has(record, SeriesRecord::kOverwritten)) {
    return false;
  }
  latest->timestamp = ToMilliseconds(record.last_time, UnitOf(record.chunklet_type));
  if (latest->timestamp <= stored_max_ms_ && id < stored_next_id_) return false;
  switch (TypeOf(record.chunklet_type)) {
    case ValueType::kFloat:
      latest->value = std::bit_cast<double>(record.last_payload);
      return true;
    case ValueType::kInteger:
    case ValueType::kBoolean:
      latest->value = static_cast<double>(static_cast<int64_t>(record.last_payload));
      return true;
    default:
      return false;
  }
}

bool Partition::EndedBefore(uint32_t id, int64_t min_ns) const {
  const size_t slab = id >> 8;
  if (id < known_from_ || slab >= slabs_.size() || slabs_[slab] == nullptr) return false;
  const SeriesRecord& record = slabs_[slab][id & 255];
  return Has(record, SeriesRecord::kHasSamples) &&
         ToNanoseconds(record.last_time, UnitOf(record.chunklet_type)) < min_ns;
}

bool Partition::Capture(uint32_t id, ChainCapture* capture) const {
  *capture = {};
  const size_t slab = id >> 8;
  if (slab >= slabs_.size() || slabs_[slab] == nullptr) return false;
  const SeriesRecord& record = slabs_[slab][id & 255];
  if (record.first_block != 0) {
    capture->first_block = record.first_block;
    capture->tail_block = record.tail_block;
    capture->tail_position = record.tail_position;
    capture->is_open = Has(record, SeriesRecord::kOpen);
    std::memcpy(capture->tail, pool_->At(record.tail_block)->bytes, record.tail_position);
  }
  std::string late;
  AppendOutOfOrder(id, 0, out_of_order_.size(), &late);
  if (!late.empty()) capture->out_of_order = std::make_shared<const std::string>(std::move(late));
  return capture->first_block != 0 || capture->out_of_order != nullptr;
}

void Partition::AppendOutOfOrder(uint32_t id, size_t first_map, size_t last_map,
                                 std::string* out) const {
  for (size_t i = first_map; i < last_map; ++i) {
    if (out_of_order_[i].empty()) continue;
    const auto found = out_of_order_[i].find(id);
    if (found == out_of_order_[i].end()) continue;
    const OutOfOrder& late = found->second;
    std::vector<const OutOfOrder::Item*> sorted;
    for (const auto& item : late.items) sorted.push_back(&item);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return a->sample.time < b->sample.time; });
    // Of one time the last to arrive; a chunklet has one type.
    std::vector<RawSample> samples;
    uint8_t type = 0;
    const auto flush = [&] {
      if (!samples.empty()) EncodeChunklet(TypeOf(type), UnitOf(type), day(), samples, out);
      samples.clear();
    };
    for (size_t k = 0; k < sorted.size(); ++k) {
      const OutOfOrder::Item& item = *sorted[k];
      if (k + 1 < sorted.size() && sorted[k + 1]->sample.time == item.sample.time) continue;
      if (item.chunklet_type != type) flush();
      type = item.chunklet_type;
      samples.push_back(item.sample);
      samples.back().bytes = std::string_view(late.text).substr(item.text_offset, item.text_size);
    }
    flush();
  }
}

void Partition::FreezeRecents() {
  if (recents_.back()->size() > 0) recents_.push_back(std::make_shared<RecentSeries>(next_id_));
  if (!out_of_order_.back().empty()) out_of_order_.emplace_back();
  frozen_samples += samples_since_checkpoint;
  frozen_min_ms = std::min(frozen_min_ms, min_time_ms);
  frozen_max_ms = std::max(frozen_max_ms, max_time_ms);
  samples_since_checkpoint = 0;
  min_time_ms = INT64_MAX;
  max_time_ms = INT64_MIN;
}

void Partition::DropFrozen(size_t recents, size_t out_of_order) {
  recents_.erase(recents_.begin(), recents_.begin() + static_cast<ptrdiff_t>(recents));
  out_of_order_.erase(out_of_order_.begin(),
                      out_of_order_.begin() + static_cast<ptrdiff_t>(out_of_order));
  frozen_samples = 0;
  frozen_min_ms = INT64_MAX;
  frozen_max_ms = INT64_MIN;
}

size_t Partition::size_bytes() const {
  size_t slabs = 0;
  for (const auto& slab : slabs_) slabs += slab != nullptr ? 256 * sizeof(SeriesRecord) : 0;
  size_t recent = 0;
  for (const auto& series : recents_) recent += series->postings().size_bytes();
  return slabs + table_.size_bytes() + recent;
}

void Partition::Evict() {
  table_.Clear();
  aliases_ = std::unordered_map<Hash128, uint32_t>();  // clear() would keep the memory
  slabs_ = std::vector<std::unique_ptr<SeriesRecord[]>>();
  starts_ = std::unordered_map<uint32_t, StartState>();
  budget_counts = std::unordered_map<uint64_t, uint32_t>();
  active_series_ = 0;
  NoteStored();
  known_from_ = next_id_;
}

}  // namespace tsdb::storage
