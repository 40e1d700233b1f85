// Parses PromQL, type checks it, and says what is wrong as Prometheus does: "1:5: parse error:
// ...". Functions are stateless and thread-safe. Every error is kInvalidArgument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

struct Features;  // engine.h

// Deeper nesting, and higher trees (a + b + c ... grows to the left), are refused, so that neither
// the parser nor a walk over the tree exhausts the stack.
inline constexpr int kMaxParseDepth = 500;
inline constexpr int kMaxTreeHeight = 1000;
inline constexpr size_t kMaxQuerySizeBytes = 16 << 20;

// A whole query. `features` decides which extensions are understood.
Result<ExprPtr> ParseExpr(std::string_view query, const Features& features);

// A vector selector without modifiers: match[] parameters, rule filters. At least one matcher must
// not match the empty string.
Result<Matchers> ParseMetricSelector(std::string_view selector);
// The same, but `{}` and the like select everything.
Result<Matchers> ParseAnyMetricSelector(std::string_view selector);

// A metric: name{a="b"}, {a="b"}, {"utf-8 name", "a.b"="c"}.
Result<Labels> ParseMetric(std::string_view metric);

// One position of a series in test files and rule unit tests.
struct SequenceValue {
  bool omitted = false;
  double value = 0;
  HistogramPtr histogram;  // instead of `value`
  bool has_hint = false;   // the text named the histogram's counter reset hint
};
struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
};
// `metric values...`: "a{b="c"} 1 2+3x4 _ stale {{schema:0 sum:1}}x5". At most kMaxSequenceValues
// values.
inline constexpr uint64_t kMaxSequenceValues = 1'000'000;
Result<SeriesDescription> ParseSeriesDescription(std::string_view text);

}  // namespace tsdb::promql
