#include "storage/select/label_rows.h"

#include <algorithm>
#include <utility>

namespace tsdb::storage {

Status LabelRows::Reader::Rows(std::span<const uint32_t> ids, std::vector<std::string_view>* rows) {
  // The page, the row's end in it and the row are three places; each is on its way for all ids
  // before the first is looked at.
  PagePtr last = pages_.empty() ? nullptr : std::move(pages_.back());
  pages_.clear();
  if (last != nullptr) pages_.push_back(std::move(last));
  page_of_.clear();
  for (const uint32_t id : ids) {
    if (pages_.empty() || id / kPageRows * kPageRows != pages_.back()->first) {
      ASSIGN_OR_RETURN(PagePtr page, Load(id / kPageRows));
      __builtin_prefetch(page.get());
      pages_.push_back(std::move(page));
    }
    page_of_.push_back(pages_.back().get());
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
  const Key key{partition_, number};
  if (PagePtr found = cache_->Find(key, end_id_); found != nullptr) return found;
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
  if (loaded_bytes_ <= cache_->max_bytes_ / 2) cache_->Keep(key, page);
  return PagePtr(std::move(page));
}

size_t LabelRows::SizeOf(const Page& page) {
  constexpr size_t kOverhead = 160;  // of the page, the list and the table
  return page.bytes.capacity() + page.ends.capacity() * sizeof(uint32_t) + kOverhead;
}

LabelRows::PagePtr LabelRows::Find(const Key& key, uint32_t end_id) {
  const MutexLock lock(mutex_);
  const auto found = pages_.find(key);
  if (found != pages_.end()) {
    const PagePtr& page = found->second->second;
    if (page->end == page->first + kPageRows || page->end >= end_id) {
      order_.splice(order_.begin(), order_, found->second);
      if (hits_ != nullptr) hits_->Increment();
      return page;
    }
    bytes_ -= SizeOf(*page);
    order_.erase(found->second);
    pages_.erase(found);
  }
  if (misses_ != nullptr) misses_->Increment();
  return nullptr;
}

void LabelRows::Keep(const Key& key, const PagePtr& page) {
  const MutexLock lock(mutex_);
  if (pages_.contains(key)) return;  // another query was faster
  order_.emplace_front(key, page);
  pages_.emplace(key, order_.begin());
  bytes_ += SizeOf(*page);
  while (bytes_ > max_bytes_) {
    bytes_ -= SizeOf(*order_.back().second);
    pages_.erase(order_.back().first);
    order_.pop_back();
  }
}

uint64_t LabelRows::size_bytes() const {
  const MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace tsdb::storage
