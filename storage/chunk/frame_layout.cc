#include "storage/chunk/frame_layout.h"

#include "base/coding.h"
#include "storage/chunk/int_frame.h"

namespace tsdb::storage {
namespace {

// The first byte of a chunk. The two highest bits are zero: room for other layouts.
constexpr uint8_t kTypeMask = 7;
constexpr uint8_t kNoValues = 7;  // in place of a type: a timestamp list
constexpr uint8_t kNanoseconds = 8;
constexpr uint8_t kNoTimestamps = 16;
constexpr uint8_t kStartTimestamps = 32;
constexpr uint8_t kKnownBits = 63;

Status Damaged(const char* what) {
  return DataLoss(std::string("cannot read head of chunk: ") + what);
}

}  // namespace

Status ParseChunkHeader(std::string_view* in, ChunkHeader* header) {
  if (in->empty()) return Damaged("it is empty");
  const uint8_t tag = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  if ((tag & ~kKnownBits) != 0) return Damaged("unknown layout");
  const uint8_t type = tag & kTypeMask;
  header->has_values = type != kNoValues;
  if (header->has_values) {
    if (type > static_cast<uint8_t>(ValueType::kHistogram)) return Damaged("unknown value type");
    header->type = static_cast<ValueType>(type);
  }
  header->unit = (tag & kNanoseconds) != 0 ? TimeUnit::kNanoseconds : TimeUnit::kMilliseconds;
  header->has_timestamps = (tag & kNoTimestamps) == 0;
  header->has_start_timestamps = (tag & kStartTimestamps) != 0;
  if (!header->has_values && (!header->has_timestamps || header->has_start_timestamps)) {
    return Damaged("a timestamp list with other flags");
  }
  uint64_t count = 0;
  if (!GetVarint(in, &count) || count == 0 || count > kMaxChunkSamples) {
    return Damaged("count out of bounds");
  }
  header->count = static_cast<uint32_t>(count);
  header->min_time = 0;
  header->max_time = 0;
  if (!header->has_timestamps) return Status::Ok();
  uint64_t span = 0;
  if (!GetSignedVarint(in, &header->min_time) || !GetVarint(in, &span)) {
    return Damaged("it is cut short");
  }
  header->max_time = static_cast<int64_t>(static_cast<uint64_t>(header->min_time) + span);
  // That many different times, and no overflow.
  if (header->max_time < header->min_time || span < count - 1) return Damaged("time range");
  return Status::Ok();
}

FrameLayout::FrameLayout(const ChunkHeader& header) : header_(header) { Divide(); }

void FrameLayout::Divide() {
  frame_count_ = (header_.count + kMaxFrameSamples - 1) / kMaxFrameSamples;
  frame_length_ = (header_.count + frame_count_ - 1) / frame_count_;
}

size_t FrameLayout::sample_count(size_t frame) const {
  return frame + 1 < frame_count_ ? frame_length_ : header_.count - first_sample(frame);
}

void FrameLayout::SetFrame(size_t frame, size_t size_bytes, int64_t first_time) {
  size_bytes_[frame] = static_cast<int64_t>(size_bytes);
  since_min_[frame] = TimeDifference(first_time, header_.min_time);
}

void FrameLayout::Put(std::string* out) const {
  uint8_t tag = header_.has_values ? static_cast<uint8_t>(header_.type) : kNoValues;
  if (header_.unit == TimeUnit::kNanoseconds) tag |= kNanoseconds;
  if (!header_.has_timestamps) tag |= kNoTimestamps;
  if (header_.has_start_timestamps) tag |= kStartTimestamps;
  out->push_back(static_cast<char>(tag));
  PutVarint(out, header_.count);
  if (header_.has_timestamps) {
    PutSignedVarint(out, header_.min_time);
    PutVarint(out, static_cast<uint64_t>(TimeDifference(header_.max_time, header_.min_time)));
  }
  if (frame_count_ == 1) return;
  EncodeIntFrame(size_bytes_.data(), frame_count_, out);
  if (header_.has_timestamps) EncodeIntFrame(since_min_.data(), frame_count_, out);
}

Status FrameLayout::Parse(std::string_view* in) {
  RETURN_IF_ERROR(ParseChunkHeader(in, &header_));
  Divide();
  if (frame_count_ == 1) return Status::Ok();
  if (!DecodeIntFrame(in, frame_count_, size_bytes_.data())) return Damaged("frame sizes");
  if (!header_.has_timestamps) return Status::Ok();
  if (!DecodeIntFrame(in, frame_count_, since_min_.data())) return Damaged("frame times");
  for (size_t f = 1; f < frame_count_; ++f) {
    if (first_time(f) <= first_time(f - 1)) return Damaged("frame times do not rise");
  }
  if (since_min_[0] != 0 || first_time(frame_count_ - 1) > header_.max_time) {
    return Damaged("frame times disagree with the time range");
  }
  return Status::Ok();
}

bool FrameLayout::TakeFrame(size_t frame, std::string_view* in,
                            std::string_view* frame_bytes) const {
  if (frame_count_ == 1) {
    *frame_bytes = *in;
    in->remove_prefix(in->size());
    return true;
  }
  const int64_t size = size_bytes_[frame];
  if (size < 0 || static_cast<uint64_t>(size) > in->size()) return false;
  *frame_bytes = in->substr(0, static_cast<size_t>(size));
  in->remove_prefix(static_cast<size_t>(size));
  return true;
}

int64_t FrameLayout::first_time(size_t frame) const {
  const int64_t since = frame_count_ == 1 ? 0 : since_min_[frame];
  return static_cast<int64_t>(static_cast<uint64_t>(header_.min_time) +
                              static_cast<uint64_t>(since));
}

bool FrameLayout::Overlaps(size_t frame, int64_t min_time, int64_t max_time) const {
  if (first_time(frame) > max_time) return false;
  return frame + 1 == frame_count_ ? header_.max_time >= min_time
                                   : first_time(frame + 1) > min_time;
}

bool FrameLayout::DecodeTimes(size_t frame, std::string_view* in, int64_t* times) const {
  const size_t count = sample_count(frame);
  if (!DecodeIntFrame(in, count, times) || times[0] != 0) return false;
  const uint64_t first = static_cast<uint64_t>(first_time(frame));
  bool rising = true;
  times[0] = static_cast<int64_t>(first);
  for (size_t i = 1; i < count; ++i) {
    times[i] = static_cast<int64_t>(static_cast<uint64_t>(times[i]) + first);
    rising &= times[i - 1] < times[i];
  }
  if (!rising) return false;
  return frame + 1 == frame_count_ ? times[count - 1] == header_.max_time
                                   : times[count - 1] < first_time(frame + 1);
}

}  // namespace tsdb::storage
