#include "query/influxql/field_column.h"

#include <algorithm>
#include <utility>

#include "model/sample.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

bool CanRead(ValueType stored, DataType wanted) {
  switch (stored) {
    case ValueType::kFloat:
    case ValueType::kInteger:
      return wanted == DataType::kFloat || wanted == DataType::kInteger;
    case ValueType::kBoolean:
      return wanted == DataType::kBoolean;
    case ValueType::kString:
      return wanted == DataType::kString;
    case ValueType::kHistogram:
      break;
  }
  return false;
}

}  // namespace

void ColumnBlock::Clear() {
  times.clear();
  floats.clear();
  integers.clear();
  strings.clear();
}

FieldColumn::FieldColumn(const storage::SeriesSelection* selection, size_t index, DataType type,
                         TimeRange range, const CancelToken* cancel)
    : cursor_(selection->Open(index)), type_(type), range_(range), cancel_(cancel) {}

Result<bool> FieldColumn::NextBlock(ColumnBlock* block) {
  for (;;) {
    RETURN_IF_ERROR(cancel_->Check());
    ASSIGN_OR_RETURN(const bool more, cursor_->Next(&raw_));
    if (!more) return false;
    if (!CanRead(raw_.type, type_)) continue;
    Take(block);
    if (block->size() > 0) return true;
  }
}

void FieldColumn::Take(ColumnBlock* block) {
  block->Clear();
  if (raw_.unit == TimeUnit::kMilliseconds) {
    for (int64_t& time : raw_.timestamps) {
      if (__builtin_mul_overflow(time, kNsPerMs, &time)) time = time < 0 ? kMinTime : kMaxTime;
    }
  }
  auto& times = raw_.timestamps;
  const auto first = std::lower_bound(times.begin(), times.end(), range_.min);
  const auto last = std::upper_bound(first, times.end(), range_.max);
  const auto from = first - times.begin();
  const auto to = last - times.begin();
  // The usual case costs no copy.
  const bool whole = first == times.begin() && last == times.end();
  const auto take = [&](auto* in, auto* out) {
    if (whole) {
      std::swap(*in, *out);
    } else {
      out->assign(in->begin() + from, in->begin() + to);
    }
  };
  take(&times, &block->times);
  if (raw_.type == ValueType::kFloat) take(&raw_.floats, &block->floats);
  if (raw_.type == ValueType::kInteger || raw_.type == ValueType::kBoolean) {
    take(&raw_.integers, &block->integers);
  }
  if (raw_.type == ValueType::kString) take(&raw_.strings, &block->strings);
  if (raw_.type == ValueType::kInteger && type_ == DataType::kFloat) {
    block->floats.assign(block->integers.begin(), block->integers.end());
    block->integers.clear();
  }
  if (raw_.type == ValueType::kFloat && type_ == DataType::kInteger) {
    for (const double value : block->floats) block->integers.push_back(ToInteger(value));
    block->floats.clear();
  }
  if (raw_.type != ValueType::kFloat || raw_.unit != TimeUnit::kMilliseconds ||
      type_ != DataType::kFloat) {
    return;
  }
  // Prometheus' end-of-series markers are no values.
  size_t kept = 0;
  for (size_t i = 0; i < block->size(); ++i) {
    if (IsStaleMarker(block->floats[i])) continue;
    block->floats[kept] = block->floats[i];
    block->times[kept++] = block->times[i];
  }
  block->floats.resize(kept);
  block->times.resize(kept);
}

Result<bool> ColumnCursor::LoadBackwards() {
  ColumnBlock next;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, column_.NextBlock(&next));
    if (!more) break;
    if (block_.size() == 0) {
      std::swap(block_, next);
      continue;
    }
    const auto append = [](auto* in, auto* out) {
      out->insert(out->end(), std::make_move_iterator(in->begin()),
                  std::make_move_iterator(in->end()));
    };
    append(&next.times, &block_.times);
    append(&next.floats, &block_.floats);
    append(&next.integers, &block_.integers);
    append(&next.strings, &block_.strings);
  }
  at_ = block_.size() - 1;
  return block_.size() > 0;
}

Result<bool> ColumnCursor::Valid() {
  if (loaded_ && at_ < block_.size()) return true;
  if (ended_) return false;
  if (!ascending_) {
    if (loaded_) return false;
    loaded_ = true;
    return LoadBackwards();
  }
  loaded_ = true;
  at_ = 0;
  ASSIGN_OR_RETURN(const bool more, column_.NextBlock(&block_));
  ended_ = !more;
  if (!more) block_.Clear();
  return more;
}

Value ColumnCursor::value() const {
  switch (column_.type()) {
    case DataType::kFloat:
      return block_.floats[at_];
    case DataType::kInteger:
      return block_.integers[at_];
    case DataType::kBoolean:
      return block_.integers[at_] != 0;
    default:
      return block_.strings[at_];
  }
}

Result<Value> ColumnCursor::ValueAt(int64_t wanted) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool valid, Valid());
    if (!valid) return Value();
    if (time() == wanted) return value();
    if (ascending_ ? time() > wanted : time() < wanted) return Value();
    Advance();
  }
}

}  // namespace tsdb::influxql
