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
  pairs_.clear();
  last_defined_ = 0;
  last_id_ = 0;
  last_time_ = DayStart(day, unit);
  type_ = ValueType::kFloat;
  contained_ = false;
  run_position_ = std::string::npos;
}

void JournalWriter::Define(uint32_t id, PolicyId policy, TimeUnit unit, size_t pair_count) {
  PutSignedVarint(&record_, static_cast<int64_t>(id) - last_defined_);
  last_defined_ = id;
  PutVarint(&record_, policy.value);
  record_.push_back(static_cast<char>(unit));
  PutVarint(&record_, pair_count);
}

void JournalWriter::DefinePair(uint32_t pair, std::string_view name, std::string_view value) {
  const auto [entry, is_new] = pairs_.try_emplace(pair, static_cast<uint32_t>(pairs_.size()));
  PutVarint(&record_, entry->second);
  if (!is_new) return;
  PutBytes(&record_, name);
  PutBytes(&record_, value);
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
  uint8_t value[kMaxValueBytes + 8];
  uint8_t* end = value;
  const bool is_bytes = IsBytesType(type);
  const uint8_t kind =
      is_bytes ? kValueBytes : EncodeValue(type, contained ? 0 : base, sample.payload, &end);
  if (id_step == 1 && time_step == 0 && kind == kValueUnchanged && !start_changed) {
    if (run_position_ != std::string::npos && record_[run_position_] < kMaxRun) {
      ++record_[run_position_];
      return;
    }
    run_position_ = record_.size();
    record_.push_back(static_cast<char>(kJournalRun));
    return;
  }
  run_position_ = std::string::npos;
  if (time_step != 0) {
    record_.push_back(static_cast<char>(kJournalMoved | kind));
    PutSignedVarint(&record_, id_step);
    PutSignedVarint(&record_, time_step);
  } else if (id_step != 1) {
    record_.push_back(static_cast<char>(kJournalOther | kind));
    PutSignedVarint(&record_, id_step);
  } else {
    record_.push_back(static_cast<char>(kJournalNext | kind));
  }
  if (is_bytes) {
    PutBytes(&record_, sample.bytes);
  } else {
    record_.append(reinterpret_cast<const char*>(value), static_cast<size_t>(end - value));
  }
}

void JournalWriter::EndSection() { Escape(kJournalEnd); }

void JournalWriter::Exemplar(std::string_view encoded) {
  record_.push_back(kJournalExemplar);
  PutBytes(&record_, encoded);
}

}  // namespace tsdb::storage
