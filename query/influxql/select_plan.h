// What a prepared SELECT reads: its functions and variables, and the groups of series. Internal to
// the executor.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "query/influxql/point.h"
#include "query/influxql/schema.h"
#include "query/influxql/select_cursor.h"
#include "query/influxql/select_prepare.h"
#include "query/influxql/series_set.h"

namespace tsdb::influxql {

// A function call or a variable that fields of a SELECT are computed from. Each is read once.
struct Symbol {
  ExprPtr expr;
  DataType type = DataType::kUnknown;
};

struct SymbolTable {
  std::vector<Symbol> symbols;
  std::vector<ExprPtr> columns;   // with variables in the place of symbols; `integer` is the index
  std::vector<size_t> calls;      // into symbols
  std::vector<size_t> variables;  // into symbols, in the order in which they stand beside a value
};
SymbolTable MakeSymbols(const PreparedSelect& select);

// How a SELECT is run, which for a subquery depends on its parent.
struct RunOptions {
  TimeRange range;
  TimeRange mapped;  // what the outermost SELECT reads: nothing beyond is read for any other
  Interval interval;
  FillOption fill = FillOption::kNull;
  std::vector<std::string> dimensions;  // of the outermost SELECT
  std::vector<std::string> group_by;    // its own and its parents'; sorted
  size_t dimension_count = 0;           // of the outermost SELECT, as often as each is named
  int64_t slimit = 0;
  int64_t soffset = 0;
  bool is_subquery = false;        // whose rows may have NaN, which is not the same as no value
  bool whole_groups = false;       // find series of all of the shard groups, with points or without
  bool only_measurements = false;  // do not run subqueries
};
// The range as transformations widen it that look at `intervals` neighbours.
TimeRange WidenedBy(const TimeRange& range, __int128 intervals, const Interval& interval,
                    bool ascending);
RunOptions OptionsOf(const PreparedSelect& select);
RunOptions OptionsOfSubquery(const PreparedSelect& inner, const RunOptions& outer, int64_t now_ns);

// Rows of a subquery that belong to one group.
struct SubqueryRows {
  const PreparedSelect* inner = nullptr;
  std::vector<ResultRow> rows;
  size_t source = 0;  // which of FROM it is
  // How many of them an aggregate of a variable sees without an interval: a row that has it before
  // or behind the range, as the beginning of an interval may be, ends what InfluxDB reads, of all
  // groups. All of them where a variable is not named.
  std::map<std::pair<std::string, DataType>, size_t> reducible;
  size_t ReducibleBy(const ColumnRef& driver) const;
};

// Series and subqueries each in the order of FROM.
struct Group {
  SeriesKeyPtr key;
  std::vector<const SeriesEntry*> series;
  std::vector<SubqueryRows> subqueries;
};

// Everything that the groups point into.
struct GroupPlan {
  std::vector<std::unique_ptr<MeasurementSeries>> measurements;
  std::vector<Group> groups;  // in the order in which they are shown
};
Result<std::unique_ptr<GroupPlan>> FindGroups(const PreparedSelect& select,
                                              const SymbolTable& symbols, const RunOptions& options,
                                              Schema* schema);

Result<std::unique_ptr<RowCursor>> OpenSelectWith(std::shared_ptr<const PreparedSelect> select,
                                                  const RunOptions& options, Schema* schema);

// The variable that a call is of, or that calls within it are.
const Expr& VariableOf(const Expr& call);

// Measurements, with the fields of texts or booleans that they have and functions are of.
using TextFields = std::set<std::tuple<std::string, std::string, DataType>>;

// The points of one call in one group, without limits. Aux are the variables beside it.
struct CallContext {
  const PreparedSelect* select = nullptr;
  const Group* group = nullptr;
  RunOptions options;
  std::vector<ColumnRef> aux;
  bool selector = false;  // the only call, and one that selects points
  const TextFields* texts = nullptr;
  int64_t now_ns = 0;
  const CancelToken* cancel = nullptr;
};
// Whether a function is of neighbouring points: derivative, moving_average ...
bool IsStreamFunction(std::string_view name);
// How many intervals before the range a call with an interval reads.
int64_t IntervalsBefore(const Expr& call);
Result<PointStreamPtr> BuildCall(const Expr& call, const CallContext& context);
// Whether LIMIT and OFFSET count rows anew whenever the series changes from one row to the next:
// so InfluxDB does, in each shard and then in all, where a SELECT of measurements groups by more
// tags than the outermost one names.
bool LimitsRuns(const CallContext& context);
// The rows of a SELECT without calls. `context` outlives the stream.
Result<PointStreamPtr> BuildRaw(const CallContext& context);

// Whether rows of a subquery have a column or a tag of that name.
bool HasVariable(const PreparedSelect& inner, const std::string& name);

// Points out of a subquery's rows, the reducible or all of them; see StreamSeries. REQUIRES: `rows`
// outlives the stream.
PointStreamPtr StreamRows(const SubqueryRows& rows, const ColumnRef* driver,
                          const std::vector<ColumnRef>& aux, bool reducible = false);

}  // namespace tsdb::influxql
