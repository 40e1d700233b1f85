#include "storage/rocks/journal_filter.h"

#include <string>
#include <string_view>

#include "base/coding.h"

namespace tsdb::storage {
namespace {

class JournalFilter : public rocksdb::CompactionFilter {
 public:
  explicit JournalFilter(uint64_t begin) : begin_(begin) {}

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*,
              bool*) const override {
    std::string_view rest(key.data(), key.size());
    uint64_t sequence = 0;
    return GetKey64(&rest, &sequence) && sequence < begin_;
  }
  const char* Name() const override { return "tsdbd.journal"; }

 private:
  uint64_t begin_;
};

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> JournalFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<JournalFilter>(begin_.load(std::memory_order_relaxed));
}

bool JournalFilterFactory::ShouldFilterTableFileCreation(
    rocksdb::TableFileCreationReason reason) const {
  return reason == rocksdb::TableFileCreationReason::kFlush ||
         reason == rocksdb::TableFileCreationReason::kCompaction;
}

}  // namespace tsdb::storage
