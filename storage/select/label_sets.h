// Collects label sets as EncodeLabels() writes them, each once, and sorts them as Labels are
// sorted. Much smaller than Labels, and neither a copy nor a comparison allocates.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "storage/series_list.h"

namespace tsdb::storage {

// Sorts well-formed encoded label sets: by name, then value, pair by pair; a prefix comes first.
void SortEncodedLabels(std::vector<std::string_view>* sets);

class LabelSets : public SeriesList {
 public:
  // Bits that are united when a set is added again.
  using Flags = uint8_t;

  LabelSets();

  // `labels`, which is copied, must be well-formed. The set's number, counted from 0.
  uint32_t Add(std::string_view labels, Flags flags);

  // Keeps the sets whose flags `keep` accepts, sorted, and of them the first `limit` (0: all). Ends
  // the collecting.
  template <typename F>
  void Finish(size_t limit, F&& keep) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (keep(flags_[i])) sorted_.emplace_back(entries_[i].data, entries_[i].size);
    }
    SortAndCut(limit);
  }
  size_t size() const override { return sorted_.size(); }
  std::string_view labels(size_t index) const override { return sorted_[index]; }

 private:
  struct Entry {
    const char* data = nullptr;
    uint32_t size = 0;
    uint32_t hash = 0;
  };

  const char* Keep(std::string_view labels);
  void Grow();
  void SortAndCut(size_t limit);

  const uint64_t seed_;  // so that nobody can craft labels that collide
  std::vector<std::unique_ptr<char[]>> slabs_;
  char* next_ = nullptr;
  size_t left_ = 0;
  std::vector<Entry> entries_;
  std::vector<Flags> flags_;     // by entry
  std::vector<uint32_t> slots_;  // open addressing: the entry's number + 1; 0: free
  std::vector<std::string_view> sorted_;
};

}  // namespace tsdb::storage
