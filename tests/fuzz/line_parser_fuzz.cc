// Line protocol: any bytes are points or problems, nothing else; every entry of the batch is sound;
// and a request cut into small batches gives the same points as one read in one go.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ingest/influx/line_parser.h"
#include "ingest/influx/line_to_series.h"

namespace {

using namespace tsdb;

void Require(bool condition) {
  if (!condition) std::abort();
}

bool IsWithin(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.end() <= whole.end();
}

void CheckSeries(const WriteBatch& batch, const influx::LineParser& parser, std::string_view body) {
  for (const WriteBatch::Series& series : batch.series) {
    Require(IsWithin(series.bytes, body) && IsWithin(series.field, body));
    Require(series.point_count == 1 && series.first_point < batch.points.size());
    const WriteBatch::Point& point = batch.points[series.first_point];
    Require(series.type != ValueType::kString || point.payload < batch.strings.size());
    Require(series.type != ValueType::kBoolean || point.payload <= 1);
    const bool decodes = influx::InfluxSeriesDecoder().Decode(series.bytes, series.field).ok();
    Require(!decodes || influx::CheckLineKey(series.bytes).reason.empty());
    Require(parser.LineAt(series.bytes.data()).starts_with(series.bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  influx::LineParser parser;
  WriteBatch batch;
  parser.Begin(body, influx::PrecisionNs("ms"), 1'700'000'000'000'000'000);
  Require(!parser.Parse(SIZE_MAX, &batch));
  CheckSeries(batch, parser, body);
  const uint64_t good_lines = parser.good_lines();
  const size_t problems = parser.problems().size();

  size_t points = 0;
  WriteBatch part;
  parser.Begin(body, influx::PrecisionNs("ms"), 1'700'000'000'000'000'000);
  for (bool more = true; more; points += part.points.size()) {
    part.Clear();
    more = parser.Parse(2, &part);
  }
  Require(points == batch.points.size() && parser.good_lines() == good_lines &&
          parser.problems().size() == problems);
  return 0;
}
