#include "proto/remote_write.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "model/histogram_check.h"
#include "model/histogram_math.h"
#include "proto/histogram_wire.h"
#include "proto/label_rules.h"
#include "proto/label_wire.h"
#include "proto/wire.h"

namespace tsdb::proto {
namespace {

constexpr size_t kReasonsMax = 20;
constexpr int32_t kFinestSchema = 8;
constexpr int32_t kFinestSchemaReserved = 52;

// Memory for label bytes that do not stand in the message as we need them. Pointers stay valid
// until Reset, which keeps one block.
class Arena {
 public:
  char* Allocate(size_t size) {
    if (used_ + size > block_size_) {
      block_size_ = std::max<size_t>(size, kBlockBytes);
      blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
      used_ = 0;
    }
    char* result = blocks_.back().get() + used_;
    used_ += size;
    total_ += size;
    return result;
  }
  void Reset() {
    if (blocks_.size() > 1 || block_size_ > kBlockBytes) {
      blocks_.clear();
      block_size_ = 0;
    }
    used_ = 0;
    total_ = 0;
  }
  size_t total_bytes() const { return total_; }

 private:
  static constexpr size_t kBlockBytes = 256 << 10;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_size_ = 0;
  size_t used_ = 0;
  size_t total_ = 0;
};

// Our enum has the numbers of both messages.
MetricType MetricTypeOf(uint64_t value) {
  if (value > static_cast<uint64_t>(MetricType::kStateset)) return MetricType::kUnknown;
  return static_cast<MetricType>(value);
}

// A double and a timestamp of 2 to 8 bytes, in this order and nothing else.
inline bool ReadUsualSample(const char* begin, const char* end, WriteBatch::Point* point) {
  const std::ptrdiff_t size = end - begin;
  if (size < 12 || size > 18 || begin[0] != 0x09 || begin[9] != 0x10) return false;
  std::memcpy(&point->payload, begin + 1, 8);
  uint64_t timestamp = 0;
  unsigned shift = 0;
  const char* position = begin + 10;
  for (; position != end - 1; ++position, shift += 7) {
    if (*position >= 0) return false;
    timestamp |= static_cast<uint64_t>(*position & 0x7f) << shift;
  }
  if (*position < 0) return false;
  point->timestamp = static_cast<int64_t>(timestamp | static_cast<uint64_t>(*position) << shift);
  return true;
}

// A repeated integer field, packed or not; false when the current field is another.
bool ReadPackedVarints(WireReader* reader, uint32_t field, std::vector<uint64_t>* out) {
  if (reader->Is(field, WireType::kVarint)) {
    out->push_back(reader->Varint());
    return true;
  }
  if (!reader->Is(field, WireType::kBytes)) return false;
  std::string_view packed = reader->Bytes();
  uint64_t value = 0;
  while (!packed.empty()) {
    if (!GetVarint(&packed, &value)) {
      reader->Invalidate();
      break;
    }
    out->push_back(value);
  }
  return true;
}

Status Malformed(std::string_view what, size_t offset) {
  return InvalidArgument("the body is not a remote write message: " + std::string(what) +
                         " at byte " + std::to_string(offset) + " of the uncompressed body");
}

Status TooMany(std::string_view what, size_t limit) {
  return OutOfRange("the request holds more than " + std::to_string(limit) + " " +
                    std::string(what));
}

}  // namespace

// One pass over the message. Points and histograms of the series at hand are appended to the batch
// as they come and taken back when the series turns out to be wrong.
class RemoteWriteDecoder::Impl {
 public:
  explicit Impl(const RemoteWriteLimits& limits) : limits_(limits) {}

  Status DecodeV1(std::string_view message, WriteBatch* batch);
  Status DecodeV2(std::string_view message, WriteBatch* batch);
  const std::vector<RemoteWriteRefusal>& refusals() const { return refusals_; }

 private:
  // Metadata of a 2.0 series; text by symbol.
  struct Metadata2 {
    uint64_t type = 0;
    uint64_t help_ref = 0;
    uint64_t unit_ref = 0;
    friend bool operator==(const Metadata2&, const Metadata2&) = default;
  };
  // Everything of the series at hand that is not in the batch yet.
  struct Current {
    size_t first_series = 0, first_point = 0, first_histogram = 0, first_start = 0,
           first_exemplar = 0;  // where it begins in the batch's columns
    std::vector<std::pair<WriteBatch::Point, int64_t>> histogram_points;  // with start timestamps
    uint32_t refused_histograms = 0;
    std::string refusal;  // why a part of it is refused
    std::vector<uint64_t> label_refs;
    Metadata2 metadata;
  };

  void Begin(std::string_view message, WriteBatch* batch, bool v2);
  void BeginSeries();
  Status EndSeries(std::string_view label_bytes, std::string label_refusal);
  void AddEntries(std::string_view label_bytes);
  void TakeBackSeries();
  void Refuse(uint32_t samples, uint32_t histograms, std::string reason);
  Status CheckLimits() const;
  size_t OffsetOf(const char* position) const {
    return static_cast<size_t>(position - message_.data());
  }

  bool Sample(std::string_view bytes);
  bool HistogramSample(std::string_view bytes);
  void AddExemplar(std::vector<Label> labels, double value, int64_t timestamp_ms);

  Status TimeSeries1(std::string_view bytes);
  bool UsualSeries1(std::string_view bytes);
  std::string_view GatherLabels1(std::string_view bytes);
  bool Exemplar1(std::string_view bytes);
  bool Metadata1(std::string_view bytes);

  Status ReadSymbols(std::string_view message);
  Status TimeSeries2(std::string_view bytes);
  bool Exemplar2(std::string_view bytes);
  bool ReadMetadata2(std::string_view bytes);
  std::string ResolveLabels2(std::string_view* label_bytes);
  void AddMetadata2();
  std::string_view SymbolText(uint64_t ref) const;

  const RemoteWriteLimits limits_;
  Arena arena_;
  std::vector<RemoteWriteRefusal> refusals_;
  std::string_view message_;
  WriteBatch* batch_ = nullptr;
  uint32_t source_index_ = 0;
  Current current_;

  // Of a 2.0 request: each symbol with its length before it, as it stands in the message, and which
  // metadata has been seen for the metric that a symbol names.
  std::vector<std::string_view> symbols_;
  std::vector<Metadata2> metadata_of_symbol_;
};

void RemoteWriteDecoder::Impl::Begin(std::string_view message, WriteBatch* batch, bool v2) {
  batch->Clear();
  batch->encoding = v2 ? SeriesEncoding::kRemoteWrite2 : SeriesEncoding::kRemoteWrite1;
  batch->decoder = v2 ? &RemoteWrite2SeriesDecoder() : &RemoteWrite1SeriesDecoder();
  batch_ = batch;
  message_ = message;
  arena_.Reset();
  refusals_.clear();
  symbols_.clear();
  source_index_ = 0;
}

void RemoteWriteDecoder::Impl::BeginSeries() {
  current_.first_series = batch_->series.size();
  current_.first_point = batch_->points.size();
  current_.first_histogram = batch_->histograms.size();
  current_.first_start = batch_->start_times.size();
  current_.first_exemplar = batch_->exemplars.size();
  current_.histogram_points.clear();
  current_.refused_histograms = 0;
  current_.refusal.clear();
  current_.label_refs.clear();
  current_.metadata = {};
}

void RemoteWriteDecoder::Impl::TakeBackSeries() {
  batch_->series.resize(current_.first_series);
  batch_->points.resize(current_.first_point);
  batch_->histograms.resize(current_.first_histogram);
  batch_->start_times.resize(current_.first_start);
  batch_->exemplars.resize(current_.first_exemplar);
}

void RemoteWriteDecoder::Impl::Refuse(uint32_t samples, uint32_t histograms, std::string reason) {
  if (refusals_.size() >= kReasonsMax) reason.clear();
  refusals_.push_back({source_index_, samples, histograms, std::move(reason)});
}

Status RemoteWriteDecoder::Impl::CheckLimits() const {
  if (batch_->points.size() > limits_.points_max) return TooMany("samples", limits_.points_max);
  if (batch_->histograms.size() > limits_.histograms_max) {
    return TooMany("histograms", limits_.histograms_max);
  }
  if (batch_->exemplars.size() > limits_.exemplars_max) {
    return TooMany("exemplars", limits_.exemplars_max);
  }
  if (batch_->metadata.size() > limits_.metadata_max) {
    return TooMany("metadata entries", limits_.metadata_max);
  }
  if (refusals_.size() > limits_.refusals_max) {
    return TooMany("invalid series", limits_.refusals_max);
  }
  if (arena_.total_bytes() > limits_.resolved_bytes_max) {
    return OutOfRange("the labels of the request take more than " +
                      std::to_string(limits_.resolved_bytes_max) + " bytes");
  }
  return Status::Ok();
}

bool RemoteWriteDecoder::Impl::Sample(std::string_view bytes) {
  WriteBatch::Point point;
  if (ReadUsualSample(bytes.data(), bytes.data() + bytes.size(), &point)) [[likely]] {
    batch_->points.push_back(point);
    return true;
  }
  WireReader reader(bytes);
  point = {};
  int64_t start_timestamp = 0;
  const uint64_t known = batch_->encoding == SeriesEncoding::kRemoteWrite2 ? 0b1110 : 0b110;
  while (reader.Next()) {
    if (reader.Is(1, WireType::kFixed64)) {
      point.payload = reader.Fixed64();
    } else if (reader.Is(2, WireType::kVarint)) {
      point.timestamp = static_cast<int64_t>(reader.Varint());
    } else if (reader.Is(3, WireType::kVarint)) {
      start_timestamp = static_cast<int64_t>(reader.Varint());
    } else {
      reader.SkipUnknown(known);
    }
  }
  if (start_timestamp != 0 && batch_->encoding == SeriesEncoding::kRemoteWrite2) {
    batch_->start_times.push_back({static_cast<uint32_t>(batch_->points.size()), start_timestamp});
  }
  batch_->points.push_back(point);
  return reader.ok();
}

bool RemoteWriteDecoder::Impl::HistogramSample(std::string_view bytes) {
  WireHistogram wire;
  if (!DecodeHistogram(bytes, &wire)) return false;
  // Finer buckets than are kept are merged, as Prometheus does.
  const int32_t schema = wire.histogram.schema;
  const bool is_finer = schema > kFinestSchema && schema <= kFinestSchemaReserved;
  if (is_finer) wire.histogram.schema = kFinestSchema;
  if (Status status = ValidateHistogram(wire.histogram); !status.ok()) {
    ++current_.refused_histograms;
    if (current_.refusal.empty()) current_.refusal = "invalid histogram: " + status.message();
    return true;
  }
  if (is_finer) {
    const CounterResetHint hint = wire.histogram.counter_reset_hint;
    wire.histogram.schema = schema;
    wire.histogram = ReduceSchema(wire.histogram, kFinestSchema);
    wire.histogram.counter_reset_hint = hint;
  }
  current_.histogram_points.push_back(
      {{wire.timestamp_ms, batch_->histograms.size()}, wire.start_timestamp_ms});
  batch_->histograms.push_back(std::make_shared<const Histogram>(std::move(wire.histogram)));
  return true;
}

void RemoteWriteDecoder::Impl::AddExemplar(std::vector<Label> labels, double value,
                                           int64_t timestamp_ms) {
  Result<Labels> checked = CheckedLabelsWithoutName(std::move(labels));
  if (!checked.ok()) {
    Refuse(0, 0, "invalid exemplar: " + checked.status().message());
    return;
  }
  batch_->exemplars.push_back({static_cast<uint32_t>(current_.first_series),
                               {*std::move(checked), value, timestamp_ms, timestamp_ms != 0}});
}

void RemoteWriteDecoder::Impl::AddEntries(std::string_view label_bytes) {
  WriteBatch::Series entry;
  entry.bytes = label_bytes;
  entry.source_index = source_index_;
  entry.first_point = static_cast<uint32_t>(current_.first_point);
  entry.point_count = static_cast<uint32_t>(batch_->points.size() - current_.first_point);
  const bool only_exemplars = entry.point_count == 0 && current_.histogram_points.empty() &&
                              batch_->exemplars.size() > current_.first_exemplar;
  if (entry.point_count > 0 || only_exemplars) batch_->series.push_back(entry);
  if (current_.histogram_points.empty()) return;
  entry.first_point = static_cast<uint32_t>(batch_->points.size());
  entry.point_count = static_cast<uint32_t>(current_.histogram_points.size());
  entry.type = ValueType::kHistogram;
  batch_->series.push_back(entry);
  for (const auto& [point, start_timestamp] : current_.histogram_points) {
    if (start_timestamp != 0) {
      batch_->start_times.push_back(
          {static_cast<uint32_t>(batch_->points.size()), start_timestamp});
    }
    batch_->points.push_back(point);
  }
}

Status RemoteWriteDecoder::Impl::EndSeries(std::string_view label_bytes,
                                           std::string label_refusal) {
  const size_t samples = batch_->points.size() - current_.first_point;
  const size_t histograms = current_.histogram_points.size() + current_.refused_histograms;
  const size_t exemplars = batch_->exemplars.size() - current_.first_exemplar;
  if (label_refusal.empty() && label_bytes.size() > limits_.series_bytes_max) {
    label_refusal = "the labels of the series take " + std::to_string(label_bytes.size()) +
                    " bytes, more than the limit of " + std::to_string(limits_.series_bytes_max);
  }
  // Storage judges the labels of what it stores; nobody else would see those of an empty series.
  if (label_refusal.empty() && samples + histograms + exemplars == 0) {
    Result<Labels> labels = batch_->decoder->Decode(label_bytes, {});
    if (!labels.ok()) label_refusal = labels.status().message();
  }
  if (!label_refusal.empty()) {
    TakeBackSeries();
    Refuse(static_cast<uint32_t>(samples), static_cast<uint32_t>(histograms),
           std::move(label_refusal));
    return CheckLimits();
  }
  if (current_.refused_histograms > 0) {
    Refuse(0, current_.refused_histograms, std::move(current_.refusal));
  }
  AddEntries(label_bytes);
  return CheckLimits();
}

// ---------------------------------------------------------------------------------------------------
// 1.0

Status RemoteWriteDecoder::Impl::DecodeV1(std::string_view message, WriteBatch* batch) {
  Begin(message, batch, /*v2=*/false);
  WireReader reader(message);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      const std::string_view bytes = reader.Bytes();
      if (!reader.ok()) break;
      RETURN_IF_ERROR(TimeSeries1(bytes));
      ++source_index_;
    } else if (reader.Is(3, WireType::kBytes)) {
      const std::string_view bytes = reader.Bytes();
      if (!Metadata1(bytes)) return Malformed("broken metadata", OffsetOf(reader.field_start()));
    } else {
      reader.SkipUnknown(0b1010);
    }
  }
  if (!reader.ok()) return Malformed("broken field", OffsetOf(reader.field_start()));
  return CheckLimits();
}

// Labels, each shorter than 128 bytes, and then samples of a double and a timestamp: what nearly
// every series is. False for any other, of which nothing is kept.
bool RemoteWriteDecoder::Impl::UsualSeries1(std::string_view bytes) {
  constexpr char kLabelTag = 0x0a;
  constexpr char kSampleTag = 0x12;
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* position = begin;
  while (end - position >= 2 && position[0] == kLabelTag && position[1] >= 0) {
    position += 2 + position[1];
  }
  if (position == begin || position >= end) return false;
  WriteBatch::Series entry;
  entry.bytes = {begin, static_cast<size_t>(position - begin)};
  if (entry.bytes.size() > limits_.series_bytes_max) return false;
  const size_t first_point = batch_->points.size();
  while (end - position >= 2 && position[0] == kSampleTag) {
    WriteBatch::Point point;
    const char* const sample_end = position + 2 + position[1];
    if (position[1] < 0 || sample_end > end || !ReadUsualSample(position + 2, sample_end, &point)) {
      break;
    }
    batch_->points.push_back(point);
    position = sample_end;
  }
  if (position != end) {
    batch_->points.resize(first_point);
    return false;
  }
  entry.first_point = static_cast<uint32_t>(first_point);
  entry.point_count = static_cast<uint32_t>(batch_->points.size() - first_point);
  entry.source_index = source_index_;
  batch_->series.push_back(entry);
  return batch_->points.size() <= limits_.points_max;
}

Status RemoteWriteDecoder::Impl::TimeSeries1(std::string_view bytes) {
  if (UsualSeries1(bytes)) return Status::Ok();
  if (batch_->points.size() > limits_.points_max) return CheckLimits();
  BeginSeries();
  const char* labels_begin = bytes.data();
  const char* labels_end = nullptr;
  bool contiguous = true;
  bool valid = true;
  WireReader reader(bytes);
  while (valid && reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      if (labels_end == nullptr) {
        labels_begin = reader.field_start();
      } else if (labels_end != reader.field_start()) {
        contiguous = false;
      }
      reader.Skip();
      labels_end = reader.position();
    } else if (reader.Is(2, WireType::kBytes)) {
      valid = Sample(reader.Bytes());
    } else if (reader.Is(3, WireType::kBytes)) {
      valid = Exemplar1(reader.Bytes());
    } else if (reader.Is(4, WireType::kBytes)) {
      valid = HistogramSample(reader.Bytes());
    } else {
      reader.SkipUnknown(0b11110);
    }
  }
  if (!valid || !reader.ok()) return Malformed("broken time series", OffsetOf(bytes.data()));
  if (!contiguous) return EndSeries(GatherLabels1(bytes), "");
  if (labels_end == nullptr) return EndSeries({}, "the series has no labels");
  return EndSeries({labels_begin, static_cast<size_t>(labels_end - labels_begin)}, "");
}

// Protobuf allows fields in any order, so labels may stand between samples.
std::string_view RemoteWriteDecoder::Impl::GatherLabels1(std::string_view bytes) {
  std::string gathered;
  WireReader reader(bytes);
  while (reader.Next()) {
    const bool is_label = reader.Is(1, WireType::kBytes);
    reader.Skip();
    if (is_label) gathered.append(reader.field_start(), reader.position());
  }
  char* copy = arena_.Allocate(gathered.size());
  std::memcpy(copy, gathered.data(), gathered.size());
  return {copy, gathered.size()};
}

bool RemoteWriteDecoder::Impl::Exemplar1(std::string_view bytes) {
  std::vector<Label> labels;
  double value = 0;
  int64_t timestamp_ms = 0;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      Label label;
      if (!DecodeLabel(reader.Bytes(), &label)) return false;
      labels.push_back(std::move(label));
    } else if (reader.Is(2, WireType::kFixed64)) {
      value = reader.Double();
    } else if (reader.Is(3, WireType::kVarint)) {
      timestamp_ms = static_cast<int64_t>(reader.Varint());
    } else {
      reader.SkipUnknown(0b1110);
    }
  }
  if (!reader.ok()) return false;
  AddExemplar(std::move(labels), value, timestamp_ms);
  return true;
}

bool RemoteWriteDecoder::Impl::Metadata1(std::string_view bytes) {
  WriteBatch::SeriesMetadata entry;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kVarint)) {
      entry.metadata.type = MetricTypeOf(reader.Varint());
    } else if (reader.Is(2, WireType::kBytes)) {
      entry.metric_name = reader.Bytes();
    } else if (reader.Is(4, WireType::kBytes)) {
      entry.metadata.help = reader.Bytes();
    } else if (reader.Is(5, WireType::kBytes)) {
      entry.metadata.unit = reader.Bytes();
    } else {
      reader.SkipUnknown(0b110110);
    }
  }
  if (!reader.ok() || !IsValidUtf8(entry.metric_name) || !IsValidUtf8(entry.metadata.help) ||
      !IsValidUtf8(entry.metadata.unit)) {
    return false;
  }
  if (!entry.metric_name.empty()) batch_->metadata.push_back(std::move(entry));
  return batch_->metadata.size() <= limits_.metadata_max + 1;
}

// ---------------------------------------------------------------------------------------------------
// 2.0

Status RemoteWriteDecoder::Impl::DecodeV2(std::string_view message, WriteBatch* batch) {
  Begin(message, batch, /*v2=*/true);
  RETURN_IF_ERROR(ReadSymbols(message));
  WireReader reader(message);
  while (reader.Next()) {
    if (!reader.Is(5, WireType::kBytes)) {
      const uint64_t known = reader.Is(4, WireType::kBytes) ? 0 : 0b110000;
      reader.SkipUnknown(known);
      continue;
    }
    const std::string_view bytes = reader.Bytes();
    if (!reader.ok()) break;
    RETURN_IF_ERROR(TimeSeries2(bytes));
    ++source_index_;
  }
  if (!reader.ok()) return Malformed("broken field", OffsetOf(reader.field_start()));
  return CheckLimits();
}

// A pass of its own, since protobuf lets symbols follow the series that refer to them.
Status RemoteWriteDecoder::Impl::ReadSymbols(std::string_view message) {
  WireReader reader(message);
  while (reader.Next()) {
    const bool is_symbol = reader.Is(4, WireType::kBytes);
    const char* begin = reader.position();
    reader.Skip();
    if (!is_symbol) continue;
    symbols_.emplace_back(begin, static_cast<size_t>(reader.position() - begin));
    if (symbols_.size() > limits_.symbols_max) return TooMany("symbols", limits_.symbols_max);
  }
  metadata_of_symbol_.assign(symbols_.size(), {});
  if (!reader.ok()) return Malformed("broken field", OffsetOf(reader.field_start()));
  return Status::Ok();
}

std::string_view RemoteWriteDecoder::Impl::SymbolText(uint64_t ref) const {
  std::string_view symbol = symbols_[ref];
  std::string_view text;
  GetBytes(&symbol, &text);
  return text;
}

Status RemoteWriteDecoder::Impl::TimeSeries2(std::string_view bytes) {
  BeginSeries();
  bool valid = true;
  WireReader reader(bytes);
  while (valid && reader.Next()) {
    if (ReadPackedVarints(&reader, 1, &current_.label_refs)) continue;
    if (reader.Is(2, WireType::kBytes)) {
      valid = Sample(reader.Bytes());
    } else if (reader.Is(3, WireType::kBytes)) {
      valid = HistogramSample(reader.Bytes());
    } else if (reader.Is(4, WireType::kBytes)) {
      valid = Exemplar2(reader.Bytes());
    } else if (reader.Is(5, WireType::kBytes)) {
      valid = ReadMetadata2(reader.Bytes());
    } else {
      reader.SkipUnknown(0b111110);
    }
  }
  if (!valid || !reader.ok()) return Malformed("broken time series", OffsetOf(bytes.data()));
  std::string_view label_bytes;
  std::string refusal = ResolveLabels2(&label_bytes);
  const uint64_t metadata_ref = std::max(current_.metadata.help_ref, current_.metadata.unit_ref);
  if (refusal.empty() && metadata_ref >= symbols_.size()) {
    refusal = "the metadata of the series refers to symbol " + std::to_string(metadata_ref) +
              " but the request has only " + std::to_string(symbols_.size());
  }
  if (refusal.empty()) AddMetadata2();
  return EndSeries(label_bytes, std::move(refusal));
}

// Puts the symbols in. Returns why that cannot be done, or nothing.
std::string RemoteWriteDecoder::Impl::ResolveLabels2(std::string_view* label_bytes) {
  const std::vector<uint64_t>& refs = current_.label_refs;
  if (refs.empty()) return "the series has no labels";
  if (refs.size() % 2 != 0) return "the series has an odd number of label references";
  size_t size = 0;
  for (const uint64_t ref : refs) {
    if (ref >= symbols_.size()) {
      return "the series refers to symbol " + std::to_string(ref) + " but the request has only " +
             std::to_string(symbols_.size());
    }
    size += symbols_[ref].size();
    if (size > limits_.series_bytes_max) {
      return "the labels of the series take more than the limit of " +
             std::to_string(limits_.series_bytes_max) + " bytes";
    }
  }
  char* const begin = arena_.Allocate(size);
  char* out = begin;
  for (const uint64_t ref : refs) {
    std::memcpy(out, symbols_[ref].data(), symbols_[ref].size());
    out += symbols_[ref].size();
  }
  *label_bytes = {begin, size};
  return "";
}

bool RemoteWriteDecoder::Impl::Exemplar2(std::string_view bytes) {
  std::vector<uint64_t> refs;
  double value = 0;
  int64_t timestamp_ms = 0;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (ReadPackedVarints(&reader, 1, &refs)) continue;
    if (reader.Is(2, WireType::kFixed64)) {
      value = reader.Double();
    } else if (reader.Is(3, WireType::kVarint)) {
      timestamp_ms = static_cast<int64_t>(reader.Varint());
    } else {
      reader.SkipUnknown(0b1110);
    }
  }
  if (!reader.ok()) return false;
  std::vector<Label> labels;
  size_t size = 0;
  for (size_t i = 0; i + 1 < refs.size(); i += 2) {
    if (refs[i] >= symbols_.size() || refs[i + 1] >= symbols_.size()) break;
    size += symbols_[refs[i]].size() + symbols_[refs[i + 1]].size();
    if (size > limits_.series_bytes_max) break;
    labels.push_back({std::string(SymbolText(refs[i])), std::string(SymbolText(refs[i + 1]))});
  }
  if (labels.size() * 2 != refs.size()) {
    Refuse(0, 0, "invalid exemplar: its label references are odd in number, unknown or too long");
    return true;
  }
  AddExemplar(std::move(labels), value, timestamp_ms);
  return true;
}

bool RemoteWriteDecoder::Impl::ReadMetadata2(std::string_view bytes) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kVarint)) {
      current_.metadata.type = reader.Varint();
    } else if (reader.Is(3, WireType::kVarint)) {
      current_.metadata.help_ref = reader.Varint();
    } else if (reader.Is(4, WireType::kVarint)) {
      current_.metadata.unit_ref = reader.Varint();
    } else {
      reader.SkipUnknown(0b11010);
    }
  }
  return reader.ok();
}

// Every series of a metric repeats its metadata; it is put into the batch once.
void RemoteWriteDecoder::Impl::AddMetadata2() {
  const Metadata2& metadata = current_.metadata;
  if (metadata == Metadata2{}) return;
  const std::vector<uint64_t>& refs = current_.label_refs;
  for (size_t i = 0; i + 1 < refs.size(); i += 2) {
    if (SymbolText(refs[i]) != kMetricName) continue;
    if (metadata_of_symbol_[refs[i + 1]] == metadata) return;
    WriteBatch::SeriesMetadata entry;
    entry.metric_name = SymbolText(refs[i + 1]);
    entry.metadata.type = MetricTypeOf(metadata.type);
    entry.metadata.help = ToValidUtf8(SymbolText(metadata.help_ref));
    entry.metadata.unit = ToValidUtf8(SymbolText(metadata.unit_ref));
    metadata_of_symbol_[refs[i + 1]] = metadata;
    if (!entry.metric_name.empty() && IsValidUtf8(entry.metric_name)) {
      batch_->metadata.push_back(std::move(entry));
    }
    return;
  }
}

// ---------------------------------------------------------------------------------------------------

RemoteWriteDecoder::RemoteWriteDecoder(const RemoteWriteLimits& limits)
    : impl_(std::make_unique<Impl>(limits)) {}
RemoteWriteDecoder::~RemoteWriteDecoder() = default;

Status RemoteWriteDecoder::DecodeV1(std::string_view message, WriteBatch* batch) {
  return impl_->DecodeV1(message, batch);
}

Status RemoteWriteDecoder::DecodeV2(std::string_view message, WriteBatch* batch) {
  return impl_->DecodeV2(message, batch);
}

const std::vector<RemoteWriteRefusal>& RemoteWriteDecoder::refusals() const {
  return impl_->refusals();
}

}  // namespace tsdb::proto
