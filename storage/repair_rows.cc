// The order of a repair, and what its parts share.
#include "storage/repair_rows.h"

#include <algorithm>
#include <utility>

#include "base/duration.h"
#include "storage/format.h"
#include "storage/head/chunklet.h"

namespace tsdb::storage {

Status RowWriter::Put(Family family, std::string key, std::string value) {
  batch_.Put(family, std::move(key), std::move(value));
  return FinishIfFull();
}

Status RowWriter::Delete(Family family, std::string key) {
  batch_.Delete(family, std::move(key));
  return FinishIfFull();
}

Status RowWriter::Finish() {
  if (batch_.empty()) return Status::Ok();
  const Status status = store_->Write(batch_, true);
  batch_.Clear();
  return status;
}

Status RowWriter::FinishIfFull() {
  constexpr size_t kRowsAtOnce = 10'000;
  return batch_.ops().size() < kRowsAtOnce ? Status::Ok() : Finish();
}

Status RowRepairer::Run() {
  RETURN_IF_ERROR(RepairFormat());
  RETURN_IF_ERROR(RepairSecret());
  RETURN_IF_ERROR(RepairDays());
  for (auto& [day, version] : versions_) {
    RETURN_IF_ERROR(RepairIndex(&version));
  }
  RETURN_IF_ERROR(RepairCatalog());
  for (auto& [day, version] : versions_) {
    RETURN_IF_ERROR(RepairChunks(&version));
  }
  RETURN_IF_ERROR(RepairJournal());
  NameLostMeta();
  return Finish();
}

bool RowRepairer::MayHaveLost(Family family, std::string_view begin, std::string_view end) const {
  return std::any_of(salvage_.lost.begin(), salvage_.lost.end(), [&](const LostRange& lost) {
    return lost.family == family && lost.Overlaps(begin, end);
  });
}

bool RowRepairer::MayHaveLost(Family family, const PartitionKey& key) const {
  const std::string prefix = PartitionPrefix(key);
  return MayHaveLost(family, prefix, PrefixEnd(prefix));
}

bool RowRepairer::MayHaveLostMeta(std::string_view prefix) const {
  return salvage_.log_is_damaged || MayHaveLost(Family::kMeta, prefix, PrefixEnd(prefix));
}

bool RowRepairer::IsDoubtful(std::string_view meta_key) const {
  return salvage_.log_is_damaged ||
         MayHaveLost(Family::kMeta, meta_key, std::string(meta_key) + '\0');
}

std::unique_ptr<StoreIterator> RowRepairer::RowsOf(Family family, const PartitionKey& key) const {
  const std::string prefix = PartitionPrefix(key);
  return store_->NewIterator(family, prefix, PrefixEnd(prefix), false);
}

Status RowRepairer::Finish() {
  RETURN_IF_ERROR(RepairNextSegment());
  for (const int32_t day : changed_) {
    RETURN_IF_ERROR(
        writer_.Put(Family::kMeta, PartitionRowKey(day), EncodeVersion(versions_.at(day))));
  }
  RETURN_IF_ERROR(writer_.Finish());
  for (int i = 0; i < kFamilyCount; ++i) {
    RETURN_IF_ERROR(store_->Flush(static_cast<Family>(i)));
  }
  return Status::Ok();
}

std::string DayText(int32_t day) { return FormatRfc3339Ms(day * kDayMs).substr(0, 10); }

std::string CountText(uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what);
}

}  // namespace tsdb::storage
