#include "storage/chunk/float_frame.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/coding.h"
#include "base/float_pair.h"
#include "storage/chunk/int_frame.h"
#include "storage/chunk/xor_frame.h"

namespace tsdb::storage {
namespace {

// The first byte: form in the high three bits, index of the scale in the low five. Persisted.
enum Form : uint8_t {
  kDecimal = 0,            // int frame
  kDecimalExceptions = 1,  // int frame, then positions and bits of values that are no such decimals
  kXor = 2,
  kConstantBits = 3,  // one value's 64 bits
  kBits = 4,  // int frame of the values' bits: full mantissas of a few neighbouring exponents
};
constexpr unsigned kScaleBits = 5;
constexpr uint8_t kScaleMask = 31;

// Powers of ten as far as they leave digits, then 60: rates over a minute of whole events, as
// Flink's meters give them. Persisted by index: only append.
constexpr unsigned kPowersOfTen = 16;
constexpr std::array<double, 17> kScales = {1,   1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7, 1e8,
                                            1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 60};

// Adding and taking away 1.5 * 2^52 rounds to a whole number, and leaves it in the low bits of the
// sum.
constexpr double kRounder = 6755399441055744.0;
constexpr double kMaxRounded = 2251799813685248.0;  // 2^51

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

double FromWhole(int64_t whole, double scale) { return static_cast<double>(whole) / scale; }

// The whole number that decodes to exactly `value`, if there is one.
bool ToWhole(double value, unsigned scale_index, int64_t* whole) {
  if (scale_index == 0) {
    // Any whole double that is an int64, also those above 2^53.
    if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return false;
    *whole = static_cast<int64_t>(value);
    return SameBits(static_cast<double>(*whole), value);
  }
  const double scaled = value * kScales[scale_index];
  if (!(std::fabs(scaled) < kMaxRounded)) return false;
  *whole = std::bit_cast<int64_t>(scaled + kRounder) - std::bit_cast<int64_t>(kRounder);
  return SameBits(FromWhole(*whole, kScales[scale_index]), value);
}

bool IsSpecial(double value) {  // never a decimal, whatever the scale
  return !std::isfinite(value) || SameBits(value, -0.0);
}

// The least power of ten from `from` on that makes `value` whole, or kPowersOfTen.
unsigned LeastPower(double value, unsigned from) {
  int64_t whole = 0;
  while (from < kPowersOfTen && !ToWhole(value, from, &whole)) ++from;
  return from;
}

constexpr unsigned kNoScale = kScaleMask;

// A scale that most of a sample of the values agree on, or kNoScale.
unsigned GuessScale(const double* values, size_t count) {
  constexpr size_t kSamples = 24;
  const size_t step = std::max<size_t>(count / kSamples, 1);
  std::array<double, kSamples * 2> failed;
  size_t failures = 0;
  size_t finite = 0;
  unsigned power = 0;
  for (size_t i = 0; i < count; i += step) {
    if (IsSpecial(values[i])) continue;
    ++finite;
    const unsigned needed = LeastPower(values[i], power);
    if (needed < kPowersOfTen) {
      power = needed;
    } else {
      failed[failures++] = values[i];
      if (failures >= 6 && failures * 2 > finite) break;
    }
  }
  if (failures * 8 <= finite) return power;
  for (unsigned scale = kPowersOfTen; scale < kScales.size(); ++scale) {
    int64_t whole = 0;
    if (std::all_of(failed.begin(), failed.begin() + failures,
                    [&](double v) { return ToWhole(v, scale, &whole); })) {
      return scale;
    }
  }
  return kNoScale;
}

struct Decimals {
  std::array<int64_t, kMaxIntFrame> whole;
  std::array<uint16_t, kMaxIntFrame> exceptions;  // positions
  size_t exception_count = 0;
};

void Convert(const double* values, size_t count, unsigned scale, Decimals* out) {
  out->exception_count = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool ok = ToWhole(values[i], scale, &out->whole[i]);
    out->exceptions[out->exception_count] = static_cast<uint16_t>(i);
    out->exception_count += ok ? 0 : 1;
  }
  // Exceptions repeat their neighbour, so that they disturb neither differences nor the divisor.
  size_t first_good = 0;
  while (first_good < out->exception_count && out->exceptions[first_good] == first_good)
    ++first_good;
  for (size_t e = 0; e < out->exception_count; ++e) {
    const size_t i = out->exceptions[e];
    out->whole[i] = i > 0 ? out->whole[i - 1] : first_good < count ? out->whole[first_good] : 0;
  }
}

// The largest power that an exception asks for; the sample may have missed values with more digits.
unsigned PowerOfExceptions(const double* values, const Decimals& decimals, unsigned power) {
  constexpr size_t kLooks = 16;
  for (size_t e = 0; e < std::min(decimals.exception_count, kLooks); ++e) {
    const double value = values[decimals.exceptions[e]];
    if (IsSpecial(value)) continue;
    const unsigned needed = LeastPower(value, power);
    if (needed < kPowersOfTen) power = needed;
  }
  return power;
}

void PutDecimals(const double* values, size_t count, unsigned scale, const Decimals& decimals,
                 std::string* out) {
  const Form form = decimals.exception_count > 0 ? kDecimalExceptions : kDecimal;
  out->push_back(static_cast<char>(form << kScaleBits | scale));
  EncodeIntFrame(decimals.whole.data(), count, out);
  if (form == kDecimal) return;
  PutVarint(out, decimals.exception_count);
  size_t next = 0;
  for (size_t e = 0; e < decimals.exception_count; ++e) {
    PutVarint(out, decimals.exceptions[e] - next);
    PutFixed64(out, std::bit_cast<uint64_t>(values[decimals.exceptions[e]]));
    next = decimals.exceptions[e] + size_t{1};
  }
}

bool AllSame(const double* values, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    if (!SameBits(values[i], values[0])) return false;
  }
  return true;
}

void PutConstant(double value, std::string* out) {
  const unsigned power = IsSpecial(value) ? kPowersOfTen : LeastPower(value, 0);
  int64_t whole = 0;
  if (power < kPowersOfTen && ToWhole(value, power, &whole)) {
    const size_t start = out->size();
    out->push_back(static_cast<char>(kDecimal << kScaleBits | power));
    EncodeIntFrame(&whole, 1, out);
    if (out->size() - start <= 9) return;
    out->resize(start);
  }
  out->push_back(static_cast<char>(kConstantBits << kScaleBits));
  PutFixed64(out, std::bit_cast<uint64_t>(value));
}

// FromWhole() for all: two at a time, since division is what decoding takes longest for.
void DivideAll(const int64_t* whole, size_t count, double scale, double* values) {
  if (scale == 1) {
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(whole[i]);
    return;
  }
  size_t i = 0;
  for (; i + 2 <= count; i += 2) {
    const FloatPair pair = {static_cast<double>(whole[i]), static_cast<double>(whole[i + 1])};
    StorePair(pair / FloatPair{scale, scale}, values + i);
  }
  if (i < count) values[i] = FromWhole(whole[i], scale);
}

bool GetExceptions(std::string_view* in, size_t count, double* values) {
  uint64_t exceptions = 0;
  if (!GetVarint(in, &exceptions) || exceptions > count) return false;
  size_t next = 0;
  for (uint64_t e = 0; e < exceptions; ++e) {
    uint64_t gap = 0;
    uint64_t bits = 0;
    if (!GetVarint(in, &gap) || gap >= count - next || !GetFixed64(in, &bits)) return false;
    next += gap;
    values[next++] = std::bit_cast<double>(bits);
  }
  return true;
}

}  // namespace

void EncodeFloatFrame(const double* values, size_t count, bool thorough, std::string* out) {
  CHECK(count >= 1 && count <= kMaxIntFrame);
  if (AllSame(values, count)) return PutConstant(values[0], out);

  const size_t start = out->size();
  if (unsigned scale = GuessScale(values, count); scale != kNoScale) {
    Decimals decimals;
    Convert(values, count, scale, &decimals);
    if (decimals.exception_count > 0 && scale < kPowersOfTen) {
      const unsigned larger = PowerOfExceptions(values, decimals, scale);
      if (larger > scale) {
        Decimals second;
        Convert(values, count, larger, &second);
        if (second.exception_count < decimals.exception_count) {
          decimals = second;
          scale = larger;
        }
      }
    }
    // A value of its own costs about ten bytes; with very many, XOR is sure to be smaller.
    if (decimals.exception_count * 2 <= count) PutDecimals(values, count, scale, decimals, out);
  }
  const size_t decimal_size = out->size() - start;
  constexpr size_t kGoodBytes = 2;
  if (decimal_size > 0 && !thorough && decimal_size <= kGoodBytes * count) return;
  if (decimal_size > 0 && decimal_size <= 1 + LeastXorFrameSize(values, count)) return;
  std::string best(1, static_cast<char>(kXor << kScaleBits));
  EncodeXorFrame(values, count, &best);
  if (thorough) {
    std::array<int64_t, kMaxIntFrame> bits;
    for (size_t i = 0; i < count; ++i) bits[i] = std::bit_cast<int64_t>(values[i]);
    std::string packed(1, static_cast<char>(kBits << kScaleBits));
    EncodeIntFrame(bits.data(), count, &packed);
    if (packed.size() < best.size()) best.swap(packed);
  }
  if (decimal_size > 0 && decimal_size <= best.size()) return;
  out->resize(start);
  out->append(best);
}

bool DecodeFloatFrame(std::string_view* in, size_t count, double* values) {
  if (in->empty() || count == 0 || count > kMaxIntFrame) return false;
  const uint8_t head = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  const unsigned scale = head & kScaleMask;
  const unsigned form = head >> kScaleBits;
  if (form == kXor) return scale == 0 && DecodeXorFrame(in, count, values);
  if (form == kBits) {
    int64_t bits[kMaxIntFrame];
    if (scale != 0 || !DecodeIntFrame(in, count, bits)) return false;
    std::memcpy(values, bits, count * sizeof(double));
    return true;
  }
  if (form == kConstantBits) {
    uint64_t bits = 0;
    if (scale != 0 || !GetFixed64(in, &bits)) return false;
    std::fill_n(values, count, std::bit_cast<double>(bits));
    return true;
  }
  if (form > kConstantBits || scale >= kScales.size()) return false;
  if (int64_t constant = 0; DecodeConstantIntFrame(in, &constant)) {
    std::fill_n(values, count, FromWhole(constant, kScales[scale]));
  } else {
    int64_t whole[kMaxIntFrame];
    if (!DecodeIntFrame(in, count, whole)) return false;
    DivideAll(whole, count, kScales[scale], values);
  }
  return form == kDecimal || GetExceptions(in, count, values);
}

void EncodeFloatColumn(const double* values, size_t count, bool thorough, std::string* out) {
  for (size_t i = 0; i < count; i += kMaxIntFrame) {
    EncodeFloatFrame(values + i, std::min(kMaxIntFrame, count - i), thorough, out);
  }
}

bool DecodeFloatColumn(std::string_view* in, size_t count, double* values) {
  for (size_t i = 0; i < count; i += kMaxIntFrame) {
    if (!DecodeFloatFrame(in, std::min(kMaxIntFrame, count - i), values + i)) return false;
  }
  return true;
}

}  // namespace tsdb::storage
