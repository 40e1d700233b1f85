#include "storage/select/label_sets.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/coding.h"
#include "base/hash.h"

namespace tsdb::storage {
namespace {

struct Item {
  std::string_view set;
  std::string_view text;  // that is being compared
  uint64_t key = 0;
};

// The text at `offset`; moves to the one after it. A set that ends there has none.
bool TextAt(std::string_view set, size_t* offset, std::string_view* text) {
  std::string_view rest = set.substr(*offset);
  if (!GetBytes(&rest, text)) return false;
  *offset = set.size() - rest.size();
  return true;
}

// From `offset` on, where both have a name or end.
bool Less(std::string_view a, std::string_view b, size_t offset) {
  size_t in_a = offset;
  size_t in_b = offset;
  std::string_view left;
  std::string_view right;
  for (;;) {
    if (!TextAt(b, &in_b, &right)) return false;
    if (!TextAt(a, &in_a, &left)) return true;
    if (const int order = left.compare(right); order != 0) return order < 0;
  }
}

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t size = std::min(a.size(), b.size());
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t left = 0;
    uint64_t right = 0;
    std::memcpy(&left, a.data() + i, 8);
    std::memcpy(&right, b.data() + i, 8);
    if (left != right) return i + static_cast<size_t>(__builtin_ctzll(left ^ right)) / 8;
  }
  while (i < size && a[i] == b[i]) ++i;
  return i;
}

// Orders texts as their first seven bytes do, then as their lengths, as far as those are below 8:
// texts of up to seven bytes have the same key only when they are the same.
uint64_t KeyOf(std::string_view text) {
  constexpr size_t kBytes = 7;
  uint64_t key = 0;
  std::memcpy(&key, text.data(), std::min(text.size(), kBytes));
  return (__builtin_bswap64(key) & ~uint64_t{0xff}) | std::min(text.size(), kBytes + 1);
}

// Sorts label sets text by text: most sets share the first ones with many others, and the bytes
// that tell texts apart are compared as one number (as in multikey quicksort: Bentley and
// Sedgewick, "Fast Algorithms for Sorting and Searching Strings", 1997).
class Sorter {
 public:
  explicit Sorter(std::vector<Item>* items) : items_(*items) {}

  // Sorts [begin, end), which are the same up to `offset`, where a text begins.
  void Sort(size_t begin, size_t end, size_t offset) {
    constexpr size_t kFew = 12;
    while (end - begin > kFew) {
      begin = MoveEnded(begin, end, offset);
      if (end - begin <= kFew) break;
      offset = SkipCommon(begin, end, offset);
      const size_t after_ended = MoveEnded(begin, end, offset);
      if (after_ended != begin) {
        begin = after_ended;
        continue;
      }
      SortByText(begin, end, offset);
      return SortGroups(begin, end, offset);
    }
    std::sort(items_.begin() + static_cast<ptrdiff_t>(begin),
              items_.begin() + static_cast<ptrdiff_t>(end),
              [&](const Item& a, const Item& b) { return Less(a.set, b.set, offset); });
  }

 private:
  // Sets without a further text come first.
  size_t MoveEnded(size_t begin, size_t end, size_t offset) {
    for (size_t i = begin; i < end; ++i) {
      if (items_[i].set.size() == offset) std::swap(items_[i], items_[begin++]);
    }
    return begin;
  }

  // Where the first text begins that is not the same in all.
  size_t SkipCommon(size_t begin, size_t end, size_t offset) {
    const std::string_view first = items_[begin].set.substr(offset);
    size_t common = first.size();
    for (size_t i = begin + 1; i < end && common > 0; ++i) {
      Prefetch(i, end, offset);
      common = CommonPrefix(first.substr(0, common), items_[i].set.substr(offset));
    }
    const size_t same = offset + common;
    size_t next = offset;
    std::string_view text;
    while (TextAt(items_[begin].set, &next, &text) && next <= same) offset = next;
    return offset;
  }

  void SortByText(size_t begin, size_t end, size_t offset) {
    items_[begin].text = TextOf(items_[begin], offset);
    std::string_view common = items_[begin].text;
    for (size_t i = begin + 1; i < end; ++i) {
      Prefetch(i, end, offset);
      items_[i].text = TextOf(items_[i], offset);
      common = common.substr(0, CommonPrefix(common, items_[i].text));
    }
    for (size_t i = begin; i < end; ++i) {
      Prefetch(i, end, offset);
      items_[i].key = KeyOf(items_[i].text.substr(common.size()));
    }
    std::sort(items_.begin() + static_cast<ptrdiff_t>(begin),
              items_.begin() + static_cast<ptrdiff_t>(end), [&](const Item& a, const Item& b) {
                if (a.key != b.key) return a.key < b.key;
                return !IsWhole(a.key) && a.text < b.text;
              });
  }

  void SortGroups(size_t begin, size_t end, size_t offset) {
    while (begin < end) {
      size_t next = begin + 1;
      while (next < end && items_[next].key == items_[begin].key &&
             (IsWhole(items_[begin].key) || items_[next].text == items_[begin].text)) {
        ++next;
      }
      size_t after = offset;
      std::string_view unused;
      TextAt(items_[begin].set, &after, &unused);
      Sort(begin, next, after);
      begin = next;
    }
  }

  // The sets lie all over memory.
  void Prefetch(size_t i, size_t end, size_t offset) const {
    constexpr size_t kAhead = 16;
    if (i + kAhead < end) __builtin_prefetch(items_[i + kAhead].set.data() + offset);
  }

  static bool IsWhole(uint64_t key) { return (key & 0xff) < 8; }
  static std::string_view TextOf(const Item& item, size_t offset) {
    std::string_view text;
    TextAt(item.set, &offset, &text);
    return text;
  }

  std::vector<Item>& items_;
};

}  // namespace

void SortEncodedLabels(std::vector<std::string_view>* sets) {
  std::vector<Item> items;
  items.reserve(sets->size());
  for (const std::string_view set : *sets) items.push_back({set, {}, 0});
  Sorter(&items).Sort(0, items.size(), 0);
  for (size_t i = 0; i < items.size(); ++i) (*sets)[i] = items[i].set;
}

LabelSets::LabelSets() : seed_(RandomHash128().low) {}

uint32_t LabelSets::Add(std::string_view labels, Flags flags) {
  if ((entries_.size() + 1) * 2 > slots_.size()) Grow();
  const uint32_t hash = static_cast<uint32_t>(HashBytes64(labels, seed_));
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t number = slots_[slot] - 1;
    const Entry& entry = entries_[number];
    if (entry.hash != hash || std::string_view(entry.data, entry.size) != labels) continue;
    flags_[number] |= flags;
    return number;
  }
  entries_.push_back({Keep(labels), static_cast<uint32_t>(labels.size()), hash});
  flags_.push_back(flags);
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  return static_cast<uint32_t>(entries_.size() - 1);
}

const char* LabelSets::Keep(std::string_view labels) {
  constexpr size_t kSlabBytes = 256 << 10;
  if (labels.size() > left_) {
    left_ = std::max(kSlabBytes, labels.size());
    slabs_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    next_ = slabs_.back().get();
  }
  char* const at = next_;
  if (!labels.empty()) std::memcpy(at, labels.data(), labels.size());
  next_ += labels.size();
  left_ -= labels.size();
  return at;
}

void LabelSets::Grow() {
  std::vector<uint32_t> larger(slots_.empty() ? 64 : slots_.size() * 2);
  const size_t mask = larger.size() - 1;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & mask;
    while (larger[slot] != 0) slot = (slot + 1) & mask;
    larger[slot] = i + 1;
  }
  slots_.swap(larger);
}

void LabelSets::SortAndCut(size_t limit) {
  std::vector<Entry>().swap(entries_);
  std::vector<Flags>().swap(flags_);
  std::vector<uint32_t>().swap(slots_);
  SortEncodedLabels(&sorted_);
  if (limit != 0 && sorted_.size() > limit) sorted_.resize(limit);
}

}  // namespace tsdb::storage
