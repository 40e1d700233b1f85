// Results of InfluxQL statements as bytes: JSON as InfluxDB writes it, one document an answer or
// one a chunk, CSV, and MessagePack. Thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "query/influxql/result.h"

namespace tsdb::server {

enum class InfluxForm : uint8_t { kJson, kPrettyJson, kCsv, kMsgPack };

// How times are written: 0 for RFC 3339, else how many nanoseconds a unit has. CSV has nanoseconds
// instead of RFC 3339.
int64_t InfluxEpoch(std::string_view epoch);

class InfluxFormatter {
 public:
  static std::unique_ptr<InfluxFormatter> Create(InfluxForm form, int64_t epoch_ns, bool chunked);
  virtual ~InfluxFormatter() = default;

  virtual std::string_view content_type() const = 0;
  // Takes a piece; with `chunked` the answer is complete bytes, else what can be given so far
  // (empty until the end, mostly). Pieces of one statement come one after the other; an error
  // replaces what its statement gave before.
  virtual std::string Add(const influxql::StatementResult& result) = 0;
  virtual std::string Finish() = 0;
};

// An answer that is an error as a whole.
std::string InfluxErrorBody(InfluxForm form, std::string_view error);
std::string_view InfluxContentType(InfluxForm form);

// A document indented by four spaces as Go's encoding/json does it.
std::string IndentJson(std::string_view json);

}  // namespace tsdb::server
