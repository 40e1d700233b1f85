#include "storage/chunk/chunk.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/check.h"
#include "base/coding.h"
#include "storage/chunk/float_frame.h"
#include "storage/chunk/frame_layout.h"
#include "storage/chunk/histogram_frame.h"
#include "storage/chunk/int_frame.h"
#include "storage/chunk/string_frame.h"

namespace tsdb::storage {
namespace {

static_assert(kMaxFrameSamples == kMaxIntFrame);

// The encoders that put something in front of the frames, as far as the type needs one.
class FrameEncoder {
 public:
  FrameEncoder(const ColumnView& view, const ChunkHeader& header, Effort effort,
               std::string* preamble)
      : view_(view), header_(header), thorough_(effort == Effort::kBest) {
    if (!header.has_values) return;
    if (view.type == ValueType::kString) strings_.emplace(view.strings, preamble);
    if (view.type == ValueType::kHistogram) histograms_.emplace(view.histograms, preamble);
  }

  void Encode(size_t first, size_t count, std::string* out) const {
    if (header_.has_timestamps) {
      std::array<int64_t, kMaxFrameSamples> since;
      for (size_t i = 0; i < count; ++i) {
        since[i] = TimeDifference(view_.timestamps[first + i], view_.timestamps[first]);
      }
      EncodeIntFrame(since.data(), count, out);
    }
    if (header_.has_start_timestamps) {
      EncodeIntFrame(view_.start_timestamps.data() + first, count, out);
    }
    if (!header_.has_values) return;
    switch (view_.type) {
      case ValueType::kFloat:
        return EncodeFloatFrame(view_.floats.data() + first, count, thorough_, out);
      case ValueType::kInteger:
      case ValueType::kBoolean:
        return EncodeIntFrame(view_.integers.data() + first, count, out);
      case ValueType::kString:
        return strings_->Encode(first, count, out);
      case ValueType::kHistogram:
        return histograms_->Encode(first, count, thorough_, out);
    }
  }

 private:
  const ColumnView& view_;
  const ChunkHeader& header_;
  const bool thorough_;
  std::optional<StringFrameEncoder> strings_;
  std::optional<HistogramFrameEncoder> histograms_;
};

bool StrictlyRising(std::span<const int64_t> times) {
  bool rising = true;
  for (size_t i = 1; i < times.size(); ++i) rising &= times[i - 1] < times[i];
  return rising;
}

void CheckColumns(const ColumnView& view) {
  const size_t count = view.size();
  switch (view.type) {
    case ValueType::kFloat:
      CHECK(view.floats.size() == count);
      break;
    case ValueType::kBoolean:
      CHECK(std::ranges::all_of(view.integers, [](int64_t v) { return v == 0 || v == 1; }));
      [[fallthrough]];
    case ValueType::kInteger:
      CHECK(view.integers.size() == count);
      break;
    case ValueType::kString:
      CHECK(view.strings.size() == count);
      break;
    case ValueType::kHistogram:
      CHECK(view.histograms.size() == count);
      break;
  }
  CHECK(view.start_timestamps.empty() || view.start_timestamps.size() == count);
}

void Encode(const ColumnView& view, Effort effort, bool has_timestamps, bool has_values,
            std::string* out) {
  const size_t count = view.size();
  CHECK(count >= 1 && count <= kMaxChunkSamples);
  CHECK(StrictlyRising(view.timestamps));
  if (has_values) CheckColumns(view);

  ChunkHeader header;
  header.type = view.type;
  header.unit = view.unit;
  header.has_timestamps = has_timestamps;
  header.has_values = has_values;
  header.has_start_timestamps =
      has_values &&
      !std::ranges::all_of(view.start_timestamps, [](int64_t start) { return start == 0; });
  header.count = static_cast<uint32_t>(count);
  header.min_time = view.timestamps.front();
  header.max_time = view.timestamps.back();

  FrameLayout layout(header);
  std::string preamble;
  const FrameEncoder encoder(view, header, effort, &preamble);
  if (layout.frame_count() == 1) {  // nothing to skip: no sizes, no copy
    layout.Put(out);
    out->append(preamble);
    encoder.Encode(0, count, out);
    return;
  }
  std::string frames;
  for (size_t f = 0; f < layout.frame_count(); ++f) {
    const size_t start = frames.size();
    const size_t first = layout.first_sample(f);
    encoder.Encode(first, layout.sample_count(f), &frames);
    layout.SetFrame(f, frames.size() - start, view.timestamps[first]);
  }
  layout.Put(out);
  out->append(preamble);
  out->append(frames);
}

Status Damaged(const char* what) { return DataLoss(std::string("cannot decode chunk: ") + what); }

// Appends frames of one chunk to a block, or takes everything back.
class ChunkDecoder {
 public:
  // `given_times` is empty for a chunk with its own timestamps.
  ChunkDecoder(std::string_view bytes, std::span<const int64_t> given_times, SampleBlock* block)
      : bytes_(bytes), given_times_(given_times), block_(block), old_size_(block->size()) {}

  Status Open() {
    RETURN_IF_ERROR(layout_.Parse(&bytes_));
    const ChunkHeader& header = layout_.header();
    if (!header.has_values) return Damaged("it is a timestamp list");
    if (header.has_timestamps != given_times_.empty()) {
      return Damaged(header.has_timestamps ? "it has timestamps of its own"
                                           : "its timestamps are in another list");
    }
    if (!header.has_timestamps && header.count != given_times_.size()) {
      return Damaged("its count differs from that of its timestamp list");
    }
    if (old_size_ > 0 && (block_->type != header.type || block_->unit != header.unit)) {
      return Damaged("its type or time unit differs from the samples before it");
    }
    // One large value is as large as its bytes; many are bounded, since equal ones take no bytes.
    const size_t budget = header.count == 1 ? std::numeric_limits<size_t>::max() : kMaxDecodedBytes;
    bool ok = true;
    if (header.type == ValueType::kString) ok = strings_.Open(&bytes_, budget);
    if (header.type == ValueType::kHistogram) ok = histograms_.Open(&bytes_, budget);
    return ok ? Status::Ok() : Damaged("malformed dictionary or histogram layouts");
  }

  const FrameLayout& layout() const { return layout_; }

  // Samples [first, last) by position or with times in [min_time, max_time], whichever is the
  // fewer.
  Status Decode(size_t first, size_t last, int64_t min_time, int64_t max_time) {
    for (size_t f = 0; f < layout_.frame_count(); ++f) {
      std::string_view frame;
      if (!layout_.TakeFrame(f, &bytes_, &frame)) return Abandon("a frame is cut short");
      const size_t begin = layout_.first_sample(f);
      const size_t count = layout_.sample_count(f);
      if (begin + count <= first || begin >= last) continue;
      if (layout_.header().has_timestamps && !layout_.Overlaps(f, min_time, max_time)) continue;
      const size_t low = std::max(first, begin) - begin;
      const size_t high = std::min(last, begin + count) - begin;
      RETURN_IF_ERROR(DecodeFrame(f, frame, low, high, min_time, max_time));
    }
    if (!bytes_.empty()) return Abandon("bytes follow its last frame");
    if (block_->size() > old_size_) {
      block_->type = layout_.header().type;
      block_->unit = layout_.header().unit;
    }
    return Status::Ok();
  }

 private:
  Status DecodeFrame(size_t f, std::string_view frame, size_t low, size_t high, int64_t min_time,
                     int64_t max_time) {
    const size_t count = layout_.sample_count(f);
    const int64_t* times = nullptr;
    std::array<int64_t, kMaxFrameSamples> own_times;
    if (layout_.header().has_timestamps) {
      if (!layout_.DecodeTimes(f, &frame, own_times.data())) return Abandon("malformed timestamps");
      times = own_times.data();
      low = static_cast<size_t>(std::lower_bound(times + low, times + high, min_time) - times);
      high = static_cast<size_t>(std::upper_bound(times + low, times + high, max_time) - times);
    } else {
      times = given_times_.data() + layout_.first_sample(f);
    }
    if (low == high) return Status::Ok();
    if (!AppendStarts(&frame, count, low, high)) return Abandon("malformed start timestamps");
    block_->timestamps.insert(block_->timestamps.end(), times + low, times + high);
    if (!AppendValues(&frame, count, low, high)) return Abandon("malformed values");
    if (!frame.empty()) return Abandon("bytes follow the values of a frame");
    return Status::Ok();
  }

  // Before the timestamps are appended.
  bool AppendStarts(std::string_view* frame, size_t count, size_t low, size_t high) {
    std::vector<int64_t>& starts = block_->start_timestamps;
    const size_t size = block_->size();
    if (layout_.header().has_start_timestamps) {
      std::array<int64_t, kMaxFrameSamples> decoded;
      if (!DecodeIntFrame(frame, count, decoded.data())) return false;
      if (starts.empty()) starts.resize(size);  // those before are unknown
      starts.insert(starts.end(), decoded.data() + low, decoded.data() + high);
    } else if (!starts.empty()) {
      starts.resize(size + (high - low));
    }
    return true;
  }

  bool AppendValues(std::string_view* frame, size_t count, size_t low, size_t high) {
    switch (layout_.header().type) {
      case ValueType::kFloat:
        return AppendColumn(frame, count, low, high, DecodeFloatFrame, &block_->floats);
      case ValueType::kInteger:
        return AppendColumn(frame, count, low, high, DecodeIntFrame, &block_->integers);
      case ValueType::kBoolean: {
        const size_t size = block_->integers.size();
        return AppendColumn(frame, count, low, high, DecodeIntFrame, &block_->integers) &&
               std::all_of(block_->integers.begin() + static_cast<ptrdiff_t>(size),
                           block_->integers.end(), [](int64_t v) { return v == 0 || v == 1; });
      }
      case ValueType::kString:
        return strings_.Decode(frame, count, low, high - low, &block_->strings);
      case ValueType::kHistogram:
        return histograms_.Decode(frame, count, low, high - low, &block_->histograms);
    }
    return false;
  }

  template <typename T>
  static bool AppendColumn(std::string_view* frame, size_t count, size_t low, size_t high,
                           bool (*decode)(std::string_view*, size_t, T*), std::vector<T>* column) {
    const size_t size = column->size();
    if (low == 0 && high == count) {
      column->resize(size + count);
      return decode(frame, count, column->data() + size);
    }
    T decoded[kMaxFrameSamples];
    if (!decode(frame, count, decoded)) return false;
    column->insert(column->end(), decoded + low, decoded + high);
    return true;
  }

  Status Abandon(const char* why) {
    const auto cut = [this](auto* column) {
      if (column->size() > old_size_) column->resize(old_size_);
    };
    cut(&block_->timestamps);
    cut(&block_->floats);
    cut(&block_->integers);
    cut(&block_->strings);
    cut(&block_->histograms);
    // Zeros that say what an empty column said before: unknown.
    cut(&block_->start_timestamps);
    return Damaged(why);
  }

  std::string_view bytes_;
  std::span<const int64_t> given_times_;
  SampleBlock* block_;
  const size_t old_size_;
  FrameLayout layout_;
  StringFrameDecoder strings_;
  HistogramFrameDecoder histograms_;
};

constexpr int64_t kMinTime = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxTime = std::numeric_limits<int64_t>::max();

}  // namespace

ColumnView ColumnView::Of(const SampleBlock& block) {
  ColumnView view;
  view.type = block.type;
  view.unit = block.unit;
  view.timestamps = block.timestamps;
  view.floats = block.floats;
  view.integers = block.integers;
  view.strings = block.strings;
  view.histograms = block.histograms;
  view.start_timestamps = block.start_timestamps;
  return view;
}

ColumnView ColumnView::Slice(size_t first, size_t count) const {
  const auto cut = [&](auto column) {
    return column.empty() ? column : column.subspan(first, count);
  };
  ColumnView view = *this;
  view.timestamps = cut(timestamps);
  view.floats = cut(floats);
  view.integers = cut(integers);
  view.strings = cut(strings);
  view.histograms = cut(histograms);
  view.start_timestamps = cut(start_timestamps);
  return view;
}

size_t ChunkPrefix(const ColumnView& view) {
  const size_t count = std::min(view.size(), kMaxChunkSamples);
  if (view.type != ValueType::kString && view.type != ValueType::kHistogram) return count;
  size_t left = kMaxDecodedBytes;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = view.type == ValueType::kString ? DecodedSize(view.strings[i])
                                                        : DecodedSize(*view.histograms[i]);
    if (size > left) return std::max<size_t>(i, 1);
    left -= size;
  }
  return count;
}

void EncodeChunk(const ColumnView& view, Effort effort, std::string* out) {
  Encode(view, effort, /*has_timestamps=*/true, /*has_values=*/true, out);
}

void EncodeValues(const ColumnView& view, Effort effort, std::string* out) {
  Encode(view, effort, /*has_timestamps=*/false, /*has_values=*/true, out);
}

void EncodeTimestamps(std::span<const int64_t> timestamps, TimeUnit unit, std::string* out) {
  ColumnView view;
  view.unit = unit;
  view.timestamps = timestamps;
  Encode(view, Effort::kFast, /*has_timestamps=*/true, /*has_values=*/false, out);
}

Result<ChunkHeader> PeekChunk(std::string_view bytes) {
  ChunkHeader header;
  RETURN_IF_ERROR(ParseChunkHeader(&bytes, &header));
  return header;
}

Status DecodeChunk(std::string_view bytes, SampleBlock* block) {
  return DecodeChunkRange(bytes, kMinTime, kMaxTime, block);
}

Status DecodeChunkRange(std::string_view bytes, int64_t min_time, int64_t max_time,
                        SampleBlock* block) {
  ChunkDecoder decoder(bytes, {}, block);
  RETURN_IF_ERROR(decoder.Open());
  return decoder.Decode(0, decoder.layout().header().count, min_time, max_time);
}

Status DecodeTimestamps(std::string_view bytes, std::vector<int64_t>* timestamps) {
  FrameLayout layout;
  RETURN_IF_ERROR(layout.Parse(&bytes));
  if (layout.header().has_values) return Damaged("it is not a timestamp list");
  const size_t old_size = timestamps->size();
  timestamps->resize(old_size + layout.header().count);
  for (size_t f = 0; f < layout.frame_count(); ++f) {
    std::string_view frame;
    if (!layout.TakeFrame(f, &bytes, &frame) ||
        !layout.DecodeTimes(f, &frame, timestamps->data() + old_size + layout.first_sample(f)) ||
        !frame.empty()) {
      timestamps->resize(old_size);
      return Damaged("malformed timestamps");
    }
  }
  if (bytes.empty()) return Status::Ok();
  timestamps->resize(old_size);
  return Damaged("bytes follow its last frame");
}

Status DecodeValues(std::string_view bytes, std::span<const int64_t> timestamps, size_t first,
                    size_t count, SampleBlock* block) {
  CHECK(first <= timestamps.size() && count <= timestamps.size() - first);
  if (timestamps.empty()) return Damaged("its timestamp list is empty");
  ChunkDecoder decoder(bytes, timestamps, block);
  RETURN_IF_ERROR(decoder.Open());
  return decoder.Decode(first, first + count, kMinTime, kMaxTime);
}

}  // namespace tsdb::storage
