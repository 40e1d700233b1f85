// One field of one series within a range of time, in one type and in nanoseconds. Integers and
// floats are cast into each other; samples of other types than wanted are passed over.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "query/influxql/ast.h"
#include "query/influxql/value.h"
#include "storage/interface.h"

namespace tsdb::influxql {

// A run of samples. Which vector is filled follows the type: floats, integers (booleans as 0 and 1)
// or strings.
struct ColumnBlock {
  std::vector<int64_t> times;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<std::string> strings;
  size_t size() const { return times.size(); }
  void Clear();
};

class FieldColumn {
 public:
  // `selection` is borrowed. `type` is kFloat, kInteger, kBoolean or kString.
  FieldColumn(const storage::SeriesSelection* selection, size_t index, DataType type,
              TimeRange range, const CancelToken* cancel);

  DataType type() const { return type_; }
  // The next run, at least one sample; false at the end.
  Result<bool> NextBlock(ColumnBlock* block);

 private:
  void Take(ColumnBlock* block);

  std::unique_ptr<storage::SampleCursor> cursor_;
  DataType type_;
  TimeRange range_;
  const CancelToken* cancel_;
  storage::SampleBlock raw_;
};

// Reads a column sample by sample, forwards or backwards. Backwards the whole column is read first.
class ColumnCursor {
 public:
  ColumnCursor(FieldColumn column, bool ascending)
      : column_(std::move(column)), ascending_(ascending) {}

  // Whether there is a current sample.
  Result<bool> Valid();
  // REQUIRES of all of these: Valid() was true.
  int64_t time() const { return block_.times[at_]; }
  Value value() const;
  void Advance() { ascending_ ? ++at_ : --at_; }
  // Goes on to `time` or past it; the value there, or nothing.
  Result<Value> ValueAt(int64_t time);

 private:
  Result<bool> LoadBackwards();

  FieldColumn column_;
  bool ascending_;
  bool loaded_ = false;
  bool ended_ = false;
  ColumnBlock block_;
  size_t at_ = 0;  // wraps past the front when reading backwards
};

}  // namespace tsdb::influxql
