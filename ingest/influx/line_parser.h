// InfluxDB 1.x line protocol to a WriteBatch, without copying: `measurement,tag=v field=1,other="x"
// time`. One entry of the batch a field; the entries of a line share the view of measurement and
// tags.
//
// The hot path looks for the space that ends measurement and tags and leaves what is inside them to
// the SeriesDecoder (ingest/influx/line_to_series.h), which storage asks only about bytes it has
// not seen; a wrong tag is therefore found by storage, not here. Numbers, booleans and plain
// strings are read in one pass; a line that has anything unusual is read again by rules that follow
// InfluxDB 1.6 to the letter, and gives its words for what is wrong (recorded in
// tests/golden/influx).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "model/write_batch.h"

namespace tsdb::influx {

struct LineFields;

// Nanoseconds of a unit of `precision`: n, ns, u, ms, s, m, h. Everything else means nanoseconds,
// as in InfluxDB ("us", too).
int64_t PrecisionNs(std::string_view precision);

// The times that InfluxDB can hold; both ends included.
inline constexpr int64_t kMinTimeNs = -9223372036854775806;
inline constexpr int64_t kMaxTimeNs = 9223372036854775806;
// Of measurement, tags and field of one point, with 4 bytes between.
inline constexpr size_t kMaxKeyBytes = 65535;

struct LineProblem {
  uint32_t line = 0;    // from 0, counting lines of the request that are neither empty nor comments
  bool parsed = false;  // the line is well-formed, but its point cannot be kept
  std::string_view text;  // the line, into the body
  std::string reason;     // "missing fields"
};

// Keeps its memory from request to request. Thread-compatible.
class LineParser {
 public:
  // Forgets the request before. `now_ns` is the time of points that have none.
  void Begin(std::string_view body, int64_t precision_ns, int64_t now_ns);

  // Appends points to `batch` until the body ends, or a line has brought it to `points_max` points
  // or more; false when there is nothing left to do. Views in the batch point into the body and
  // into this parser, until the next Begin. The batch's unit, encoding and decoder are left to the
  // caller.
  bool Parse(size_t points_max, WriteBatch* batch);

  // In the order of the lines.
  const std::vector<LineProblem>& problems() const { return problems_; }
  // Lines that gave points (Series::source_index counts all lines, as LineProblem::line does).
  uint64_t good_lines() const { return good_lines_; }
  // The line whose measurement begins at `key`, which is the data() of a Series::bytes of this
  // request.
  std::string_view LineAt(const char* key) const;

 private:
  std::string_view TakeLine();
  void ParseLine(std::string_view line);
  bool FastLine(std::string_view line);
  bool FastFields(const char* position, const char* end, std::string_view key);
  bool FastTime(const char* position, const char* end, int64_t* time_ns) const;
  void ExactLine(std::string_view line);
  std::string ExactTime(std::string_view rest, int64_t* time_ns) const;
  void AddFields(std::string_view key, const LineFields& scanned);
  void AddValue(std::string_view key, std::string_view field, ValueType type, uint64_t payload);
  void AddString(std::string_view key, std::string_view field, std::string_view inside);
  void TakeBackLine();
  void Problem(std::string_view line, bool parsed, std::string reason);

  std::string_view body_;
  std::string_view rest_;
  int64_t precision_ns_ = 1;
  int64_t now_ns_ = 0;
  uint32_t line_number_ = 0;
  uint64_t good_lines_ = 0;
  std::vector<LineProblem> problems_;
  std::deque<std::string> unescaped_;  // string values that had escapes
  WriteBatch* batch_ = nullptr;
  size_t first_series_ = 0, first_point_ = 0, first_string_ = 0;  // of the line at hand
};

}  // namespace tsdb::influx
