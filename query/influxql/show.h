// SHOW MEASUREMENTS, SERIES, TAG KEYS, TAG VALUES, FIELD KEYS and their cardinalities: what there
// is, out of the index. And which series DELETE and DROP SERIES mean.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "query/influxql/result.h"
#include "query/influxql/schema.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {

// `statement.database` is filled in. Errors are InfluxDB's.
// kInvalidArgument where WHERE names the time and must not: "SHOW MEASUREMENTS doesn't support time
// in WHERE clause".
Status CheckShowTime(const ShowSchemaStatement& statement);

// `*goes_on`: whether the statements after this one run though it failed.
Result<std::vector<ResultSeries>> ShowSchema(const ShowSchemaStatement& statement, Schema* schema,
                                             bool* goes_on);

// DELETE, DROP SERIES and DROP MEASUREMENT in every policy of the database.
Status DeleteSeries(const DeleteStatement& statement, const std::string& database,
                    storage::Storage* storage, Schema* schema);
Status DropMeasurement(const std::string& measurement, const std::string& database,
                       storage::Storage* storage, Schema* schema);

// A series in line protocol: "cpu,host=a", escaped.
std::string SeriesKeyText(std::string_view measurement, const Tags& tags);

}  // namespace tsdb::influxql
