// Writes the rows of SELECT ... INTO by the way of the line protocol, so that types conflict and
// policies end as they do for clients. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "query/influxql/executor.h"
#include "storage/interface.h"

namespace tsdb::server {

class InfluxInto : public influxql::PointWriter {
 public:
  // Borrowed.
  InfluxInto(storage::Storage* storage, const Clock* clock) : storage_(storage), clock_(clock) {}

  Status Write(std::string_view database, std::string_view policy,
               const std::vector<std::string>& fields,
               const std::vector<influxql::IntoRows>& series) override;

 private:
  storage::Storage* storage_;
  const Clock* clock_;
};

}  // namespace tsdb::server
