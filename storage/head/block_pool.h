// Blocks of 32 bytes that the open chunks of the head are chained from, in slabs of 2 MiB. A chunk
// that grows takes one block more; nothing is copied, and no size class stands half empty when the
// series of one scrape grow in step.
//
// Thread rule: Allocate and Free under the head's lock. At() by anybody for a block that was handed
// over under that lock (slabs never move).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace tsdb::storage {

struct Block {
  static constexpr uint32_t kPayload = 28;
  uint32_t next = 0;
  uint8_t bytes[kPayload];
};
static_assert(sizeof(Block) == 32);

class BlockPool {
 public:
  using Ref = uint32_t;  // 0: none

  Ref Allocate() {
    ++used_;
    Ref ref = free_;
    if (ref != 0) {
      free_ = At(ref)->next;
    } else {
      if (next_ % kSlabBlocks == 0) AddSlab();
      ref = next_++;
    }
    At(ref)->next = 0;
    return ref;
  }
  void Free(Ref ref) {
    --used_;
    At(ref)->next = free_;
    free_ = ref;
  }
  Block* At(Ref ref) const { return &slabs_[ref / kSlabBlocks][ref % kSlabBlocks]; }

  uint64_t used_blocks() const { return used_; }
  uint64_t size_bytes() const { return uint64_t{slab_count_} * kSlabBlocks * sizeof(Block); }

 private:
  static constexpr uint32_t kSlabBlocks = 65536;
  static constexpr uint32_t kMaxSlabs = 16384;

  void AddSlab() {
    CHECK(slab_count_ < kMaxSlabs);
    slabs_[slab_count_++].reset(new Block[kSlabBlocks]);
    if (next_ == 0) next_ = 1;  // reference 0 means none
  }

  std::unique_ptr<std::unique_ptr<Block[]>[]> slabs_ =
      std::make_unique<std::unique_ptr<Block[]>[]>(kMaxSlabs);
  uint32_t slab_count_ = 0;
  uint32_t next_ = 0;
  Ref free_ = 0;
  uint64_t used_ = 0;
};

}  // namespace tsdb::storage
