#include "storage/sealed_segment.h"

#include <algorithm>

#include "base/coding.h"
#include "storage/downsample.h"
#include "storage/head/chunklet.h"
#include "storage/select/merge.h"

namespace tsdb::storage {
namespace {

constexpr uint64_t kTableBytes = 64 << 20;
// What an entry of a row is. Persisted.
constexpr char kWholeChunk = 0;   // length, chunk
constexpr char kValueChunk = 1;   // list number, length, value chunk
constexpr char kDownsampled = 2;  // length, chunk, length, weights

// A shared list pays when it is longer than its reference.
constexpr size_t kMinShared = 4;

void AppendDownsampled(const SampleBlock& run, Effort effort, std::string* row) {
  for (size_t first = 0; first < run.size(); first += kMaxChunkSamples) {
    SampleBlock part;
    part.type = run.type;
    part.unit = run.unit;
    AppendSamples(run, first, std::min(kMaxChunkSamples, run.size() - first), &part);
    std::string chunk;
    std::string weights;
    EncodeChunk(ColumnView::Of(part), effort, &chunk);
    PutWeights(part, &weights);
    row->push_back(kDownsampled);
    PutBytes(row, chunk);
    PutBytes(row, weights);
  }
}

}  // namespace

Hash128 SealedWriter::HashOf(const SampleBlock& run) {
  const std::string_view bytes(reinterpret_cast<const char*>(run.timestamps.data()),
                               run.timestamps.size() * sizeof(int64_t));
  return HashBytes128(bytes, static_cast<uint64_t>(run.unit));
}

Status SealedWriter::AddGroup(const std::vector<Series>& group) {
  seen_.clear();
  for (const Series& series : group) {
    for (const SampleBlock& run : series.runs) {
      if (run.size() >= kMinShared && run.size() <= kMaxChunkSamples) ++seen_[HashOf(run)];
    }
  }
  std::string row;
  for (const Series& series : group) {
    row.clear();
    for (const SampleBlock& run : series.runs) AppendChunks(run, &row);
    if (!row.empty()) RETURN_IF_ERROR(AddRow(series.id, row));
  }
  return Status::Ok();
}

void SealedWriter::AppendChunks(const SampleBlock& run, std::string* row) {
  sample_count_ += run.size();
  const ColumnView whole = ColumnView::Of(run);
  std::string chunk;
  if (!run.weights.empty()) {
    AppendDownsampled(run, effort_, row);
    return;
  }
  if (run.size() >= kMinShared && ChunkPrefix(whole) == run.size()) {
    const Hash128 hash = HashOf(run);
    auto list = lists_.find(hash);
    if (list == lists_.end() && seen_[hash] > 1) {
      list = lists_.emplace(hash, static_cast<uint32_t>(encoded_lists_.size())).first;
      encoded_lists_.emplace_back();
      EncodeTimestamps(run.timestamps, run.unit, &encoded_lists_.back());
    }
    if (list != lists_.end()) {
      EncodeValues(whole, effort_, &chunk);
      row->push_back(kValueChunk);
      PutVarint(row, list->second);
      PutBytes(row, chunk);
      return;
    }
  }
  for (size_t first = 0; first < whole.size();) {
    const ColumnView rest = whole.Slice(first, whole.size() - first);
    const size_t count = ChunkPrefix(rest);
    chunk.clear();
    EncodeChunk(rest.Slice(0, count), effort_, &chunk);
    row->push_back(kWholeChunk);
    PutBytes(row, chunk);
    first += count;
  }
}

Status SealedWriter::AddRow(uint32_t row, std::string_view value) {
  if (tables_.empty() || tables_.back()->size_bytes() > kTableBytes) {
    if (!tables_.empty()) RETURN_IF_ERROR(tables_.back()->Finish());
    ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kChunks));
    tables_.push_back(std::move(table));
  }
  size_bytes_ += value.size();
  return tables_.back()->Add(ChunkKey(partition_, segment_, row), value);
}

Status SealedWriter::Finish() {
  for (size_t i = 0; i < encoded_lists_.size(); ++i) {
    RETURN_IF_ERROR(AddRow(kFirstTimestampList + static_cast<uint32_t>(i), encoded_lists_[i]));
  }
  return tables_.empty() ? Status::Ok() : tables_.back()->Finish();
}

namespace {

// Where a chunk's samples, the first of which is at `first_time` or later, go: to the run before
// where they continue it, so that a reader gets one long run, or to a new one.
SampleBlock* RunFor(const ChunkHeader& header, int64_t first_time, std::vector<SampleBlock>* runs) {
  if (!runs->empty()) {
    SampleBlock& last = runs->back();
    const bool continues = last.type == header.type && last.unit == header.unit &&
                           last.weights.empty() && !last.empty() &&
                           last.timestamps.back() < first_time &&
                           last.size() + header.count <= kMaxChunkSamples;
    if (continues || last.empty()) return &last;
  }
  return &runs->emplace_back();
}

Status DecodeWhole(std::string_view chunk, int64_t min_ns, int64_t max_ns,
                   std::vector<SampleBlock>* runs) {
  ASSIGN_OR_RETURN(const ChunkHeader header, PeekChunk(chunk));
  int64_t first = 0;
  int64_t last = 0;
  BoundsInUnit(min_ns, max_ns, header.unit, &first, &last);
  if (header.max_time < first || header.min_time > last) return Status::Ok();
  SampleBlock* block = RunFor(header, header.min_time, runs);
  if (header.min_time >= first && header.max_time <= last) return DecodeChunk(chunk, block);
  return DecodeChunkRange(chunk, first, last, block);
}

Status DecodeShared(std::string_view chunk, uint32_t list, const TimestampListReader& lists,
                    int64_t min_ns, int64_t max_ns, std::vector<SampleBlock>* runs) {
  ASSIGN_OR_RETURN(const ChunkHeader header, PeekChunk(chunk));
  ASSIGN_OR_RETURN(const auto times, lists(list));
  int64_t first = 0;
  int64_t last = 0;
  BoundsInUnit(min_ns, max_ns, header.unit, &first, &last);
  const auto begin = std::lower_bound(times->begin(), times->end(), first);
  const auto end = std::upper_bound(begin, times->end(), last);
  if (begin == end) return Status::Ok();
  return DecodeValues(chunk, *times, static_cast<size_t>(begin - times->begin()),
                      static_cast<size_t>(end - begin), RunFor(header, *begin, runs));
}

Status DecodeDownsampled(std::string_view chunk, std::string_view weights, int64_t min_ns,
                         int64_t max_ns, std::vector<SampleBlock>* runs) {
  SampleBlock* block = &runs->emplace_back();
  RETURN_IF_ERROR(DecodeChunk(chunk, block));
  if (block->type != ValueType::kFloat || !GetWeights(weights, block)) {
    block->Clear();
    return DataLoss("malformed weights of a downsampled chunk");
  }
  int64_t first = 0;
  int64_t last = 0;
  BoundsInUnit(min_ns, max_ns, block->unit, &first, &last);
  if (first > INT64_MIN) EraseRange(INT64_MIN, first - 1, block);
  if (last < INT64_MAX) EraseRange(last + 1, INT64_MAX, block);
  return Status::Ok();
}

// One chunk of a row.
struct Entry {
  char kind = kWholeChunk;
  uint64_t list = 0;
  std::string_view chunk;
  std::string_view weights;
  std::string_view bytes;  // all of it
};

bool GetEntry(std::string_view* row, Entry* entry) {
  const std::string_view whole = *row;
  entry->kind = row->front();
  row->remove_prefix(1);
  if (entry->kind > kDownsampled || (entry->kind == kValueChunk && !GetVarint(row, &entry->list)) ||
      !GetBytes(row, &entry->chunk) ||
      (entry->kind == kDownsampled && !GetBytes(row, &entry->weights))) {
    return false;
  }
  entry->bytes = whole.substr(0, whole.size() - row->size());
  return true;
}

Status DecodeEntry(const Entry& entry, const TimestampListReader& lists, int64_t min_ns,
                   int64_t max_ns, std::vector<SampleBlock>* runs) {
  if (entry.kind == kWholeChunk) return DecodeWhole(entry.chunk, min_ns, max_ns, runs);
  if (entry.kind == kDownsampled) {
    return DecodeDownsampled(entry.chunk, entry.weights, min_ns, max_ns, runs);
  }
  return DecodeShared(entry.chunk, static_cast<uint32_t>(entry.list), lists, min_ns, max_ns, runs);
}

Result<bool> HasNumbers(const Entry& entry, const TimestampListReader& lists, int64_t min_ns,
                        int64_t max_ns) {
  ASSIGN_OR_RETURN(const ChunkHeader header, PeekChunk(entry.chunk));
  if (header.type == ValueType::kString) return false;
  int64_t first = 0;
  int64_t last = 0;
  BoundsInUnit(min_ns, max_ns, header.unit, &first, &last);
  if (entry.kind == kValueChunk) {
    ASSIGN_OR_RETURN(const auto times, lists(static_cast<uint32_t>(entry.list)));
    const auto time = std::lower_bound(times->begin(), times->end(), first);
    return time != times->end() && *time <= last;
  }
  if (header.max_time < first || header.min_time > last) return false;
  if (header.min_time >= first || header.max_time <= last) return true;
  SampleBlock block;
  RETURN_IF_ERROR(DecodeChunkRange(entry.chunk, first, last, &block));
  return !block.empty();
}

}  // namespace

Result<bool> SealedHasNumbers(std::string_view row, const TimestampListReader& lists,
                              int64_t min_ns, int64_t max_ns) {
  Status damage;
  while (!row.empty()) {
    Entry entry;
    if (!GetEntry(&row, &entry)) return DataLoss("malformed row of a sealed segment");
    const Result<bool> found = HasNumbers(entry, lists, min_ns, max_ns);
    if (found.ok() && *found) return true;
    if (!found.ok() && damage.ok()) damage = found.status();
  }
  if (!damage.ok()) return damage;
  return false;
}

Status DecodeSealed(std::string_view row, const TimestampListReader& lists, int64_t min_ns,
                    int64_t max_ns, std::vector<SampleBlock>* runs) {
  Status result;
  while (!row.empty()) {
    Entry entry;
    if (!GetEntry(&row, &entry)) return DataLoss("malformed row of a sealed segment");
    const Status status = DecodeEntry(entry, lists, min_ns, max_ns, runs);
    if (!status.ok() && result.ok()) result = status;
  }
  return result;
}

std::string KeepReadableChunks(std::string_view row, const TimestampListReader& lists) {
  std::string kept;
  Entry entry;
  while (!row.empty() && GetEntry(&row, &entry)) {
    std::vector<SampleBlock> runs;
    if (DecodeEntry(entry, lists, INT64_MIN, INT64_MAX, &runs).ok()) kept += entry.bytes;
  }
  return kept;
}

}  // namespace tsdb::storage
