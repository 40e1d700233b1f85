// Query results as Prometheus' HTTP API prints them (util/jsonutil and web/api/v1/json_codec.go
// there), piece by piece, so that a big answer never stands in memory as one text.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/histogram.h"
#include "model/labels.h"
#include "net/http_message.h"
#include "query/promql/engine.h"

namespace tsdb::server {

// Seconds with three digits after the point, or none: 1700000000, 1700000000.123, -0.001.
void AppendJsonTimestamp(int64_t timestamp_ms, std::string* out);
// A value in quotes: "1.5", "NaN", "+Inf", "1e-07". The exponent comes in at 1e21 and below 1e-6.
void AppendJsonValue(double value, std::string* out);
// {"name":"value",...}
void AppendJsonLabels(const Labels& labels, std::string* out);
// The same of what EncodeLabels() wrote.
void AppendJsonEncodedLabels(std::string_view labels, std::string* out);
// {"count":"..","sum":"..","buckets":[[3,"lower","upper","count"],...]}
void AppendJsonHistogram(const Histogram& histogram, std::string* out);

enum class StatsDetail { kNone, kTotals, kPerStep };
// {"timings":{...},"samples":{...}}
std::string StatsJson(const promql::QueryStats& stats, StatsDetail detail);

// The text of the whole answer, envelope included. At most `limit` elements (0: all) of a vector or
// matrix, then with a warning. The stream keeps the result alive. Thread-compatible.
net::BodyStream StreamResultJson(promql::QueryResult result, StatsDetail stats, size_t limit);

}  // namespace tsdb::server
