// The series of a load: names, labels and how their values move.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/load/generator.h"
#include "model/labels.h"

namespace tsdb::bench {

enum class Movement : uint8_t {
  kConstant,
  kCounter,         // whole numbers, sometimes without an increment
  kSecondsCounter,  // hundredths of a second, as CPU time
  kBytesGauge,      // multiples of 4096 that wander
  kRate,            // doubles with all their digits
  kPercent          // 0..100, one up or down
};

struct SeriesSpec {
  Labels labels;            // for Prometheus' protocols
  std::string measurement;  // for Influx; tags are the labels without __name__
  std::string field;
  Movement movement = Movement::kConstant;
};

// The series with this number; series of one host or job are neighbours.
SeriesSpec MakeSeries(Shape shape, uint64_t number);

// A value that moves from sample to sample.
class MovingValue {
 public:
  MovingValue(Movement movement, uint64_t seed);
  double Next();
  bool is_whole() const {
    return movement_ != Movement::kRate && movement_ != Movement::kSecondsCounter;
  }

 private:
  uint64_t Random();
  Movement movement_;
  uint64_t state_;
  double value_;
};

}  // namespace tsdb::bench
