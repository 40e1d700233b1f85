// Postings: the sorted set of series ids that have a label pair, or that a selection found. A value
// type over a compressed bitmap; copies are cheap (shared until one of them changes).
// Thread-compatible; copies that share content may be used from different threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tsdb::storage {

// Persisted. Handed out in order of arrival, which keeps postings small.
using SeriesId = uint32_t;

class Postings {
 public:
  Postings() = default;  // empty
  // Any order, duplicates allowed; sorted input is fastest.
  explicit Postings(std::span<const SeriesId> ids);
  static Postings FromRange(SeriesId first, uint64_t count);
  Postings(const Postings& other);
  Postings& operator=(const Postings& other);
  Postings(Postings&& other) noexcept;
  Postings& operator=(Postings&& other) noexcept;
  ~Postings();

  bool empty() const;
  uint64_t size() const;
  bool Contains(SeriesId id) const;
  // REQUIRES: !empty().
  SeriesId min() const;
  SeriesId max() const;

  void Add(SeriesId id);
  void AddMany(std::span<const SeriesId> ids);  // any order
  void Remove(SeriesId id);

  Postings& operator&=(const Postings& other);
  Postings& operator|=(const Postings& other);
  Postings& operator-=(const Postings& other);
  friend Postings operator&(Postings a, const Postings& b) { return std::move(a &= b); }
  friend Postings operator|(Postings a, const Postings& b) { return std::move(a |= b); }
  friend Postings operator-(Postings a, const Postings& b) { return std::move(a -= b); }
  friend bool operator==(const Postings& a, const Postings& b) { return a.Equals(b); }
  bool Intersects(const Postings& other) const;
  uint64_t IntersectionSize(const Postings& other) const;
  // Faster than |= one after the other.
  static Postings UnionOf(std::span<const Postings> parts);

  std::vector<SeriesId> ToVector() const;
  // f(SeriesId) for each id, rising.
  template <typename F>
  void ForEach(F&& f) const {
    for (Cursor cursor(*this); size_t n = cursor.Read();) {
      for (size_t i = 0; i < n; ++i) f(cursor.ids()[i]);
    }
  }

  // Reads ids in order, a batch at a time. The Postings outlive it unchanged.
  class Cursor {
   public:
    explicit Cursor(const Postings& postings);
    // Skips ids below `id`. Only forward.
    void Seek(SeriesId id);
    // Fills ids() with the next ids and returns how many, 0 at the end.
    size_t Read();
    const SeriesId* ids() const { return ids_; }

   private:
    static constexpr size_t kBatch = 256;
    const Postings* postings_;
    uint64_t next_id_ = 0;
    SeriesId ids_[kBatch];
  };

  // Bytes for storage: delta varints while short, a portable roaring bitmap else
  // (docs/format/index.md).
  void SerializeTo(std::string* out) const;
  std::string Serialize() const;
  // The same for ids that are in no Postings. REQUIRES: sorted, unique.
  static void SerializeSorted(std::span<const SeriesId> ids, std::string* out);
  // Checks everything before it builds anything. kDataLoss when malformed or trailing bytes follow.
  static Result<Postings> Deserialize(std::string_view bytes);

  // Estimate of the memory held, shared or not.
  size_t size_bytes() const;

 private:
  struct Impl;  // a bitmap with a reference count
  bool Equals(const Postings& other) const;
  Impl* Mutable();  // own content that may change

  Impl* impl_ = nullptr;  // null: empty
};

// One operand after the other united, as a RocksDB merge operator needs it. kDataLoss names the
// damaged operand.
Result<std::string> MergeSerializedPostings(std::span<const std::string_view> operands);

}  // namespace tsdb::storage
