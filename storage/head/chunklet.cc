#include "storage/head/chunklet.h"

#include <bit>
#include <limits>

#include "base/check.h"
#include "base/coding.h"
#include "storage/head/histogram_codec.h"
#include "storage/head/value_codec.h"

namespace tsdb::storage {
namespace {

// The greatest that nanoseconds can say.
constexpr int64_t kMsLimit = std::numeric_limits<int64_t>::max() / 1'000'000;

// Wraps instead of overflowing: the decoder wraps back.
int64_t Subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

class Decoder {
 public:
  Decoder(std::string_view in, int32_t day, int64_t min_ns, int64_t max_ns,
          std::vector<SampleBlock>* runs)
      : in_(in), day_(day), min_ns_(min_ns), max_ns_(max_ns), runs_(runs) {}

  Status All() {
    while (!in_.empty()) {
      if (static_cast<uint8_t>(in_.front()) == kChunkletPadding) {
        in_.remove_prefix(1);
        continue;
      }
      if (!One()) return DataLoss("malformed chunklet");
    }
    return Status::Ok();
  }

 private:
  bool Begin() {
    const uint8_t head = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    if (head > 0x0f || (head & 7) > static_cast<uint8_t>(ValueType::kHistogram)) return false;
    type_ = static_cast<ValueType>(head & 7);
    unit_ = static_cast<TimeUnit>(head >> 3);
    BoundsInUnit(min_ns_, max_ns_, unit_, &first_, &last_);
    state_ = {DayStart(day_, unit_), 0, 0, 0};
    start_ = 0;
    text_ = {};
    histogram_.reset();
    block_ = nullptr;
    return true;
  }

  bool One() {
    if (!Begin()) return false;
    for (;;) {
      if (in_.empty()) return false;
      const uint8_t control = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      if (control == kEscapeEnd) return true;
      if (control == kEscapeStart) {
        int64_t delta = 0;
        if (!GetSignedVarint(&in_, &delta)) return false;
        start_ = Sum(start_, delta);
        continue;
      }
      switch (control & kControlMask) {
        case kControlRun:
          if (!Repeat((control & kMaxRun) + 1)) return false;
          break;
        case kControlNewStep: {
          int64_t change = 0;
          if (!GetSignedVarint(&in_, &change)) return false;
          state_.delta = Sum(state_.delta, change);
          [[fallthrough]];
        }
        case kControlStep:
          state_.time = Sum(state_.time, state_.delta);
          if (!Value(control & static_cast<uint8_t>(~kControlMask)) || !Emit()) return false;
          break;
        default:
          return false;
      }
    }
  }

  bool Value(uint8_t kind) {
    if (!IsBytesType(type_)) {
      return DecodeValue(type_, kind, state_.payload, &in_, &state_.payload);
    }
    if (kind == kValueUnchanged) return state_.count > 0;
    if (kind != kValueBytes || !GetBytes(&in_, &text_)) return false;
    histogram_.reset();
    return true;
  }

  // `count` samples with the value and the step of the last one.
  bool Repeat(int count) {
    int64_t span = 0;
    int64_t end = 0;
    const bool at_once = type_ == ValueType::kFloat && start_ == 0 && state_.delta > 0 &&
                         !__builtin_mul_overflow(state_.delta, count, &span) &&
                         !__builtin_add_overflow(state_.time, span, &end) &&
                         state_.time + state_.delta >= first_ && end <= last_;
    SampleBlock* block = at_once ? BlockFor(state_.time + state_.delta) : nullptr;
    if (block == nullptr || !block->start_timestamps.empty()) {
      for (int i = 0; i < count; ++i) {
        state_.time = Sum(state_.time, state_.delta);
        if (!Emit()) return false;
      }
      return true;
    }
    if (!block->empty() && state_.time + state_.delta <= block->timestamps.back()) return false;
    const size_t size = block->timestamps.size() + static_cast<size_t>(count);
    block->floats.resize(size, std::bit_cast<double>(state_.payload));
    for (int i = 0; i < count; ++i) {
      block->timestamps.push_back(state_.time += state_.delta);
    }
    state_.count += static_cast<uint32_t>(count);
    return true;
  }

  SampleBlock* BlockFor(int64_t time) {
    if (block_ != nullptr) return block_;
    if (!runs_->empty()) {
      SampleBlock& back = runs_->back();
      const bool continues = !back.empty() && back.type == type_ && back.unit == unit_ &&
                             back.timestamps.back() < time;
      if (continues) return block_ = &back;
      if (back.empty()) block_ = &back;
    }
    if (block_ == nullptr) block_ = &runs_->emplace_back();
    block_->type = type_;
    block_->unit = unit_;
    return block_;
  }

  bool Emit() {
    ++state_.count;
    const int64_t time = state_.time;
    if (time < first_ || time > last_) return true;
    // Before there is a block, so that damage leaves none without samples behind.
    if (type_ == ValueType::kHistogram && histogram_ == nullptr) {
      Result<HistogramPtr> decoded = DecodeHistogram(text_);
      if (!decoded.ok()) return false;
      histogram_ = *std::move(decoded);
    }
    SampleBlock* block = BlockFor(time);
    if (!block->empty() && time <= block->timestamps.back()) return false;  // damage
    switch (type_) {
      case ValueType::kFloat:
        block->floats.push_back(std::bit_cast<double>(state_.payload));
        break;
      case ValueType::kInteger:
      case ValueType::kBoolean:
        block->integers.push_back(static_cast<int64_t>(state_.payload));
        break;
      case ValueType::kString:
        block->strings.emplace_back(text_);
        break;
      case ValueType::kHistogram:
        block->histograms.push_back(histogram_);
        break;
    }
    if (start_ != 0 && block->start_timestamps.empty()) {
      block->start_timestamps.resize(block->timestamps.size());
    }
    if (start_ != 0 || !block->start_timestamps.empty()) block->start_timestamps.push_back(start_);
    block->timestamps.push_back(time);
    return true;
  }

  std::string_view in_;
  int32_t day_;
  int64_t min_ns_;
  int64_t max_ns_;
  std::vector<SampleBlock>* runs_;

  ValueType type_ = ValueType::kFloat;
  TimeUnit unit_ = TimeUnit::kMilliseconds;
  int64_t first_ = 0;
  int64_t last_ = 0;
  int64_t start_ = 0;
  ChunkletState state_;
  std::string_view text_;
  HistogramPtr histogram_;
  SampleBlock* block_ = nullptr;
};

}  // namespace

void EncodeSample(ValueType type, const RawSample& sample, const int64_t* start_delta,
                  ChunkletState* state, EncodedSample* out) {
  uint8_t* p = out->head;
  if (start_delta != nullptr) {
    *p++ = kEscapeStart;
    p = WriteVarint(p, ZigZag(*start_delta));
  }
  const int64_t delta = Subtract(sample.time, state->time);
  const int64_t change = Subtract(delta, state->delta);
  uint8_t* control = p++;
  if (change != 0) p = WriteVarint(p, ZigZag(change));
  uint8_t kind = kValueUnchanged;
  out->tail = {};
  if (!IsBytesType(type)) {
    kind = EncodeValue(type, state->payload, sample.payload, &p);
  } else if (state->count == 0 || state->payload != sample.payload) {
    kind = kValueBytes;
    p = WriteVarint(p, sample.bytes.size());
    out->tail = sample.bytes;
  }
  out->is_run = change == 0 && kind == kValueUnchanged && start_delta == nullptr;
  *control = out->is_run
                 ? kControlRun
                 : static_cast<uint8_t>((change == 0 ? kControlStep : kControlNewStep) | kind);
  out->head_size = static_cast<uint32_t>(p - out->head);
  *state = {sample.time, delta, sample.payload, state->count + 1};
}

void EncodeChunklet(ValueType type, TimeUnit unit, int32_t day,
                    const std::vector<RawSample>& samples, std::string* out) {
  out->push_back(static_cast<char>(ChunkletType(type, unit)));
  ChunkletState state{DayStart(day, unit), 0, 0, 0};
  int64_t start = 0;
  EncodedSample encoded;
  for (const RawSample& sample : samples) {
    const int64_t start_delta = Subtract(sample.start, start);
    EncodeSample(type, sample, start_delta != 0 ? &start_delta : nullptr, &state, &encoded);
    start = sample.start;
    out->append(reinterpret_cast<const char*>(encoded.head), encoded.head_size);
    out->append(encoded.tail);
  }
  out->push_back(static_cast<char>(kEscapeEnd));
}

Status DecodeChunklets(std::string_view bytes, int32_t day, int64_t min_time_ns,
                       int64_t max_time_ns, std::vector<SampleBlock>* runs) {
  return Decoder(bytes, day, min_time_ns, max_time_ns, runs).All();
}

void BoundsInUnit(int64_t min_ns, int64_t max_ns, TimeUnit unit, int64_t* first, int64_t* last) {
  *first = min_ns;
  *last = max_ns;
  if (unit == TimeUnit::kNanoseconds) return;
  // A millisecond sample stands for its first nanosecond: round the lower bound up, the upper down.
  *last = ToMilliseconds(max_ns, TimeUnit::kNanoseconds);
  *first = ToMilliseconds(min_ns, TimeUnit::kNanoseconds);
  if (min_ns % 1'000'000 != 0) ++*first;
  if (min_ns == std::numeric_limits<int64_t>::min()) *first = min_ns;
  if (max_ns == std::numeric_limits<int64_t>::max()) *last = max_ns;
}

void MillisecondsInNs(int64_t min_ms, int64_t max_ms, int64_t* min_ns, int64_t* max_ns) {
  *min_ns = ToNanoseconds(min_ms, TimeUnit::kMilliseconds);
  *max_ns = std::numeric_limits<int64_t>::max();
  if (max_ms >= kMsLimit) return;
  *max_ns = ToNanoseconds(max_ms + 1, TimeUnit::kMilliseconds);
  if (*max_ns > std::numeric_limits<int64_t>::min()) --*max_ns;
}

int64_t ToNanoseconds(int64_t timestamp, TimeUnit unit) {
  if (unit == TimeUnit::kNanoseconds) return timestamp;
  if (timestamp > kMsLimit) return std::numeric_limits<int64_t>::max();
  if (timestamp < -kMsLimit) return std::numeric_limits<int64_t>::min();
  return timestamp * 1'000'000;
}

}  // namespace tsdb::storage
