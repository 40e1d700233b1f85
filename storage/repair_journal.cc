// The journal: which of its records are to be replayed.
#include <algorithm>

#include "base/coding.h"
#include "storage/repair_rows.h"

namespace tsdb::storage {

Status RowRepairer::RepairJournal() {
  ASSIGN_OR_RETURN(const auto row, store_->Get(Family::kMeta, kJournalBeginKey));
  if (!salvage_.log_is_damaged && !MayHaveLost(Family::kJournal, "", "")) {
    return IsDoubtful(kJournalBeginKey) ? RepairJournalBegin(row) : Status::Ok();
  }
  uint64_t next = 0;  // that is expected; 0: any
  if (row.has_value()) {
    std::string_view in = *row;
    if (!GetKey64(&in, &next)) next = 0;
  }
  auto rows = store_->NewIterator(Family::kJournal, JournalKey(next), "", false);
  uint64_t first_lost = 0;
  uint64_t last = 0;
  uint64_t dropped = 0;
  bool is_whole = next != 0;
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key();
    uint64_t sequence = 0;
    if (!GetKey64(&key, &sequence)) continue;
    if (sequence != next && is_whole) is_whole = false;
    if (!is_whole && first_lost == 0) first_lost = next == 0 ? sequence : next;
    last = sequence;
    next = sequence + 1;
    if (is_whole) continue;
    ++dropped;
    RETURN_IF_ERROR(writer_.Delete(Family::kJournal, JournalKey(sequence)));
  }
  RETURN_IF_ERROR(rows->status());
  if (dropped > 0) {
    report_->lost.push_back("journal records " + std::to_string(first_lost) + " to " +
                            std::to_string(last) +
                            ": samples since the last checkpoint; a record before them is damaged");
  } else if (salvage_.log_is_damaged || MayHaveLost(Family::kJournal, JournalKey(next), "")) {
    report_->lost.push_back("journal records from " + std::to_string(next) +
                            " on, if there were any: samples since the last checkpoint");
  }
  if (!row.has_value() || first_lost != 0) {
    RETURN_IF_ERROR(writer_.Put(Family::kMeta, std::string(kJournalBeginKey),
                                JournalKey(std::max<uint64_t>(last + 1, 1))));
  }
  return Status::Ok();
}

// All records are there, and with them some that are in segments already. A gap is where a
// checkpoint had earlier ones dropped, or a write failed: the records behind it rely on none
// before.
Status RowRepairer::RepairJournalBegin(const std::optional<std::string>& row) {
  uint64_t stored = 1;
  if (row.has_value()) {
    std::string_view in = *row;
    GetKey64(&in, &stored);
  }
  uint64_t begin = stored;
  uint64_t next = 0;
  auto rows = store_->NewIterator(Family::kJournal, "", "", false);
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key();
    uint64_t sequence = 0;
    if (!GetKey64(&key, &sequence)) continue;
    if (sequence != next) begin = sequence;
    next = sequence + 1;
  }
  RETURN_IF_ERROR(rows->status());
  begin = std::max(begin, stored);
  if (row.has_value() && begin == stored) return Status::Ok();
  report_->rebuilt.push_back("where the journal begins: at record " + std::to_string(begin));
  return writer_.Put(Family::kMeta, std::string(kJournalBeginKey), JournalKey(begin));
}

}  // namespace tsdb::storage
