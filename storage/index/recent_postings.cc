#include "storage/index/recent_postings.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

constexpr uint32_t kNoBlock = 0xffffffffU;

// Text that lives until the arena goes, in slabs.
class TextArena {
 public:
  std::string_view Keep(std::string_view text) {
    if (text.size() > left_) {
      const size_t slab = std::max(kSlabBytes, text.size());
      slabs_.push_back(std::make_unique<char[]>(slab));
      next_ = slabs_.back().get();
      left_ = slab;
      held_ += slab;
    }
    char* at = next_;
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    next_ += text.size();
    left_ -= text.size();
    return {at, text.size()};
  }
  size_t size_bytes() const { return held_; }

 private:
  static constexpr size_t kSlabBytes = 32 << 10;
  std::vector<std::unique_ptr<char[]>> slabs_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t held_ = 0;
};

// Chained blocks; slabs keep them in place.
class BlockPool {
 public:
  struct Block {
    uint32_t next = kNoBlock;
    std::array<char, 28> bytes;
  };
  static_assert(sizeof(Block) == 32);

  uint32_t Allocate() {
    if (count_ % kSlabBlocks == 0) slabs_.push_back(std::make_unique<Block[]>(kSlabBlocks));
    return count_++;
  }
  Block& operator[](uint32_t i) { return slabs_[i / kSlabBlocks][i % kSlabBlocks]; }
  const Block& operator[](uint32_t i) const { return slabs_[i / kSlabBlocks][i % kSlabBlocks]; }
  size_t size_bytes() const { return slabs_.size() * kSlabBlocks * sizeof(Block); }

 private:
  static constexpr uint32_t kSlabBlocks = 1024;
  std::vector<std::unique_ptr<Block[]>> slabs_;
  uint32_t count_ = 0;
};

struct Pair {
  std::string_view value;  // in the arena
  uint64_t hash = 0;
  uint32_t name = 0;   // index into names
  uint32_t count = 0;  // ids, duplicates included
  SeriesId first = 0;
  SeriesId last = 0;
  uint32_t head = kNoBlock;  // blocks with the ids after the first
  uint32_t tail = kNoBlock;
  uint8_t tail_used = 0;  // bytes in the tail block
};

struct Name {
  std::string_view text;  // in the arena
  std::vector<uint32_t> pairs;
};

}  // namespace

struct RecentPostings::Impl {
  static constexpr uint32_t kFree = 0xffffffffU;

  // Seeded, so that nobody can craft labels that collide.
  const uint64_t seed = RandomHash128().low;
  TextArena text;
  BlockPool blocks;
  std::vector<Pair> pairs;
  std::vector<Name> names;
  std::map<std::string_view, uint32_t> name_index;                 // keys in the arena; sorted
  std::vector<uint32_t> table = std::vector<uint32_t>(64, kFree);  // of pairs; open addressing
  Postings all;

  uint64_t Hash(std::string_view name, std::string_view value) const {
    return HashBytes64(value, HashBytes64(name, seed));
  }

  // Slot of the pair, or the free slot where it belongs.
  size_t Find(uint64_t hash, std::string_view name, std::string_view value) const {
    const size_t mask = table.size() - 1;
    for (size_t slot = hash & mask;; slot = (slot + 1) & mask) {
      if (table[slot] == kFree) return slot;
      const Pair& pair = pairs[table[slot]];
      if (pair.hash == hash && pair.value == value && names[pair.name].text == name) return slot;
    }
  }

  void Grow() {
    std::vector<uint32_t> larger(table.size() * 2, kFree);
    const size_t mask = larger.size() - 1;
    for (uint32_t i = 0; i < pairs.size(); ++i) {
      size_t slot = pairs[i].hash & mask;
      while (larger[slot] != kFree) slot = (slot + 1) & mask;
      larger[slot] = i;
    }
    table = std::move(larger);
  }

  uint32_t InternName(std::string_view name) {
    if (const auto at = name_index.find(name); at != name_index.end()) return at->second;
    const auto index = static_cast<uint32_t>(names.size());
    names.push_back({text.Keep(name), {}});
    name_index.emplace(names.back().text, index);
    return index;
  }

  void PutByte(Pair* pair, char byte) {
    if (pair->tail == kNoBlock || pair->tail_used == BlockPool::Block{}.bytes.size()) {
      const uint32_t block = blocks.Allocate();
      if (pair->tail == kNoBlock) {
        pair->head = block;
      } else {
        blocks[pair->tail].next = block;
      }
      pair->tail = block;
      pair->tail_used = 0;
    }
    blocks[pair->tail].bytes[pair->tail_used++] = byte;
  }

  void AddId(Pair* pair, SeriesId id) {
    if (pair->count++ == 0) {
      pair->first = pair->last = id;
      return;
    }
    uint64_t delta = ZigZag(int64_t{id} - int64_t{pair->last});
    pair->last = id;
    for (; delta >= 0x80; delta >>= 7) PutByte(pair, static_cast<char>(delta | 0x80));
    PutByte(pair, static_cast<char>(delta));
  }

  // Sorted and unique.
  void ReadIds(const Pair& pair, std::vector<SeriesId>* ids) const {
    ids->clear();
    if (pair.count == 0) return;
    ids->reserve(pair.count);
    ids->push_back(pair.first);
    int64_t id = pair.first;
    uint64_t delta = 0;
    unsigned shift = 0;
    for (uint32_t b = pair.head; b != kNoBlock; b = blocks[b].next) {
      const size_t used = b == pair.tail ? pair.tail_used : blocks[b].bytes.size();
      for (size_t i = 0; i < used; ++i) {
        const auto byte = static_cast<uint8_t>(blocks[b].bytes[i]);
        delta |= uint64_t{byte & 0x7fU} << shift;
        shift += 7;
        if (byte >= 0x80) continue;
        id += UnZigZag(delta);
        ids->push_back(static_cast<SeriesId>(id));
        delta = 0;
        shift = 0;
      }
    }
    if (!std::ranges::is_sorted(*ids)) std::ranges::sort(*ids);
    ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
  }

  Postings Read(const Pair& pair) const {
    std::vector<SeriesId> ids;
    ReadIds(pair, &ids);
    return Postings(ids);
  }

  std::vector<uint32_t> SortedPairs(const Name& name) const {
    std::vector<uint32_t> sorted = name.pairs;
    std::ranges::sort(sorted, {}, [this](uint32_t p) { return pairs[p].value; });
    return sorted;
  }
};

RecentPostings::RecentPostings() : impl_(std::make_unique<Impl>()) {}
RecentPostings::~RecentPostings() = default;
RecentPostings::RecentPostings(RecentPostings&&) noexcept = default;
RecentPostings& RecentPostings::operator=(RecentPostings&&) noexcept = default;

RecentPostings::PairRef RecentPostings::Intern(std::string_view name, std::string_view value,
                                               bool* is_new) {
  const uint64_t hash = impl_->Hash(name, value);
  size_t slot = impl_->Find(hash, name, value);
  if (is_new != nullptr) *is_new = impl_->table[slot] == Impl::kFree;
  if (impl_->table[slot] != Impl::kFree) return impl_->table[slot];
  if (impl_->pairs.size() * 4 >= impl_->table.size() * 3) {
    impl_->Grow();
    slot = impl_->Find(hash, name, value);
  }
  const auto ref = static_cast<PairRef>(impl_->pairs.size());
  Pair pair;
  pair.name = impl_->InternName(name);
  pair.value = impl_->text.Keep(value);
  pair.hash = hash;
  impl_->pairs.push_back(pair);
  impl_->names[pair.name].pairs.push_back(ref);
  impl_->table[slot] = ref;
  return ref;
}

std::string_view RecentPostings::pair_name(PairRef pair) const {
  return impl_->names[impl_->pairs[pair].name].text;
}

std::string_view RecentPostings::pair_value(PairRef pair) const { return impl_->pairs[pair].value; }

void RecentPostings::Add(SeriesId id, const Labels& labels) {
  impl_->all.Add(id);
  for (const Label& label : labels) {
    impl_->AddId(&impl_->pairs[Intern(label.name, label.value)], id);
  }
}

void RecentPostings::Add(SeriesId id, const PairRef* pairs, size_t pair_count) {
  impl_->all.Add(id);
  for (size_t i = 0; i < pair_count; ++i) impl_->AddId(&impl_->pairs[pairs[i]], id);
}

Postings RecentPostings::Get(std::string_view name, std::string_view value) const {
  const size_t slot = impl_->Find(impl_->Hash(name, value), name, value);
  return impl_->table[slot] == Impl::kFree ? Postings() : Get(impl_->table[slot]);
}

Postings RecentPostings::Get(PairRef pair) const { return impl_->Read(impl_->pairs[pair]); }

const Postings& RecentPostings::all() const { return impl_->all; }

std::vector<std::pair<std::string_view, RecentPostings::PairRef>> RecentPostings::Values(
    std::string_view name, std::string_view prefix) const {
  std::vector<std::pair<std::string_view, PairRef>> values;
  const auto at = impl_->name_index.find(name);
  if (at == impl_->name_index.end()) return values;
  for (PairRef pair : impl_->names[at->second].pairs) {
    const std::string_view value = impl_->pairs[pair].value;
    if (value.starts_with(prefix)) values.emplace_back(value, pair);
  }
  std::ranges::sort(values);
  return values;
}

std::vector<std::string_view> RecentPostings::Names() const {
  std::vector<std::string_view> names;
  names.reserve(impl_->name_index.size());
  for (const auto& [name, index] : impl_->name_index) names.push_back(name);
  return names;
}

Status RecentPostings::Drain(
    std::string_view key_prefix,
    const std::function<Status(std::string_view key, std::string_view postings)>& f) const {
  std::vector<SeriesId> ids;
  std::string key;
  std::string postings;
  for (const auto& [text, index] : impl_->name_index) {
    key = key_prefix;
    AppendValuesPrefix(&key, text);
    const size_t before_value = key.size();
    for (uint32_t p : impl_->SortedPairs(impl_->names[index])) {
      const Pair& pair = impl_->pairs[p];
      if (pair.count == 0) continue;  // interned, but no series came
      key.resize(before_value);
      key.append(pair.value);
      impl_->ReadIds(pair, &ids);
      postings.clear();
      Postings::SerializeSorted(ids, &postings);
      RETURN_IF_ERROR(f(key, postings));
    }
  }
  return Status::Ok();
}

void RecentPostings::Clear() { impl_ = std::make_unique<Impl>(); }

size_t RecentPostings::series_count() const { return impl_->all.size(); }

size_t RecentPostings::pair_count() const { return impl_->pairs.size(); }

size_t RecentPostings::size_bytes() const {
  return impl_->text.size_bytes() + impl_->blocks.size_bytes() +
         impl_->pairs.capacity() * (sizeof(Pair) + sizeof(PairRef)) +
         impl_->table.capacity() * sizeof(uint32_t) + impl_->all.size_bytes();
}

namespace {

class RecentIndexReader : public IndexReader {
 public:
  explicit RecentIndexReader(const RecentPostings* recent) : recent_(recent) {}

  Result<Postings> Get(std::string_view name, std::string_view value) const override {
    return recent_->Get(name, value);
  }

  Status ForEachValue(std::string_view name, std::string_view prefix,
                      const ValueVisitor& visitor) const override {
    for (const auto& [value, pair] : recent_->Values(name, prefix)) {
      ASSIGN_OR_RETURN(const bool go_on, visitor(value, PairLoader(recent_, pair)));
      if (!go_on) break;
    }
    return Status::Ok();
  }

  Result<Postings> All() const override { return recent_->all(); }

 private:
  class PairLoader : public Loader {
   public:
    PairLoader(const RecentPostings* recent, RecentPostings::PairRef pair)
        : recent_(recent), pair_(pair) {}
    Result<Postings> Load() const override { return recent_->Get(pair_); }

   private:
    const RecentPostings* recent_;
    RecentPostings::PairRef pair_;
  };

  const RecentPostings* recent_;
};

}  // namespace

std::unique_ptr<IndexReader> NewRecentIndexReader(const RecentPostings* recent) {
  return std::make_unique<RecentIndexReader>(recent);
}

}  // namespace tsdb::storage
