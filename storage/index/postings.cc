#include "storage/index/postings.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <roaring/roaring.hh>

#include "base/check.h"
#include "base/coding.h"
#include "storage/index/postings_codec.h"

namespace tsdb::storage {
namespace {

// The first byte of serialized postings. Persisted.
enum Form : uint8_t {
  kDeltas = 0,  // varint deltas, the first against 0, each less one after that
  kBitmap = 1,  // portable roaring
};
// Longer lists are always bitmaps: about where the two are equally large for scattered ids.
constexpr size_t kMostDeltas = 64;

void PutDeltas(std::span<const SeriesId> ids, std::string* out) {
  for (size_t i = 0; i < ids.size(); ++i) {
    PutVarint(out, i == 0 ? ids[0] : ids[i] - ids[i - 1] - 1);
  }
}

bool AddDeltas(std::string_view deltas, Roaring* bitmap) {
  std::array<SeriesId, kMostDeltas> ids;
  size_t count = 0;
  uint64_t next = 0;
  while (!deltas.empty()) {
    uint64_t delta = 0;
    constexpr uint64_t kMaxId = 0xffffffffU;
    if (count == kMostDeltas || !GetVarint(&deltas, &delta)) return false;
    if (next > kMaxId || delta > kMaxId - next) return false;
    next += delta;
    ids[count++] = static_cast<SeriesId>(next++);
  }
  bitmap->addMany(count, ids.data());
  return true;
}

bool AddSerialized(std::string_view bytes, Roaring* bitmap) {
  if (bytes.empty()) return false;
  const char form = bytes.front();
  bytes.remove_prefix(1);
  if (form == kDeltas) return AddDeltas(bytes, bitmap);
  if (form != kBitmap || !IsValidRoaring(bytes)) return false;
  Roaring read = Roaring::readSafe(bytes.data(), bytes.size());
  if (bitmap->isEmpty()) {
    *bitmap = std::move(read);
  } else {
    *bitmap |= read;
  }
  return true;
}

void PutSerialized(const Roaring& bitmap, std::string* out) {
  if (bitmap.cardinality() <= kMostDeltas) {
    std::array<SeriesId, kMostDeltas> ids;
    bitmap.toUint32Array(ids.data());
    std::string deltas;
    PutDeltas({ids.data(), bitmap.cardinality()}, &deltas);
    if (deltas.size() <= bitmap.getSizeInBytes()) {
      out->push_back(static_cast<char>(kDeltas));
      out->append(deltas);
      return;
    }
  }
  out->push_back(static_cast<char>(kBitmap));
  const size_t start = out->size();
  out->resize(start + bitmap.getSizeInBytes());
  bitmap.write(out->data() + start);
}

}  // namespace

struct Postings::Impl {
  Roaring bitmap;
  std::atomic<uint32_t> owners{1};

  Impl() = default;
  explicit Impl(Roaring b) : bitmap(std::move(b)) {}

  static Impl* Share(Impl* impl) {
    if (impl != nullptr) impl->owners.fetch_add(1, std::memory_order_relaxed);
    return impl;
  }
  static void Release(Impl* impl) {
    if (impl != nullptr && impl->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete impl;
  }
};

Postings::Postings(std::span<const SeriesId> ids) { AddMany(ids); }

Postings Postings::FromRange(SeriesId first, uint64_t count) {
  Postings range;
  if (count > 0) range.Mutable()->bitmap.addRange(first, uint64_t{first} + count);
  return range;
}

Postings::Postings(const Postings& other) : impl_(Impl::Share(other.impl_)) {}

Postings& Postings::operator=(const Postings& other) {
  Impl* shared = Impl::Share(other.impl_);
  Impl::Release(impl_);
  impl_ = shared;
  return *this;
}

Postings::Postings(Postings&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}

Postings& Postings::operator=(Postings&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Postings::~Postings() { Impl::Release(impl_); }

Postings::Impl* Postings::Mutable() {
  if (impl_ == nullptr) {
    impl_ = new Impl;
  } else if (impl_->owners.load(std::memory_order_acquire) != 1) {
    Impl* own = new Impl(impl_->bitmap);
    Impl::Release(impl_);
    impl_ = own;
  }
  return impl_;
}

bool Postings::empty() const { return impl_ == nullptr || impl_->bitmap.isEmpty(); }

uint64_t Postings::size() const { return impl_ == nullptr ? 0 : impl_->bitmap.cardinality(); }

bool Postings::Contains(SeriesId id) const {
  return impl_ != nullptr && impl_->bitmap.contains(id);
}

SeriesId Postings::min() const {
  DCHECK(!empty());
  return impl_->bitmap.minimum();
}

SeriesId Postings::max() const {
  DCHECK(!empty());
  return impl_->bitmap.maximum();
}

void Postings::Add(SeriesId id) { Mutable()->bitmap.add(id); }

void Postings::AddMany(std::span<const SeriesId> ids) {
  if (!ids.empty()) Mutable()->bitmap.addMany(ids.size(), ids.data());
}

void Postings::Remove(SeriesId id) {
  if (Contains(id)) Mutable()->bitmap.remove(id);
}

Postings& Postings::operator&=(const Postings& other) {
  if (empty() || other.empty()) {
    *this = Postings();
  } else if (impl_ != other.impl_) {
    Mutable()->bitmap &= other.impl_->bitmap;
  }
  return *this;
}

Postings& Postings::operator|=(const Postings& other) {
  if (empty()) {
    *this = other;
  } else if (!other.empty() && impl_ != other.impl_) {
    Mutable()->bitmap |= other.impl_->bitmap;
  }
  return *this;
}

Postings& Postings::operator-=(const Postings& other) {
  if (empty() || other.empty()) return *this;
  if (impl_ == other.impl_) {
    *this = Postings();
  } else {
    Mutable()->bitmap -= other.impl_->bitmap;
  }
  return *this;
}

bool Postings::Equals(const Postings& other) const {
  if (empty() || other.empty()) return empty() == other.empty();
  return impl_ == other.impl_ || impl_->bitmap == other.impl_->bitmap;
}

bool Postings::Intersects(const Postings& other) const {
  return !empty() && !other.empty() && impl_->bitmap.intersect(other.impl_->bitmap);
}

uint64_t Postings::IntersectionSize(const Postings& other) const {
  if (empty() || other.empty()) return 0;
  return impl_->bitmap.and_cardinality(other.impl_->bitmap);
}

Postings Postings::UnionOf(std::span<const Postings> parts) {
  std::vector<const Roaring*> bitmaps;
  const Postings* only = nullptr;
  for (const Postings& part : parts) {
    if (part.empty()) continue;
    bitmaps.push_back(&part.impl_->bitmap);
    only = &part;
  }
  if (bitmaps.empty()) return Postings();
  if (bitmaps.size() == 1) return *only;
  Postings all;
  all.impl_ = new Impl(Roaring::fastunion(bitmaps.size(), bitmaps.data()));
  return all;
}

std::vector<SeriesId> Postings::ToVector() const {
  std::vector<SeriesId> ids(size());
  if (!ids.empty()) impl_->bitmap.toUint32Array(ids.data());
  return ids;
}

Postings::Cursor::Cursor(const Postings& postings) : postings_(&postings) {}

void Postings::Cursor::Seek(SeriesId id) { next_id_ = std::max<uint64_t>(next_id_, id); }

size_t Postings::Cursor::Read() {
  if (postings_->impl_ == nullptr || next_id_ > 0xffffffffU) return 0;
  // The iterator of the library is large; finding the place again costs a search a batch.
  roaring_uint32_iterator_t iterator;
  roaring_init_iterator(&postings_->impl_->bitmap.roaring, &iterator);
  if (!roaring_move_uint32_iterator_equalorlarger(&iterator, static_cast<uint32_t>(next_id_))) {
    return 0;
  }
  const size_t count = roaring_read_uint32_iterator(&iterator, ids_, kBatch);
  next_id_ = count == 0 ? next_id_ : uint64_t{ids_[count - 1]} + 1;
  return count;
}

void Postings::SerializeTo(std::string* out) const {
  if (impl_ == nullptr) {
    out->push_back(static_cast<char>(kDeltas));
    return;
  }
  Roaring compact = impl_->bitmap;
  compact.runOptimize();
  PutSerialized(compact, out);
}

std::string Postings::Serialize() const {
  std::string bytes;
  SerializeTo(&bytes);
  return bytes;
}

void Postings::SerializeSorted(std::span<const SeriesId> ids, std::string* out) {
  // No bitmap is smaller than the deltas of a few ids, so most pairs need none.
  constexpr size_t kFew = 12;
  if (ids.size() > kFew) return Postings(ids).SerializeTo(out);
  out->push_back(static_cast<char>(kDeltas));
  PutDeltas(ids, out);
}

Result<Postings> Postings::Deserialize(std::string_view bytes) {
  Postings postings;
  if (!AddSerialized(bytes, &postings.Mutable()->bitmap)) {
    return DataLoss("cannot decode postings: malformed bytes");
  }
  return postings;
}

size_t Postings::size_bytes() const {
  return impl_ == nullptr ? 0 : sizeof(Impl) + impl_->bitmap.getSizeInBytes();
}

Result<std::string> MergeSerializedPostings(std::span<const std::string_view> operands) {
  Roaring merged;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!AddSerialized(operands[i], &merged)) {
      return DataLoss("cannot merge postings: operand " + std::to_string(i + 1) + " of " +
                      std::to_string(operands.size()) + " is malformed");
    }
  }
  merged.runOptimize();
  std::string bytes;
  PutSerialized(merged, &bytes);
  return bytes;
}

}  // namespace tsdb::storage
