// Columns of samples for tests of chunks: ordinary and adversarial ones of every type, and
// comparison bit by bit.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "storage/chunk/chunk.h"
#include "storage/interface.h"

namespace tsdb::storage {

using Random = std::mt19937_64;

// `count` timestamps from `start` on, `step` apart, each moved by up to `jitter`.
std::vector<int64_t> Times(size_t count, int64_t start = 1'700'000'000'000, int64_t step = 15'000,
                           int64_t jitter = 0, uint64_t seed = 1);

SampleBlock FloatBlock(std::vector<double> values);
SampleBlock IntegerBlock(std::vector<int64_t> values, ValueType type = ValueType::kInteger);
SampleBlock StringBlock(std::vector<std::string> values);
SampleBlock HistogramBlock(size_t count, uint64_t seed);

// One block of `count` samples for each kind of data that a chunk of `type` may meet; the name says
// what it is.
struct NamedBlock {
  std::string name;
  SampleBlock block;
};
std::vector<NamedBlock> AdversarialBlocks(ValueType type, size_t count, uint64_t seed);
// All types.
std::vector<NamedBlock> AdversarialBlocks(size_t count, uint64_t seed);

// Empty when equal bit by bit, else what differs.
std::string Difference(const SampleBlock& a, const SampleBlock& b);
// Samples [first, first + count).
SampleBlock Slice(const SampleBlock& block, size_t first, size_t count);

}  // namespace tsdb::storage
