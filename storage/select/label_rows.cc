#include "storage/select/label_rows.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tsdb::storage {

Status LabelRows::Reader::Rows(std::span<const uint32_t> ids, std::vector<std::string_view>* rows) {
  PagePtr last = pages_.empty() ? nullptr : pages_.back();
  numbers_.clear();
  for (const uint32_t id : ids) {
    const uint32_t number = id / kPageRows;
    if (numbers_.empty() || numbers_.back() != number) numbers_.push_back(number);
  }
  pages_.assign(numbers_.size(), nullptr);
  if (last != nullptr && !ids.empty() && last->first == numbers_[0] * kPageRows) {
    pages_[0] = std::move(last);
  }
  cache_->Find(partition_, numbers_, end_id_, &pages_);
  for (size_t i = 0; i < numbers_.size(); ++i) {
    if (pages_[i] != nullptr) continue;
    ASSIGN_OR_RETURN(pages_[i], Load(numbers_[i]));
  }
  // The row's end in its page and the row are two places; each is on its way for all ids before the
  // first is looked at.
  page_of_.clear();
  size_t page = 0;
  for (const uint32_t id : ids) {
    if (id / kPageRows != numbers_[page]) ++page;
    page_of_.push_back(pages_[page].get());
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    __builtin_prefetch(&page_of_[i]->ends[ids[i] - page_of_[i]->first]);
  }
  rows->clear();
  for (size_t i = 0; i < ids.size(); ++i) {
    rows->push_back(page_of_[i]->Row(ids[i]));
    __builtin_prefetch(rows->back().data());
    __builtin_prefetch(rows->back().data() + 64);
  }
  return Status::Ok();
}

Result<LabelRows::PagePtr> LabelRows::Reader::Load(uint32_t number) {
  auto page = std::make_shared<Page>();
  page->first = number * kPageRows;
  page->end = std::min(page->first + kPageRows, end_id_);
  page->ends.resize(page->end - page->first);
  if (rows_ == nullptr) {
    // What is kept here need not be in the block cache as well.
    rows_ = cache_->store_->NewIterator(Family::kLabels, LabelsKey(partition_, page->first),
                                        LabelsKey(partition_, end_id_), /*fill_cache=*/false);
  } else if (page->first > next_row_ + kPageRows) {
    rows_->Seek(LabelsKey(partition_, page->first));
  }
  uint32_t filled = page->first;
  for (; rows_->Valid(); rows_->Next()) {
    std::string_view text = rows_->key().substr(kPartitionPrefixSize);
    uint32_t id = 0;
    if (!GetKey32(&text, &id)) return DataLoss("malformed key of a labels row");
    if (id >= page->end) break;
    if (id < page->first) continue;
    for (; filled < id; ++filled) {
      page->ends[filled - page->first] = static_cast<uint32_t>(page->bytes.size());
    }
    page->bytes += rows_->value();
  }
  for (; filled < page->end; ++filled) {
    page->ends[filled - page->first] = static_cast<uint32_t>(page->bytes.size());
  }
  RETURN_IF_ERROR(rows_->status());
  page->bytes.shrink_to_fit();
  next_row_ = page->end;
  // A query of very many series would leave nothing of what others ask for.
  loaded_bytes_ += SizeOf(*page);
  if (loaded_bytes_ <= cache_->max_bytes_ / 2) cache_->Keep(partition_, number, page);
  return PagePtr(std::move(page));
}

size_t LabelRows::SizeOf(const Page& page) {
  constexpr size_t kOverhead = 96;  // of the page and of what counts its users
  return page.bytes.capacity() + page.ends.capacity() * sizeof(uint32_t) + kOverhead;
}

void LabelRows::Find(const PartitionKey& partition, std::span<const uint32_t> numbers,
                     uint32_t end_id, std::vector<PagePtr>* pages) {
  size_t hits = 0;
  {
    const MutexLock lock(mutex_);
    const auto shelf = shelves_.find(partition);
    if (shelf != shelves_.end()) {
      std::vector<Slot>& slots = shelf->second.slots;
      for (const uint32_t number : numbers) {
        if (number < slots.size()) __builtin_prefetch(slots[number].page.get());
      }
      for (size_t i = 0; i < numbers.size() && numbers[i] < slots.size(); ++i) {
        Slot& slot = slots[numbers[i]];
        if (slot.page == nullptr || (*pages)[i] != nullptr) continue;
        if (slot.page->end < slot.page->first + kPageRows && slot.page->end < end_id) continue;
        slot.used = true;
        (*pages)[i] = slot.page;
        ++hits;
      }
    }
  }
  if (hits_ != nullptr) hits_->Increment(hits);
  if (misses_ == nullptr) return;
  misses_->Increment(static_cast<uint64_t>(std::count(pages->begin(), pages->end(), nullptr)));
}

void LabelRows::Keep(const PartitionKey& partition, uint32_t number, const PagePtr& page) {
  const MutexLock lock(mutex_);
  Shelf& shelf = shelves_[partition];
  if (shelf.slots.size() <= number) {
    bytes_ -= shelf.slots.capacity() * sizeof(Slot);
    shelf.slots.resize(number + 1);
    bytes_ += shelf.slots.capacity() * sizeof(Slot);
  }
  Slot& slot = shelf.slots[number];
  if (slot.page != nullptr && slot.page->end >= page->end) return;  // another query was faster
  if (slot.page != nullptr) bytes_ -= SizeOf(*slot.page);
  if (slot.page == nullptr) ++shelf.pages;
  bytes_ += SizeOf(*page);
  slot = {page, false};
  Evict();
}

void LabelRows::Evict() {
  while (bytes_ > max_bytes_ && !shelves_.empty()) {
    auto shelf = shelves_.lower_bound(hand_partition_);
    if (shelf == shelves_.end()) shelf = shelves_.begin();
    if (shelf->first != hand_partition_) hand_ = 0;
    hand_partition_ = shelf->first;
    std::vector<Slot>& slots = shelf->second.slots;
    for (; hand_ < slots.size() && bytes_ > max_bytes_; ++hand_) {
      Slot& slot = slots[hand_];
      if (slot.page == nullptr || std::exchange(slot.used, false)) continue;
      bytes_ -= SizeOf(*slot.page);
      slot.page = nullptr;
      --shelf->second.pages;
    }
    const auto next = std::next(shelf) == shelves_.end() ? shelves_.begin() : std::next(shelf);
    if (hand_ >= slots.size()) {
      hand_ = 0;
      hand_partition_ = next->first;
    }
    if (shelf->second.pages > 0) continue;
    bytes_ -= slots.capacity() * sizeof(Slot);
    shelves_.erase(shelf);
  }
}

uint64_t LabelRows::size_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace tsdb::storage
