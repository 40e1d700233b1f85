// Open-addressing table from 128-bit hashes to series ids, 8 bytes a slot: 32 bits of the hash and
// the id. The home slot follows from the same 32 bits by multiplication, so growing by a quarter is
// one sequential pass that touches no record. The full hash lies with the record; Find asks the
// caller. Thread-compatible.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"

namespace tsdb::storage {

class SeriesTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  void Prefetch(Hash128 hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[Home(Tag(hash))]);
  }

  // The id whose slot has the same tag and for which is_same(id) holds, or kNone.
  template <typename F>
  uint32_t Find(Hash128 hash, F&& is_same) const {
    if (slots_.empty()) return kNone;
    const uint32_t tag = Tag(hash);
    for (size_t i = Home(tag);; i = i + 1 == slots_.size() ? 0 : i + 1) {
      const Slot slot = slots_[i];
      if (slot.id_plus_1 == 0) return kNone;
      if (slot.tag == tag && is_same(slot.id_plus_1 - 1)) return slot.id_plus_1 - 1;
    }
  }
  // The first candidate by tag alone; kNone for certain when there is none. Lets a batch prefetch
  // records.
  uint32_t Candidate(Hash128 hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }

  // REQUIRES: not there yet, id < kNone - 1.
  void Insert(Hash128 hash, uint32_t id) {
    if ((used_ + 1) * 5 > slots_.size() * 4) Grow();
    Place(Slot{Tag(hash), id + 1});
    ++used_;
  }

  size_t size() const { return used_; }
  size_t size_bytes() const { return slots_.capacity() * sizeof(Slot); }
  void Clear() {  // keeps no memory
    std::vector<Slot>().swap(slots_);
    used_ = 0;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t id_plus_1 = 0;
  };
  static uint32_t Tag(Hash128 hash) { return static_cast<uint32_t>(hash.high >> 32); }
  size_t Home(uint32_t tag) const { return (uint64_t{tag} * slots_.size()) >> 32; }

  void Place(Slot slot) {
    size_t i = Home(slot.tag);
    while (slots_[i].id_plus_1 != 0) i = i + 1 == slots_.size() ? 0 : i + 1;
    slots_[i] = slot;
  }
  void Grow() {
    std::vector<Slot> old;
    old.swap(slots_);
    slots_.resize(old.empty() ? 64 : old.size() + old.size() / 4);
    for (const Slot slot : old) {
      if (slot.id_plus_1 != 0) Place(slot);
    }
  }

  std::vector<Slot> slots_;
  size_t used_ = 0;
};

}  // namespace tsdb::storage
