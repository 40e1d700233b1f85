#include "tests/storage_chunk/sample_columns.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

namespace tsdb::storage {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

double AnyBits(Random& random) { return std::bit_cast<double>(random()); }

double OddOne(Random& random) {
  static const double kOdd[] = {0.0,
                                -0.0,
                                kInf,
                                -kInf,
                                StaleMarker(),
                                NormalNan(),
                                std::bit_cast<double>(0xfff8000000000123ULL),
                                std::bit_cast<double>(0x7ff0000000000001ULL),
                                5e-324,
                                -5e-324,
                                1.7976931348623157e308,
                                -1.7976931348623157e308,
                                9223372036854775807.0,
                                -9223372036854775808.0,
                                9007199254740993.0,
                                0.1,
                                1e15 + 0.3,
                                1e22,
                                1.0 / 3};
  return kOdd[random() % std::size(kOdd)];
}

double Rounded(double value, double scale) { return std::round(value * scale) / scale; }

using FloatMaker = std::function<double(size_t, Random&)>;

std::vector<std::pair<std::string, FloatMaker>> FloatMakers() {
  return {
      {"constant", [](size_t, Random&) { return 42.0; }},
      {"constant NaN", [](size_t, Random&) { return StaleMarker(); }},
      {"constant irrational", [](size_t, Random&) { return std::sqrt(2.0); }},
      {"counter", [v = 1e6](size_t, Random& r) mutable { return v += double(r() % 100); }},
      {"counter that resets",
       [v = 1e6](size_t i, Random& r) mutable {
         return i % 100 == 99 ? v = 0 : v += double(r() % 9);
       }},
      {"steady counter", [](size_t i, Random&) { return 1e9 + 4096.0 * double(i); }},
      {"pages", [](size_t, Random& r) { return 4096.0 * double(r() % 1000000); }},
      {"huge integers", [](size_t, Random& r) { return double(int64_t(r())); }},
      {"two decimals", [](size_t, Random& r) { return Rounded(double(r() % 10000) / 100, 100); }},
      {"nine decimals",
       [](size_t, Random& r) { return Rounded(double(r() % 4000000000) / 1e9, 1e9); }},
      {"decimals with exceptions",
       [](size_t, Random& r) { return r() % 20 == 0 ? OddOne(r) : double(r() % 1000) / 10; }},
      {"per minute", [](size_t, Random& r) { return double(r() % 100000) / 60; }},
      {"walk", [v = 0.5](size_t, Random& r) mutable { return v += double(r() % 1000) * 1.1e-7; }},
      {"any bits", [](size_t, Random& r) { return AnyBits(r); }},
      {"odd ones", [](size_t, Random& r) { return OddOne(r); }},
      {"mostly stale", [](size_t, Random& r) { return r() % 3 == 0 ? 7.0 : StaleMarker(); }},
      {"minus zero and zero", [](size_t, Random& r) { return r() % 2 == 0 ? -0.0 : 0.0; }},
  };
}

using IntegerMaker = std::function<int64_t(size_t, Random&)>;

std::vector<std::pair<std::string, IntegerMaker>> IntegerMakers() {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return {
      {"constant", [](size_t, Random&) { return int64_t{-3}; }},
      {"constant smallest", [](size_t, Random&) { return kMin; }},
      {"rising", [](size_t i, Random&) { return int64_t(i) * 1000; }},
      {"any", [](size_t, Random& r) { return int64_t(r()); }},
      {"extremes", [](size_t, Random& r) { return r() % 2 == 0 ? kMin : kMax; }},
      {"extremes and zero",
       [](size_t, Random& r) {
         return std::array<int64_t, 3>{kMin, 0, kMax}[r() % 3];
       }},
      {"small with outliers",
       [](size_t, Random& r) { return r() % 50 == 0 ? int64_t(r()) : int64_t(r() % 8) - 4; }},
      {"stays for a while",
       [v = int64_t{0}](size_t, Random& r) mutable {
         return r() % 5 == 0 ? v = int64_t(r() >> 40) : v;
       }},
      {"multiples of 1000", [](size_t, Random& r) { return int64_t(r() % 9000) * 1000 - 7; }},
      {"powers of two", [](size_t, Random& r) { return int64_t(uint64_t{1} << (r() % 64)); }},
  };
}

Histogram MakeHistogram(Random& random, int64_t base) {
  Histogram h;
  h.is_integer = random() % 8 != 0;
  h.schema = random() % 4 == 0 ? kCustomBucketsSchema : 3;
  h.zero_threshold = 1e-128;
  h.counter_reset_hint = static_cast<CounterResetHint>(random() % 4);
  h.positive_spans = {{static_cast<int32_t>(random() % 2), 3}, {2, 2}};
  for (int i = 0; i < 5; ++i) {
    h.positive_buckets.push_back(double(base + int64_t(random() % 10)));
    h.count += h.positive_buckets.back();
  }
  if (h.uses_custom_buckets()) {
    h.custom_values = {0.1, 0.5, 1, 2.5, 10, 1.0 / 3 + 10};
  } else {
    h.negative_spans = {{-5, 2}};
    h.negative_buckets = {double(base), double(base) / (h.is_integer ? 1 : 3)};
    h.zero_count = double(random() % 3);
  }
  h.sum = random() % 30 == 0 ? StaleMarker() : double(base) * 1.37;
  return h;
}

template <typename T>
std::string DifferenceOf(const char* what, const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) {
    return std::string(what) + ": " + std::to_string(a.size()) + " against " +
           std::to_string(b.size());
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return std::string(what) + " differ at " + std::to_string(i);
  }
  return "";
}

std::vector<uint64_t> Bits(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  for (double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

std::string DifferenceOf(const Histogram& a, const Histogram& b) {
  if (a.counter_reset_hint != b.counter_reset_hint || a.is_integer != b.is_integer ||
      a.schema != b.schema || a.positive_spans != b.positive_spans ||
      a.negative_spans != b.negative_spans) {
    return "layouts differ";
  }
  if (Bits({a.zero_threshold, a.zero_count, a.count, a.sum}) !=
      Bits({b.zero_threshold, b.zero_count, b.count, b.sum})) {
    return "counts or sums differ";
  }
  if (Bits(a.positive_buckets) != Bits(b.positive_buckets) ||
      Bits(a.negative_buckets) != Bits(b.negative_buckets) ||
      Bits(a.custom_values) != Bits(b.custom_values)) {
    return "buckets differ";
  }
  return "";
}

}  // namespace

std::vector<int64_t> Times(size_t count, int64_t start, int64_t step, int64_t jitter,
                           uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> times;
  for (size_t i = 0; i < count; ++i) {
    const int64_t moved = jitter == 0 ? 0 : int64_t(random() % uint64_t(jitter));
    times.push_back(start + int64_t(i) * step + moved);
  }
  return times;
}

SampleBlock FloatBlock(std::vector<double> values) {
  SampleBlock block;
  block.timestamps = Times(values.size());
  block.floats = std::move(values);
  return block;
}

SampleBlock IntegerBlock(std::vector<int64_t> values, ValueType type) {
  SampleBlock block;
  block.type = type;
  block.unit = TimeUnit::kNanoseconds;
  block.timestamps = Times(values.size(), 1'700'000'000'000'000'000, 10'000'000'000);
  block.integers = std::move(values);
  return block;
}

SampleBlock StringBlock(std::vector<std::string> values) {
  SampleBlock block;
  block.type = ValueType::kString;
  block.timestamps = Times(values.size(), -5, 1, 0);
  block.strings = std::move(values);
  return block;
}

SampleBlock HistogramBlock(size_t count, uint64_t seed) {
  Random random(seed);
  SampleBlock block;
  block.type = ValueType::kHistogram;
  block.timestamps = Times(count, 0, 60'000, 100, seed);
  Histogram like = MakeHistogram(random, 0);
  for (size_t i = 0; i < count; ++i) {
    if (random() % 40 == 0) like = MakeHistogram(random, int64_t(i));
    for (double& bucket : like.positive_buckets) bucket += double(random() % 4);
    like.count += 3;
    block.histograms.push_back(std::make_shared<Histogram>(like));
  }
  return block;
}

std::vector<NamedBlock> AdversarialBlocks(ValueType type, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<NamedBlock> blocks;
  switch (type) {
    case ValueType::kFloat:
      for (auto& [name, make] : FloatMakers()) {
        std::vector<double> values;
        for (size_t i = 0; i < count; ++i) values.push_back(make(i, random));
        blocks.push_back({"float " + name, FloatBlock(std::move(values))});
      }
      break;
    case ValueType::kInteger:
      for (auto& [name, make] : IntegerMakers()) {
        std::vector<int64_t> values;
        for (size_t i = 0; i < count; ++i) values.push_back(make(i, random));
        blocks.push_back({"integer " + name, IntegerBlock(std::move(values))});
      }
      break;
    case ValueType::kBoolean:
      for (uint64_t rarity : {1, 2, 100, 1000000}) {
        std::vector<int64_t> values;
        for (size_t i = 0; i < count; ++i) values.push_back(random() % rarity == 0 ? 1 : 0);
        blocks.push_back({"boolean one of " + std::to_string(rarity),
                          IntegerBlock(std::move(values), ValueType::kBoolean)});
      }
      break;
    case ValueType::kString:
      for (uint64_t distinct : {1, 3, 1000000}) {
        std::vector<std::string> values;
        for (size_t i = 0; i < count; ++i) {
          const uint64_t n = random() % distinct;
          values.push_back(n == 0 ? "" : std::string(n % 19, char(n)) + std::to_string(n));
        }
        blocks.push_back({"string of " + std::to_string(distinct), StringBlock(std::move(values))});
      }
      break;
    case ValueType::kHistogram:
      blocks.push_back({"histogram", HistogramBlock(count, seed)});
      break;
  }
  // The same values with other timestamps and with start timestamps.
  const std::vector<int64_t> starts = {0, 1'600'000'000'000, std::numeric_limits<int64_t>::min()};
  for (size_t b = 0; b < blocks.size(); ++b) {
    if (b % 3 == 1) {
      blocks[b].block.timestamps =
          Times(count, -1'000'000'000'000'000'000, 1'000'000, 900'000, seed);
    }
    if (b % 2 == 1) {
      for (size_t i = 0; i < count; ++i) {
        blocks[b].block.start_timestamps.push_back(starts[i * 3 / count]);
      }
    }
  }
  return blocks;
}

std::vector<NamedBlock> AdversarialBlocks(size_t count, uint64_t seed) {
  std::vector<NamedBlock> all;
  for (ValueType type : {ValueType::kFloat, ValueType::kInteger, ValueType::kBoolean,
                         ValueType::kString, ValueType::kHistogram}) {
    std::ranges::move(AdversarialBlocks(type, count, seed), std::back_inserter(all));
  }
  return all;
}

std::string Difference(const SampleBlock& a, const SampleBlock& b) {
  if (a.type != b.type) return "types differ";
  if (a.unit != b.unit) return "units differ";
  std::string difference = DifferenceOf("timestamps", a.timestamps, b.timestamps);
  if (difference.empty()) difference = DifferenceOf("floats", Bits(a.floats), Bits(b.floats));
  if (difference.empty()) difference = DifferenceOf("integers", a.integers, b.integers);
  if (difference.empty()) difference = DifferenceOf("strings", a.strings, b.strings);
  if (difference.empty())
    difference = DifferenceOf("starts", a.start_timestamps, b.start_timestamps);
  if (!difference.empty()) return difference;
  if (a.histograms.size() != b.histograms.size()) return "histogram counts differ";
  for (size_t i = 0; i < a.histograms.size(); ++i) {
    difference = DifferenceOf(*a.histograms[i], *b.histograms[i]);
    if (!difference.empty()) return difference + " at " + std::to_string(i);
  }
  return "";
}

SampleBlock Slice(const SampleBlock& block, size_t first, size_t count) {
  const ColumnView view = ColumnView::Of(block).Slice(first, count);
  SampleBlock slice;
  slice.type = view.type;
  slice.unit = view.unit;
  slice.timestamps.assign(view.timestamps.begin(), view.timestamps.end());
  slice.floats.assign(view.floats.begin(), view.floats.end());
  slice.integers.assign(view.integers.begin(), view.integers.end());
  slice.strings.assign(view.strings.begin(), view.strings.end());
  slice.histograms.assign(view.histograms.begin(), view.histograms.end());
  slice.start_timestamps.assign(view.start_timestamps.begin(), view.start_timestamps.end());
  return slice;
}

}  // namespace tsdb::storage
