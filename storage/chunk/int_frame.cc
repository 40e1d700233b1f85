#include "storage/chunk/int_frame.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/check.h"
#include "base/coding.h"

namespace tsdb::storage {
namespace {

// How values became residuals. Persisted in the low bits of a frame's first byte.
enum Order : uint8_t { kConstant = 0, kPlain = 1, kDelta = 2, kDoubleDelta = 3 };
constexpr uint8_t kOrderMask = 3;
constexpr uint8_t kHasDivisor = 4;
constexpr uint8_t kHasExceptions = 8;
// Alone: a bit for each value but the first says whether it differs from the one before, then a
// frame of those that differ and the first.
constexpr uint8_t kRuns = 16;
constexpr uint8_t kKnownFlags = kOrderMask | kHasDivisor | kHasExceptions;

uint64_t U(int64_t v) { return static_cast<uint64_t>(v); }
int64_t S(uint64_t v) { return static_cast<int64_t>(v); }
int64_t Sub(int64_t a, int64_t b) { return S(U(a) - U(b)); }
unsigned BitWidth(uint64_t v) { return static_cast<unsigned>(std::bit_width(v)); }
unsigned SignedVarintSize(int64_t v) { return (std::max(BitWidth(ZigZag(v)), 1U) + 6) / 7; }

// Residuals in [base, base + 2^width) are packed, others are exceptions.
struct Window {
  int64_t base = 0;
  unsigned width = 0;
  bool has_exceptions = false;
  uint64_t cost_bits = 0;
};

// Bits of one exception whose distance from the base has `bits` bits: its position and a signed
// varint.
constexpr uint64_t ExceptionBits(unsigned bits) { return 8 + 8 * ((bits + 7) / 7); }

// histogram[b] residuals need b bits, at most `max_bits`, as their distance from the reference; a
// centered window has the reference in its middle. Improves `best` where a smaller width with
// exceptions is cheaper.
void TryWidths(const std::array<uint16_t, 65>& histogram, unsigned max_bits, size_t count,
               int64_t reference, bool centered, Window* best) {
  uint64_t exceptions_bits = 8;
  for (unsigned width = max_bits; width-- > 0;) {
    exceptions_bits += histogram[width + 1] * ExceptionBits(width + 1);
    const uint64_t cost = count * width + exceptions_bits;
    if (cost >= best->cost_bits) continue;
    best->cost_bits = cost;
    best->width = width;
    best->has_exceptions = true;
    best->base = centered && width > 0 ? Sub(reference, S(uint64_t{1} << (width - 1))) : reference;
  }
}

// Median of a few residuals spread over the frame: where most of them lie, whatever the outliers.
int64_t RoughMedian(const int64_t* x, size_t count) {
  constexpr size_t kSamples = 15;
  std::array<int64_t, kSamples> sample;
  for (size_t i = 0; i < kSamples; ++i) sample[i] = x[i * count / kSamples];
  std::nth_element(sample.begin(), sample.begin() + kSamples / 2, sample.end());
  return sample[kSamples / 2];
}

// The cheapest window for every `stride`th of `size` residuals.
Window ChooseWindow(const int64_t* x, size_t size, size_t stride) {
  const size_t count = (size + stride - 1) / stride;
  int64_t min = x[0];
  int64_t max = x[0];
  for (size_t i = 0; i < size; i += stride) {
    min = std::min(min, x[i]);
    max = std::max(max, x[i]);
  }
  Window best;
  best.base = min;
  best.width = BitWidth(U(max) - U(min));
  best.cost_bits = count * best.width;
  constexpr size_t kFewest = 12;  // with fewer values the list of exceptions is not worth its bytes
  if (best.width == 0 || count < kFewest) return best;

  // Two families of windows: above the smallest value, and around the middle.
  const int64_t middle = RoughMedian(x, size);
  std::array<uint16_t, 65> above{};
  std::array<uint16_t, 65> around{};
  unsigned around_max = 0;
  for (size_t i = 0; i < size; i += stride) {
    ++above[BitWidth(U(x[i]) - U(min))];
    const int64_t d = Sub(x[i], middle);
    const unsigned bits = d == 0 ? 0 : BitWidth(U(d ^ (d >> 63))) + 1;
    around_max = std::max(around_max, bits);
    ++around[std::min(bits, 64U)];
  }
  const unsigned full_width = best.width;
  TryWidths(above, full_width, count, min, /*centered=*/false, &best);
  TryWidths(around, std::min(around_max, 64U), count, middle, /*centered=*/true, &best);
  return best;
}

struct Choice {
  Order order = kDelta;
  Window window;
};

// Values of a frame and their first and second differences.
struct Differences {
  const int64_t* plain;
  const int64_t* delta;
  const int64_t* delta2;
  size_t count;
  bool has_divisor;

  const int64_t* residuals(Order order) const {
    return order == kPlain ? plain : order == kDelta ? delta : delta2;
  }
  size_t residual_count(Order order) const { return count + 1 - order; }
};

// The order whose form is the smallest, what comes before the residuals included, by every
// `stride`th residual.
Choice ChooseOrder(const Differences& x, size_t stride) {
  Choice best;
  uint64_t best_cost = ~uint64_t{0};
  const unsigned first_bits = x.has_divisor ? 0 : 8 * SignedVarintSize(x.plain[0]);
  for (Order order : {kDelta, kPlain, kDoubleDelta}) {
    if (x.residual_count(order) == 0) continue;
    const Window window = ChooseWindow(x.residuals(order), x.residual_count(order), stride);
    uint64_t cost = window.cost_bits * stride + 8 * SignedVarintSize(window.base);
    if (order != kPlain) cost += first_bits;
    if (order == kDoubleDelta) cost += 8 * SignedVarintSize(x.delta[0]);
    if (cost >= best_cost) continue;
    best_cost = cost;
    best = {order, window};
    if (order == kDelta && window.cost_bits == 0) break;  // nothing is smaller
  }
  return best;
}

// The same, but judging long frames by a part of their residuals unless those prove to be
// untypical.
Choice ChooseForm(const Differences& x) {
  constexpr size_t kLong = 128;
  constexpr size_t kStride = 5;  // odd, as many sources change at every second or fourth scrape
  if (x.count < kLong) return ChooseOrder(x, 1);
  Choice choice = ChooseOrder(x, kStride);
  const uint64_t expected = choice.window.cost_bits * kStride;
  choice.window = ChooseWindow(x.residuals(choice.order), x.residual_count(choice.order), 1);
  if (choice.window.cost_bits > expected + expected / 4 + x.count / 4) return ChooseOrder(x, 1);
  return choice;
}

// The greatest common divisor of all differences to the first value; 1 as soon as it is known to
// be.
uint64_t CommonDivisor(const int64_t* values, size_t count) {
  uint64_t divisor = 0;
  for (size_t i = 1; i < count; ++i) {
    const int64_t d = Sub(values[i], values[0]);
    const uint64_t distance = d < 0 ? 0 - U(d) : U(d);
    if (divisor == 0) {
      divisor = distance;
    } else if (std::has_single_bit(divisor) ? (distance & (divisor - 1)) != 0
                                            : distance % divisor != 0) {
      divisor = std::gcd(divisor, distance);
    }
    if (divisor == 1) return 1;
  }
  return divisor;
}

void PutPacked(const int64_t* x, size_t count, const Window& window, std::string* out) {
  const unsigned width = window.width;
  if (width == 0) return;
  const size_t size = (count * width + 7) / 8;
  const size_t start = out->size();
  out->resize(start + size + 8);
  char* to = out->data() + start;
  const uint64_t limit = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  unsigned __int128 pending = 0;
  unsigned pending_bits = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t residual = U(x[i]) - U(window.base);
    if (residual > limit) residual = 0;  // an exception
    pending |= static_cast<unsigned __int128>(residual) << pending_bits;
    pending_bits += width;
    if (pending_bits >= 64) {
      const uint64_t word = static_cast<uint64_t>(pending);
      std::memcpy(to, &word, 8);
      to += 8;
      pending >>= 64;
      pending_bits -= 64;
    }
  }
  const uint64_t word = static_cast<uint64_t>(pending);
  std::memcpy(to, &word, 8);
  out->resize(start + size);
}

void PutExceptions(const int64_t* x, size_t count, const Window& window, std::string* out) {
  const uint64_t limit = (uint64_t{1} << window.width) - 1;  // width < 64 with exceptions
  std::string list;
  uint64_t exceptions = 0;
  size_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t residual = U(x[i]) - U(window.base);
    if (residual <= limit) continue;
    PutVarint(&list, i - next);
    PutSignedVarint(&list, S(residual));
    next = i + 1;
    ++exceptions;
  }
  PutVarint(out, exceptions);
  out->append(list);
}

bool PatchExceptions(std::string_view* in, size_t count, uint64_t* residuals) {
  uint64_t exceptions = 0;
  if (!GetVarint(in, &exceptions) || exceptions > count) return false;
  size_t next = 0;
  for (uint64_t i = 0; i < exceptions; ++i) {
    uint64_t gap = 0;
    int64_t residual = 0;
    if (!GetVarint(in, &gap) || !GetSignedVarint(in, &residual)) return false;
    if (gap >= count - next) return false;
    next += gap;
    residuals[next++] = U(residual);
  }
  return true;
}

uint64_t LoadWord(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// Unpacks the first `count` values, or fewer, `kBatch` from each word loaded. Returns how many.
// REQUIRES: 7 + kBatch * width <= 64; eight bytes can be loaded where each of the values begins.
template <size_t kBatch>
size_t UnpackBatches(const char* packed, size_t count, unsigned width, uint64_t* residuals) {
  const uint64_t mask = (uint64_t{1} << width) - 1;
  size_t bit = 0;
  size_t i = 0;
  for (; i + kBatch <= count; i += kBatch, bit += kBatch * width) {
    uint64_t word = LoadWord(packed + (bit >> 3)) >> (bit & 7);
#pragma GCC unroll 6
    for (size_t k = 0; k < kBatch; ++k, word >>= width) residuals[i + k] = word & mask;
  }
  return i;
}

// Unpacks `count` values of 1 to 64 bits from [packed, end), which has at least that many.
void Unpack(const char* packed, const char* end, size_t count, unsigned width,
            uint64_t* residuals) {
  const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
  const size_t size = static_cast<size_t>(end - packed);
  size_t i = 0;
  if (width <= 57 && size >= 8) {
    const size_t safe = std::min(count, ((size - 8) * 8 + 7) / width + 1);
    i = width <= 9    ? UnpackBatches<6>(packed, safe, width, residuals)
        : width <= 14 ? UnpackBatches<4>(packed, safe, width, residuals)
        : width <= 19 ? UnpackBatches<3>(packed, safe, width, residuals)
        : width <= 28 ? UnpackBatches<2>(packed, safe, width, residuals)
                      : UnpackBatches<1>(packed, safe, width, residuals);
  }
  for (size_t bit = i * width; i < count; ++i, bit += width) {
    const size_t at = bit >> 3;
    unsigned __int128 word = 0;
    std::memcpy(&word, packed + at, std::min<size_t>(9, size - at));
    residuals[i] = static_cast<uint64_t>(word >> (bit & 7)) & mask;
  }
}

void EncodePacked(const int64_t* values, size_t count, std::string* out) {
  uint64_t divisor = CommonDivisor(values, count);
  if (divisor == 0) {  // all the same
    out->push_back(static_cast<char>(kConstant));
    PutSignedVarint(out, values[0]);
    return;
  }
  constexpr uint64_t kWorthBits = 24;  // what writing the divisor costs
  if ((BitWidth(divisor) - 1) * count < kWorthBits) divisor = 1;

  std::array<int64_t, kMaxIntFrame> plain;
  std::array<int64_t, kMaxIntFrame> delta;
  std::array<int64_t, kMaxIntFrame> delta2;
  const int64_t* y = values;
  if (divisor > 1) {
    const int shift = std::has_single_bit(divisor) ? std::countr_zero(divisor) : 0;
    for (size_t i = 0; i < count; ++i) {
      const int64_t d = Sub(values[i], values[0]);
      // A divisor of 2^63 is not an int64; the shift serves it as well.
      plain[i] = shift > 0 ? d >> shift : d / S(divisor);
    }
    y = plain.data();
  }
  for (size_t i = 0; i + 1 < count; ++i) delta[i] = Sub(y[i + 1], y[i]);
  for (size_t i = 0; i + 2 < count; ++i) delta2[i] = Sub(delta[i + 1], delta[i]);

  const Differences all = {y, delta.data(), delta2.data(), count, divisor > 1};
  const auto [order, window] = ChooseForm(all);
  const int64_t* x = all.residuals(order);
  const size_t residual_count = all.residual_count(order);

  const uint8_t flags = static_cast<uint8_t>(order | (divisor > 1 ? kHasDivisor : 0) |
                                             (window.has_exceptions ? kHasExceptions : 0));
  out->push_back(static_cast<char>(flags));
  out->push_back(static_cast<char>(window.width));
  if (divisor > 1) PutVarint(out, divisor);
  if (divisor > 1 || order != kPlain) PutSignedVarint(out, values[0]);
  if (order == kDoubleDelta) PutSignedVarint(out, delta[0]);
  PutSignedVarint(out, window.base);
  if (window.has_exceptions) PutExceptions(x, residual_count, window, out);
  PutPacked(x, residual_count, window, out);
}

bool DecodePacked(std::string_view* in, size_t count, int64_t* values) {
  if (in->empty()) return false;
  const uint8_t flags = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  const uint8_t order = flags & kOrderMask;
  int64_t first = 0;
  if (order == kConstant) {
    if (flags != kConstant || !GetSignedVarint(in, &first)) return false;
    std::fill_n(values, count, first);
    return true;
  }
  if ((flags & ~kKnownFlags) != 0 || in->empty()) return false;
  const unsigned width = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  const bool has_divisor = (flags & kHasDivisor) != 0;
  uint64_t divisor = 1;
  int64_t first_delta = 0;
  int64_t base = 0;
  if (width > 64 || (has_divisor && !GetVarint(in, &divisor))) return false;
  if ((has_divisor || order != kPlain) && !GetSignedVarint(in, &first)) return false;
  if (order == kDoubleDelta && (count < 2 || !GetSignedVarint(in, &first_delta))) return false;
  if (!GetSignedVarint(in, &base)) return false;

  const size_t residual_count = order == kPlain ? count : order == kDelta ? count - 1 : count - 2;
  uint64_t residuals[kMaxIntFrame];
  // Exceptions come before the packed bits, but apply after them.
  std::string_view exceptions = *in;
  if ((flags & kHasExceptions) != 0) {
    uint64_t ignored[kMaxIntFrame];
    if (!PatchExceptions(in, residual_count, ignored)) return false;
  }
  const size_t packed_size = (residual_count * width + 7) / 8;
  if (in->size() < packed_size) return false;
  if (width == 0) {
    std::fill_n(residuals, residual_count, uint64_t{0});
  } else {
    Unpack(in->data(), in->data() + in->size(), residual_count, width, residuals);
  }
  in->remove_prefix(packed_size);
  if ((flags & kHasExceptions) != 0) PatchExceptions(&exceptions, residual_count, residuals);

  const uint64_t scaled_base = U(base) * divisor;
  if (divisor != 1) {
    for (size_t i = 0; i < residual_count; ++i) residuals[i] *= divisor;
  }
  if (order == kPlain) {
    const uint64_t offset = has_divisor ? U(first) + scaled_base : scaled_base;
    for (size_t i = 0; i < count; ++i) values[i] = S(residuals[i] + offset);
  } else if (order == kDelta) {
    uint64_t value = U(first);
    values[0] = first;
#pragma GCC unroll 4
    for (size_t i = 0; i < residual_count; ++i) {
      value += residuals[i] + scaled_base;
      values[i + 1] = S(value);
    }
  } else {
    uint64_t delta = U(first_delta) * divisor;
    uint64_t value = U(first) + delta;
    values[0] = first;
    values[1] = S(value);
    for (size_t i = 0; i < residual_count; ++i) {
      delta += residuals[i] + scaled_base;
      value += delta;
      values[i + 2] = S(value);
    }
  }
  return true;
}

// Replaces the frame from `start` on by its form in runs where that is smaller.
void TryRuns(const int64_t* values, size_t count, size_t start, std::string* out) {
  std::array<int64_t, kMaxIntFrame> distinct;
  std::array<char, kMaxIntFrame / 8> bitmap{};
  distinct[0] = values[0];
  size_t changes = 0;
  for (size_t i = 1; i < count; ++i) {
    const bool differs = values[i] != values[i - 1];
    changes += differs ? 1 : 0;
    distinct[changes] = values[i];
    bitmap[(i - 1) / 8] |= static_cast<char>((differs ? 1U : 0U) << ((i - 1) % 8));
  }
  // With few changes a list of exceptions is smaller than a bitmap. Else the bitmap is worth its
  // bits, and the time to decode it, where leaving out what stays saves clearly more.
  constexpr size_t kExceptionBits = 24;
  const size_t packed_bits = (out->size() - start) * 8;
  const size_t saved_bits = (count - 1 - changes) * packed_bits / count;
  if (changes * kExceptionBits < count || saved_bits < count + packed_bits / 32) return;
  std::string runs(1, static_cast<char>(kRuns));
  runs.append(bitmap.data(), (count + 6) / 8);
  EncodePacked(distinct.data(), changes + 1, &runs);
  if (runs.size() >= out->size() - start) return;
  out->resize(start);
  out->append(runs);
}

bool DecodeRuns(std::string_view* in, size_t count, int64_t* values) {
  in->remove_prefix(1);
  const size_t size = (count + 6) / 8;
  if (in->size() < size) return false;
  const std::string_view bitmap = in->substr(0, size);
  in->remove_prefix(size);
  // A bit a value but the first, in words; bits beyond the last value are left out.
  const size_t last = count - 1;
  std::array<uint64_t, kMaxIntFrame / 64> words{};
  std::memcpy(words.data(), bitmap.data(), size);
  if (last % 64 != 0) words[last / 64] &= (uint64_t{1} << last % 64) - 1;
  size_t changes = 0;
  for (const uint64_t word : words) changes += static_cast<size_t>(std::popcount(word));
  std::array<int64_t, kMaxIntFrame> distinct;
  if (!DecodePacked(in, changes + 1, distinct.data())) return false;
  const int64_t* at = distinct.data();
  values[0] = *at;
  for (size_t i = 0; i < last;) {
    uint64_t word = words[i / 64];
    for (const size_t end = std::min(last, i + 64); i < end; ++i, word >>= 1) {
      at += word & 1;
      values[i + 1] = *at;
    }
  }
  return true;
}

}  // namespace

void EncodeIntFrame(const int64_t* values, size_t count, std::string* out) {
  CHECK(count >= 1 && count <= kMaxIntFrame);
  const size_t start = out->size();
  EncodePacked(values, count, out);
  constexpr size_t kLargeEnough = 32;  // bytes; there is little to save below
  if (out->size() - start >= kLargeEnough) TryRuns(values, count, start, out);
}

bool DecodeConstantIntFrame(std::string_view* in, int64_t* value) {
  if (in->empty() || static_cast<uint8_t>(in->front()) != kConstant) return false;
  std::string_view rest = in->substr(1);
  if (!GetSignedVarint(&rest, value)) return false;
  *in = rest;
  return true;
}

bool DecodeIntFrame(std::string_view* in, size_t count, int64_t* values) {
  if (in->empty() || count == 0 || count > kMaxIntFrame) return false;
  if (static_cast<uint8_t>(in->front()) == kRuns) return DecodeRuns(in, count, values);
  return DecodePacked(in, count, values);
}

void EncodeIntColumn(const int64_t* values, size_t count, std::string* out) {
  for (size_t i = 0; i < count; i += kMaxIntFrame) {
    EncodeIntFrame(values + i, std::min(kMaxIntFrame, count - i), out);
  }
}

bool DecodeIntColumn(std::string_view* in, size_t count, int64_t* values) {
  for (size_t i = 0; i < count; i += kMaxIntFrame) {
    if (!DecodeIntFrame(in, std::min(kMaxIntFrame, count - i), values + i)) return false;
  }
  return true;
}

}  // namespace tsdb::storage
