#include "storage/head/journal.h"

namespace tsdb::storage {

void JournalWriter::Begin() {
  record_.clear();
  record_.push_back(static_cast<char>(kJournalVersion));
}

void JournalWriter::BeginSection(int32_t day, TimeUnit unit, uint32_t definition_count) {
  record_.push_back(kJournalSection);
  PutSignedVarint(&record_, day);
  record_.push_back(static_cast<char>(unit));
  PutVarint(&record_, definition_count);
  if (++pair_round_ == 0) {
    pairs_.assign(pairs_.size(), {});
    pair_round_ = 1;
  }
  pair_count_ = 0;
  last_defined_ = 0;
  last_id_ = 0;
  last_time_ = DayStart(day, unit);
  type_ = ValueType::kFloat;
  contained_ = false;
  run_position_ = row_position_ = kNowhere;
}

void JournalWriter::Define(uint32_t id, PolicyId policy, TimeUnit unit, size_t pair_count) {
  PutSignedVarint(&record_, static_cast<int64_t>(id) - last_defined_);
  last_defined_ = id;
  PutVarint(&record_, policy.value);
  record_.push_back(static_cast<char>(unit));
  PutVarint(&record_, pair_count);
}

void JournalWriter::DefinePair(uint32_t pair, std::string_view name, std::string_view value) {
  bool is_new = false;
  PutVarint(&record_, NumberOf(pair, &is_new));
  if (!is_new) return;
  PutBytes(&record_, name);
  PutBytes(&record_, value);
}

uint32_t JournalWriter::NumberOf(uint32_t pair, bool* is_new) {
  const size_t mask = pairs_.size() - 1;
  size_t slot = (pair * 0x9e3779b1U) & mask;
  for (; pairs_[slot].round == pair_round_; slot = (slot + 1) & mask) {
    if (pairs_[slot].pair == pair) return pairs_[slot].number;
  }
  *is_new = true;
  const uint32_t number = pair_count_++;
  pairs_[slot] = {pair_round_, pair, number};
  if (pair_count_ * 2 > pairs_.size()) GrowPairs();
  return number;
}

void JournalWriter::GrowPairs() {
  std::vector<PairSlot> old(pairs_.size() * 2);
  old.swap(pairs_);
  const size_t mask = pairs_.size() - 1;
  for (const PairSlot& entry : old) {
    if (entry.round != pair_round_) continue;
    size_t slot = (entry.pair * 0x9e3779b1U) & mask;
    while (pairs_[slot].round == pair_round_) slot = (slot + 1) & mask;
    pairs_[slot] = entry;
  }
}

void JournalWriter::Sample(uint32_t id, ValueType type, const RawSample& sample, uint64_t base,
                           bool contained, bool start_changed) {
  if (type != type_) {
    Escape(kJournalType);
    record_.push_back(static_cast<char>(type));
    type_ = type;
  }
  if (contained != contained_) {
    Escape(contained ? kJournalContained : kJournalRelative);
    contained_ = contained;
  }
  if (start_changed) {
    Escape(kJournalStart);
    PutSignedVarint(&record_, sample.start);
  }
  const int64_t id_step = static_cast<int64_t>(id) - last_id_;
  const int64_t time_step =
      static_cast<int64_t>(static_cast<uint64_t>(sample.time) - static_cast<uint64_t>(last_time_));
  last_id_ = id;
  last_time_ = sample.time;
  // The control byte, two varints and the value.
  uint8_t bytes[1 + 2 * 10 + kMaxValueBytes + 8];
  uint8_t* end = bytes + 1;
  const bool is_row = id_step == 0 && time_step != 0 && !start_changed;
  if (is_row) {
    ContinueRow(time_step);
  } else {
    row_position_ = kNowhere;
    if (time_step != 0 || id_step != 1) end = WriteVarint(end, ZigZag(id_step));
    if (time_step != 0) end = WriteVarint(end, ZigZag(time_step));
  }
  const bool is_bytes = IsBytesType(type);
  const uint8_t kind =
      is_bytes ? kValueBytes : EncodeValue(type, contained ? 0 : base, sample.payload, &end);
  if (id_step == 1 && time_step == 0 && kind == kValueUnchanged && !start_changed) {
    if (run_position_ != kNowhere && record_[run_position_] < kMaxRun) {
      ++record_[run_position_];
      return;
    }
    run_position_ = record_.size();
    record_.push_back(static_cast<char>(kJournalRun));
    return;
  }
  run_position_ = kNowhere;
  bytes[0] = is_row           ? kind
             : time_step != 0 ? static_cast<uint8_t>(kJournalMoved | kind)
             : id_step != 1   ? static_cast<uint8_t>(kJournalOther | kind)
                              : static_cast<uint8_t>(kJournalNext | kind);
  record_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(end - bytes));
  if (is_bytes) PutBytes(&record_, sample.bytes);
}

void JournalWriter::ContinueRow(int64_t step) {
  if (row_position_ == kNowhere || row_step_ != step ||
      static_cast<uint8_t>(record_[row_position_]) == kMaxRow) {
    Escape(kJournalRow);
    PutSignedVarint(&record_, step);
    row_position_ = record_.size();
    record_.push_back(0);
    row_step_ = step;
  }
  ++record_[row_position_];
}

void JournalWriter::EndSection() { Escape(kJournalEnd); }

void JournalWriter::Exemplar(std::string_view encoded) {
  record_.push_back(kJournalExemplar);
  PutBytes(&record_, encoded);
}

}  // namespace tsdb::storage
