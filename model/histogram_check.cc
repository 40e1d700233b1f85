#include "model/histogram_check.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/number.h"

namespace tsdb {
namespace {

Status CheckSpans(const std::vector<BucketSpan>& spans, size_t bucket_count, const char* side) {
  int64_t index = 0;
  uint64_t covered = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (i > 0 && spans[i].offset < 0) {
      return InvalidArgument(std::string(side) + " span " + std::to_string(i + 1) +
                             " has the negative offset " + std::to_string(spans[i].offset));
    }
    index += spans[i].offset;
    index += spans[i].length;
    covered += spans[i].length;
    if (index > std::numeric_limits<int32_t>::max()) {
      return InvalidArgument(std::string(side) + " spans reach beyond the last possible bucket");
    }
  }
  if (covered != bucket_count) {
    return InvalidArgument(std::string(side) + " spans cover " + std::to_string(covered) +
                           " buckets but " + std::to_string(bucket_count) + " are given");
  }
  return Status::Ok();
}

Status CheckCounts(const std::vector<double>& buckets, const char* side, double* total) {
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] < 0) {
      return InvalidArgument(std::string(side) + " bucket " + std::to_string(i + 1) +
                             " has the negative count " + FormatFloat(buckets[i]));
    }
    *total += buckets[i];
  }
  return Status::Ok();
}

Status CheckCustomBounds(const Histogram& histogram) {
  const std::vector<double>& bounds = histogram.custom_values;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (std::isnan(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1])) {
      return InvalidArgument("custom bounds must rise strictly, bound " + std::to_string(i + 1) +
                             " is " + FormatFloat(bounds[i]));
    }
  }
  if (!bounds.empty() && std::isinf(bounds.back()) && bounds.back() > 0) {
    return InvalidArgument("the last custom bound must not be +Inf, which is implied");
  }
  if (histogram.zero_count != 0 || histogram.zero_threshold != 0) {
    return InvalidArgument("a histogram with custom bounds must not have a zero bucket");
  }
  if (!histogram.negative_spans.empty() || !histogram.negative_buckets.empty()) {
    return InvalidArgument("a histogram with custom bounds must not have negative buckets");
  }
  int64_t end = 0;
  for (const BucketSpan& span : histogram.positive_spans) end += int64_t{span.offset} + span.length;
  if (!histogram.positive_spans.empty() && histogram.positive_spans[0].offset < 0) {
    return InvalidArgument("a histogram with custom bounds must not have negative bucket indexes");
  }
  if (end > static_cast<int64_t>(bounds.size()) + 1) {
    return InvalidArgument("spans reach bucket " + std::to_string(end) + " but " +
                           std::to_string(bounds.size()) + " custom bounds make only " +
                           std::to_string(bounds.size() + 1));
  }
  return Status::Ok();
}

}  // namespace

Status ValidateHistogram(const Histogram& histogram) {
  if (histogram.uses_custom_buckets()) {
    RETURN_IF_ERROR(CheckCustomBounds(histogram));
  } else if (histogram.schema < -4 || histogram.schema > 8) {
    return InvalidArgument("schema " + std::to_string(histogram.schema) +
                           " is none of -4 to 8 and -53");
  } else if (!histogram.custom_values.empty()) {
    return InvalidArgument("custom bounds are given with schema " +
                           std::to_string(histogram.schema));
  }
  RETURN_IF_ERROR(
      CheckSpans(histogram.negative_spans, histogram.negative_buckets.size(), "negative"));
  RETURN_IF_ERROR(
      CheckSpans(histogram.positive_spans, histogram.positive_buckets.size(), "positive"));
  double total = 0;
  RETURN_IF_ERROR(CheckCounts(histogram.negative_buckets, "negative", &total));
  RETURN_IF_ERROR(CheckCounts(histogram.positive_buckets, "positive", &total));
  if (histogram.zero_count < 0 || histogram.count < 0) {
    return InvalidArgument("count and zero count must not be negative");
  }
  if (!histogram.is_integer) return Status::Ok();  // float counts need not add up exactly
  total += histogram.zero_count;
  // Observed NaNs are counted, and make the sum NaN, but are in no bucket.
  const bool agrees =
      std::isnan(histogram.sum) ? total <= histogram.count : total == histogram.count;
  if (!agrees) {
    return InvalidArgument("the buckets hold " + FormatFloat(total) +
                           " observations but the count is " + FormatFloat(histogram.count));
  }
  return Status::Ok();
}

}  // namespace tsdb
