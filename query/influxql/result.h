// What a statement answers. Value types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "query/influxql/time_zone.h"
#include "query/influxql/value.h"

namespace tsdb::influxql {

// A column of lists (SHOW SUBSCRIPTIONS) is written as JSON by whoever makes it.
struct ResultSeries {
  std::string name;
  Tags tags;                         // sorted
  std::vector<std::string> columns;  // `times` first when there are any
  bool has_times = false;
  std::vector<int64_t> times;            // nanoseconds, one a row
  std::shared_ptr<const TimeZone> zone;  // of times as texts; null: UTC
  std::vector<std::vector<Value>> rows;
  bool is_json = false;  // texts of the last column are JSON
  bool partial = false;  // more rows of the same series follow
};

struct ResultMessage {
  std::string level;
  std::string text;
};

// A statement may give several; those with rows of one series belong together.
struct StatementResult {
  int64_t statement_id = 0;
  std::vector<ResultSeries> series;
  std::vector<ResultMessage> messages;
  std::string error;
  bool has_error = false;
  bool partial = false;  // more of this statement follows
};

}  // namespace tsdb::influxql
