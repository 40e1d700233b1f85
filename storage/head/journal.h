// Journal records: what one append made of the store, as bytes. New series name their label pairs
// once a record; samples are written against the series' last journaled value, and runs of "next
// series, same time, same value" are counted. docs/format/journal.md draws the bytes.
//
// Because a value may need the one before it, records are applied in the order they were written,
// and the first sample of a series after a checkpoint or a failed write is self-contained.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "base/result.h"
#include "model/database_id.h"
#include "model/sample.h"
#include "storage/head/chunklet.h"
#include "storage/head/value_codec.h"

namespace tsdb::storage {

inline constexpr uint8_t kJournalVersion = 2;
inline constexpr uint8_t kFirstJournalVersion = 1;  // had no rows
inline constexpr char kJournalSection = 'S';
inline constexpr char kJournalExemplar = 'X';

// The upper two bits of a sample's control byte.
inline constexpr uint8_t kJournalRun = 0x00;         // n + 1 times: next id, same time, same value
inline constexpr uint8_t kJournalNext = 0x40;        // next id, same time
inline constexpr uint8_t kJournalMoved = 0x80;       // id and time given
inline constexpr uint8_t kJournalOther = 0xc0;       // id given, same time; or an escape
inline constexpr uint8_t kJournalStart = 0xc0 | 25;  // start timestamp of the next sample
inline constexpr uint8_t kJournalContained = 0xc0 | 26;  // samples need no earlier value from here
inline constexpr uint8_t kJournalRelative = 0xc0 | 27;   // samples follow on earlier ones again
inline constexpr uint8_t kJournalType = 0xc0 | 28;       // value type of the samples that follow
inline constexpr uint8_t kJournalEnd = 0xc0 | 29;        // of the section
inline constexpr uint8_t kJournalRow = 0xc0 | 30;  // n samples of the series before, at equal steps

class JournalWriter {
 public:
  // Starts a record; keeps capacity.
  void Begin();
  // One series' new definition: its policy and label pairs. Before the samples of its section.
  // `pair` identifies a pair within the section's partition; its text is written at first use.
  void BeginSection(int32_t day, TimeUnit unit, uint32_t definition_count);
  void Define(uint32_t id, PolicyId policy, TimeUnit unit, size_t pair_count);
  void DefinePair(uint32_t pair, std::string_view name, std::string_view value);
  // `base` is the series' last journaled value; `contained` when there is none to rely on.
  void Sample(uint32_t id, ValueType type, const RawSample& sample, uint64_t base, bool contained,
              bool start_changed);
  void EndSection();
  void Exemplar(std::string_view encoded);

  std::string& record() { return record_; }
  bool empty() const { return record_.size() <= 1; }

 private:
  static constexpr size_t kNowhere = std::string::npos;
  static constexpr uint8_t kMaxRow = 255;

  void Escape(uint8_t code) {
    record_.push_back(static_cast<char>(code));
    run_position_ = row_position_ = kNowhere;
  }
  // Lets one more sample of the last series follow, `step` after the one before.
  void ContinueRow(int64_t step);
  // The number of a pair within the section, and whether it is new there.
  uint32_t NumberOf(uint32_t pair, bool* is_new);
  void GrowPairs();

  std::string record_;
  // Open addressing; slots of earlier rounds, that is sections, are free.
  struct PairSlot {
    uint32_t round = 0;
    uint32_t pair = 0;
    uint32_t number = 0;
  };
  std::vector<PairSlot> pairs_ = std::vector<PairSlot>(64);
  uint32_t pair_round_ = 0;
  uint32_t pair_count_ = 0;
  uint32_t last_defined_ = 0;
  uint32_t last_id_ = 0;
  int64_t last_time_ = 0;
  ValueType type_ = ValueType::kFloat;
  bool contained_ = false;
  size_t run_position_ = kNowhere;  // of the run that may count on
  size_t row_position_ = kNowhere;  // of the count of the row that may go on
  int64_t row_step_ = 0;
};

// Walks one record. `Visitor` has
//   bool Section(int32_t day, TimeUnit unit);
//   bool Define(uint32_t id, PolicyId policy, TimeUnit unit, Labels labels);
//   uint64_t Base(uint32_t id);   // the series' last value
//   bool Sample(uint32_t id, ValueType type, TimeUnit unit, const RawSample& sample, bool
//   has_start); bool Exemplar(std::string_view encoded);
// and answers false to stop with kDataLoss.
template <typename Visitor>
class JournalReader {
 public:
  explicit JournalReader(Visitor* visitor) : visitor_(visitor) {}

  Status Read(std::string_view record) {
    in_ = record;
    const uint8_t version = in_.empty() ? 0 : static_cast<uint8_t>(in_.front());
    if (version < kFirstJournalVersion || version > kJournalVersion) {
      return DataLoss("journal record of an unknown version");
    }
    in_.remove_prefix(1);
    while (!in_.empty()) {
      const char tag = in_.front();
      in_.remove_prefix(1);
      std::string_view exemplar;
      const bool read = tag == kJournalSection ? ReadSection()
                        : tag == kJournalExemplar
                            ? GetBytes(&in_, &exemplar) && visitor_->Exemplar(exemplar)
                            : false;
      if (!read) return DataLoss("malformed journal record");
    }
    return Status::Ok();
  }

 private:
  bool ReadSection() {
    int64_t day = 0;
    uint64_t count = 0;
    if (!GetSignedVarint(&in_, &day) || day != static_cast<int32_t>(day)) return false;
    if (!GetUnit(&unit_) || !GetVarint(&in_, &count)) return false;
    if (!visitor_->Section(static_cast<int32_t>(day), unit_)) return false;
    pairs_.clear();
    uint32_t id = 0;
    for (uint64_t i = 0; i < count; ++i) {
      if (!ReadDefinition(&id)) return false;
    }
    return ReadSamples(DayStart(static_cast<int32_t>(day), unit_));
  }

  bool GetUnit(TimeUnit* unit) {
    if (in_.empty() || static_cast<uint8_t>(in_.front()) > 1) return false;
    *unit = static_cast<TimeUnit>(in_.front());
    in_.remove_prefix(1);
    return true;
  }

  bool ReadDefinition(uint32_t* id) {
    int64_t step = 0;
    uint64_t policy = 0;
    uint64_t count = 0;
    TimeUnit unit;
    if (!GetSignedVarint(&in_, &step) || !GetVarint(&in_, &policy) || !GetUnit(&unit)) return false;
    if (!GetVarint(&in_, &count) || count > in_.size()) return false;
    *id = static_cast<uint32_t>(*id + step);
    std::vector<Label> labels;
    labels.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t pair = 0;
      if (!GetVarint(&in_, &pair) || pair > pairs_.size()) return false;
      if (pair == pairs_.size()) {
        std::string_view name;
        std::string_view value;
        if (!GetBytes(&in_, &name) || !GetBytes(&in_, &value)) return false;
        pairs_.emplace_back(name, value);
      }
      labels.push_back({std::string(pairs_[pair].first), std::string(pairs_[pair].second)});
    }
    Result<Labels> sorted = Labels::FromUnsorted(std::move(labels));
    return sorted.ok() &&
           visitor_->Define(*id, PolicyId{static_cast<uint32_t>(policy)}, unit, *std::move(sorted));
  }

  bool ReadSamples(int64_t time) {
    uint32_t id = 0;
    bool contained = false;
    bool has_start = false;
    ValueType type = ValueType::kFloat;
    RawSample sample;
    for (;;) {
      if (in_.empty()) return false;
      const uint8_t control = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      const uint8_t low = control & 0x3f;
      if ((control & 0xc0) == kJournalRun) {
        for (unsigned i = 0; i <= low; ++i) {
          ++id;
          sample = {time, contained ? 0 : visitor_->Base(id), {}, 0};
          if (!visitor_->Sample(id, type, unit_, sample, false)) return false;
        }
        continue;
      }
      if (control == kJournalRow) {
        if (!ReadRow(type, contained, id, &time)) return false;
        continue;
      }
      if (control >= kJournalStart && control <= kJournalEnd) {
        if (control == kJournalEnd) return true;
        if (control == kJournalContained) contained = true;
        if (control == kJournalRelative) contained = false;
        if (control == kJournalType) {
          if (in_.empty() || static_cast<uint8_t>(in_.front()) > 4) return false;
          type = static_cast<ValueType>(in_.front());
          in_.remove_prefix(1);
        }
        if (control == kJournalStart) {
          has_start = true;
          if (!GetSignedVarint(&in_, &sample.start)) return false;
        }
        continue;
      }
      int64_t id_step = 1;
      int64_t time_step = 0;
      if ((control & 0xc0) != kJournalNext && !GetSignedVarint(&in_, &id_step)) return false;
      if ((control & 0xc0) == kJournalMoved && !GetSignedVarint(&in_, &time_step)) return false;
      id = static_cast<uint32_t>(id + id_step);
      time = static_cast<int64_t>(static_cast<uint64_t>(time) + static_cast<uint64_t>(time_step));
      sample.time = time;
      if (!ReadValue(type, low, contained, id, &sample)) return false;
      if (!has_start) sample.start = 0;
      if (!visitor_->Sample(id, type, unit_, sample, has_start)) return false;
      has_start = false;
    }
  }

  bool ReadRow(ValueType type, bool contained, uint32_t id, int64_t* time) {
    int64_t step = 0;
    if (!GetSignedVarint(&in_, &step) || in_.empty()) return false;
    const uint8_t count = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    RawSample sample;
    for (unsigned i = 0; i < count; ++i) {
      if (in_.empty()) return false;
      const uint8_t kind = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      *time = static_cast<int64_t>(static_cast<uint64_t>(*time) + static_cast<uint64_t>(step));
      sample.time = *time;
      sample.start = 0;
      if (!ReadValue(type, kind, contained, id, &sample)) return false;
      if (!visitor_->Sample(id, type, unit_, sample, false)) return false;
    }
    return true;
  }

  bool ReadValue(ValueType type, uint8_t kind, bool contained, uint32_t id, RawSample* sample) {
    sample->bytes = {};
    if (IsBytesType(type)) return kind == kValueBytes && GetBytes(&in_, &sample->bytes);
    const uint64_t base = contained ? 0 : visitor_->Base(id);
    return DecodeValue(type, kind, base, &in_, &sample->payload);
  }

  Visitor* visitor_;
  std::string_view in_;
  TimeUnit unit_ = TimeUnit::kMilliseconds;
  std::vector<std::pair<std::string_view, std::string_view>> pairs_;
};

}  // namespace tsdb::storage
