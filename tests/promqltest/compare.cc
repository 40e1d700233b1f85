#include "tests/promqltest/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/number.h"
#include "base/text.h"
#include "model/histogram_math.h"
#include "model/sample.h"

namespace tsdb::promqltest {
namespace {

using promql::MatrixSeries;
using promql::QueryResult;
using promql::ResultKind;
using promql::SequenceValue;
using promql::VectorSample;

constexpr double kRelativeError = 1e-6;

std::string_view HintName(CounterResetHint hint) {
  static constexpr std::string_view kNames[] = {"unknown", "reset", "not_reset", "gauge"};
  return kNames[static_cast<size_t>(hint)];
}

std::string ValueText(double value, const Histogram* histogram) {
  if (histogram == nullptr) return IsStaleMarker(value) ? "stale" : FormatFloat(value);
  return HistogramToString(*histogram) + " schema " + std::to_string(histogram->schema) + " hint " +
         std::string(HintName(histogram->counter_reset_hint));
}

std::string ValueText(const SequenceValue& value) {
  return value.omitted ? "_" : ValueText(value.value, value.histogram.get());
}

std::string KindName(ResultKind kind) {
  static constexpr std::string_view kNames[] = {"scalar", "string", "vector", "matrix"};
  return std::string(kNames[static_cast<size_t>(kind)]);
}

bool SameNumbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), AlmostEqual);
}

bool SameValue(const SequenceValue& expected, double value, const Histogram* histogram) {
  if ((expected.histogram == nullptr) != (histogram == nullptr)) return false;
  if (histogram == nullptr) return AlmostEqual(expected.value, value);
  return SameHistogramResult(*expected.histogram, *histogram, expected.has_hint);
}

const EvalCommand::ExpectedSeries* FindExpected(const EvalCommand& command, const Labels& labels) {
  for (const EvalCommand::ExpectedSeries& series : command.series) {
    if (series.labels == labels) return &series;
  }
  return nullptr;
}

// All expected series are among the result's.
template <typename T>
Status CheckAllFound(const EvalCommand& command, const std::vector<T>& result) {
  for (const EvalCommand::ExpectedSeries& expected : command.series) {
    const bool found = std::any_of(result.begin(), result.end(), [&expected](const T& actual) {
      return actual.labels == expected.labels;
    });
    if (found) continue;
    std::string text = "expected series " + expected.labels.ToString() + " is missing, with";
    for (const SequenceValue& value : expected.values) text += " " + ValueText(value);
    return InvalidArgument(std::move(text));
  }
  return Status::Ok();
}

Status CompareVector(const EvalCommand& command, const std::vector<VectorSample>& vector) {
  for (size_t i = 0; i < vector.size(); ++i) {
    const VectorSample& actual = vector[i];
    const std::string name = actual.labels.ToString();
    const std::string text = ValueText(actual.value, actual.histogram.get());
    const auto* const expected = FindExpected(command, actual.labels);
    if (expected == nullptr) {
      return InvalidArgument("unexpected series " + name + " with " + text);
    }
    for (size_t k = 0; k < i; ++k) {
      if (vector[k].labels == actual.labels) {
        return InvalidArgument("series " + name + " is in the result twice");
      }
    }
    if (command.ordered && expected->position != i) {
      return InvalidArgument("series " + name + " is at position " + std::to_string(i + 1) +
                             ", expected at " + std::to_string(expected->position + 1));
    }
    if (expected->values.size() != 1) {
      return InvalidArgument("expected several values, but the result is an instant vector");
    }
    if (!SameValue(expected->values[0], actual.value, actual.histogram.get())) {
      return InvalidArgument("expected " + ValueText(expected->values[0]) + " for " + name +
                             " but got " + text);
    }
  }
  return CheckAllFound(command, vector);
}

struct Point {
  int64_t timestamp_ms = 0;
  double value = 0;
  const Histogram* histogram = nullptr;
};

std::vector<Point> PointsOf(const MatrixSeries& series) {
  std::vector<Point> points;
  for (const FloatSample& sample : series.floats) {
    points.push_back({sample.timestamp, sample.value, nullptr});
  }
  for (const auto& [timestamp_ms, histogram] : series.histograms) {
    points.push_back({timestamp_ms, 0, histogram.get()});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.timestamp_ms < b.timestamp_ms; });
  return points;
}

std::string PointsText(const std::vector<Point>& points) {
  std::string text;
  for (const Point& point : points) {
    text +=
        " " + ValueText(point.value, point.histogram) + " @" + std::to_string(point.timestamp_ms);
  }
  return text;
}

bool SamplesAscend(const MatrixSeries& series) {
  for (size_t i = 1; i < series.floats.size(); ++i) {
    if (series.floats[i - 1].timestamp >= series.floats[i].timestamp) return false;
  }
  for (size_t i = 1; i < series.histograms.size(); ++i) {
    if (series.histograms[i - 1].first >= series.histograms[i].first) return false;
  }
  return true;
}

Status CompareSeries(const EvalCommand& command, const EvalCommand::ExpectedSeries& expected,
                     const MatrixSeries& actual) {
  const std::string name = actual.labels.ToString();
  const std::vector<Point> points = PointsOf(actual);
  const std::string has = " (result has" + PointsText(points) + ")";
  if (!SamplesAscend(actual)) return InvalidArgument("samples of " + name + " do not ascend" + has);
  size_t next = 0;
  int64_t timestamp_ms = command.start_ms;
  for (const SequenceValue& value : expected.values) {
    if (timestamp_ms > command.end_ms) {
      return InvalidArgument("more values expected for " + name + " than the query has steps");
    }
    if (!value.omitted) {
      if (next == points.size() || points[next].timestamp_ms != timestamp_ms) {
        return InvalidArgument("expected " + ValueText(value) + " for " + name + " at " +
                               std::to_string(timestamp_ms) + " ms" + has);
      }
      if (!SameValue(value, points[next].value, points[next].histogram)) {
        return InvalidArgument("expected " + ValueText(value) + " for " + name + " at " +
                               std::to_string(timestamp_ms) + " ms but got " +
                               ValueText(points[next].value, points[next].histogram) + has);
      }
      ++next;
    }
    timestamp_ms += command.step_ms;
  }
  if (next < points.size()) {
    return InvalidArgument("unexpected sample of " + name + " at " +
                           std::to_string(points[next].timestamp_ms) + " ms" + has);
  }
  return Status::Ok();
}

Status CompareMatrix(const EvalCommand& command, const std::vector<MatrixSeries>& matrix) {
  if (command.ordered) return InvalidArgument("expect ordered, but the result is a matrix");
  RETURN_IF_ERROR(CheckMatrixSorted(matrix));
  for (const MatrixSeries& actual : matrix) {
    const auto* const expected = FindExpected(command, actual.labels);
    if (expected == nullptr) {
      return InvalidArgument("unexpected series " + actual.labels.ToString() + " with" +
                             PointsText(PointsOf(actual)));
    }
    RETURN_IF_ERROR(CompareSeries(command, *expected, actual));
  }
  return CheckAllFound(command, matrix);
}

Status CompareScalar(const EvalCommand& command, double value) {
  if (AlmostEqual(*command.scalar, value)) return Status::Ok();
  return InvalidArgument("expected scalar " + FormatFloat(*command.scalar) + " but got " +
                         FormatFloat(value));
}

Status CompareMessages(std::string_view type, const std::vector<MessageRule>& rules,
                       const std::vector<std::string>& messages) {
  if (rules.empty()) return Status::Ok();
  const std::string name(type);
  std::string all;
  for (const std::string& message : messages) all += " " + GoQuote(message);
  for (const MessageRule& rule : rules) {
    const bool found = std::any_of(messages.begin(), messages.end(),
                                   [&rule](const auto& message) { return rule.Matches(message); });
    if (!found) {
      return InvalidArgument("expected " + name + " with " + rule.Description() + ", got" +
                             (all.empty() ? " none" : all));
    }
  }
  for (const std::string& message : messages) {
    const bool expected = std::any_of(
        rules.begin(), rules.end(), [&message](const auto& rule) { return rule.Matches(message); });
    if (!expected) return InvalidArgument("unexpected " + name + " " + GoQuote(message));
  }
  return Status::Ok();
}

}  // namespace

bool AlmostEqual(double a, double b) {
  if (IsStaleMarker(a) || IsStaleMarker(b)) return IsStaleMarker(a) && IsStaleMarker(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double kSmallest = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kSmallest) return difference < kRelativeError * kSmallest;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kRelativeError;
}

bool SameHistogramResult(const Histogram& expected, const Histogram& actual, bool compare_hint) {
  Histogram a = expected;
  Histogram b = actual;
  CompactHistogram(&a);
  CompactHistogram(&b);
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.custom_values == b.custom_values && a.positive_spans == b.positive_spans &&
         a.negative_spans == b.negative_spans && AlmostEqual(a.count, b.count) &&
         AlmostEqual(a.sum, b.sum) && AlmostEqual(a.zero_count, b.zero_count) &&
         SameNumbers(a.positive_buckets, b.positive_buckets) &&
         SameNumbers(a.negative_buckets, b.negative_buckets) &&
         (!compare_hint || a.counter_reset_hint == b.counter_reset_hint);
}

Status CompareResult(const EvalCommand& command, const QueryResult& result) {
  if (command.string.has_value() != (result.kind == ResultKind::kString) ||
      command.scalar.has_value() != (result.kind == ResultKind::kScalar)) {
    const std::string wanted = command.string.has_value()   ? "string"
                               : command.scalar.has_value() ? "scalar"
                                                            : "vector or matrix";
    return InvalidArgument("expected a " + wanted + ", but the result is a " +
                           KindName(result.kind));
  }
  switch (result.kind) {
    case ResultKind::kScalar:
      return CompareScalar(command, result.scalar.value);
    case ResultKind::kString:
      if (result.string == *command.string) return Status::Ok();
      return InvalidArgument("expected string " + GoQuote(*command.string) + " but got " +
                             GoQuote(result.string));
    case ResultKind::kVector:
      return CompareVector(command, result.vector);
    case ResultKind::kMatrix:
      return CompareMatrix(command, result.matrix);
  }
  return InternalError("unknown kind of result");
}

Status CompareAnnotations(const EvalCommand& command, const QueryResult& result) {
  RETURN_IF_ERROR(CompareMessages("warning", command.warnings, result.warnings));
  RETURN_IF_ERROR(CompareMessages("info", command.infos, result.infos));
  if (command.no_warnings && !result.warnings.empty()) {
    return InvalidArgument("unexpected warning " + GoQuote(result.warnings[0]));
  }
  if (command.no_infos && !result.infos.empty()) {
    return InvalidArgument("unexpected info " + GoQuote(result.infos[0]));
  }
  return Status::Ok();
}

Status CheckMatrixSorted(const std::vector<MatrixSeries>& matrix) {
  for (size_t i = 1; i < matrix.size(); ++i) {
    if (matrix[i - 1].labels < matrix[i].labels) continue;
    return InvalidArgument("the matrix is not sorted: " + matrix[i - 1].labels.ToString() +
                           " stands before " + matrix[i].labels.ToString());
  }
  return Status::Ok();
}

}  // namespace tsdb::promqltest
