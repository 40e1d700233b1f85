#include "server/api/result_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>

#include "base/coding.h"
#include "base/json.h"
#include "base/number.h"
#include "model/histogram_math.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

std::string_view KindName(promql::ResultKind kind) {
  switch (kind) {
    case promql::ResultKind::kScalar:
      return "scalar";
    case promql::ResultKind::kString:
      return "string";
    case promql::ResultKind::kVector:
      return "vector";
    case promql::ResultKind::kMatrix:
      return "matrix";
  }
  return "";
}

// Writes `[<timestamp>,"<value>"]` many times. Mostly all series of a matrix have the same
// timestamps, so that the text of each is made once.
class PointWriter {
 public:
  // All points of a series, in `[]`.
  void Append(std::span<const FloatSample> points, std::string* out) {
    out->push_back('[');
    for (size_t first = 0; first < points.size(); first += kPointsAtOnce) {
      const size_t end = std::min(points.size(), first + kPointsAtOnce);
      const size_t before = out->size();
      out->resize(before + (end - first) * kPointBytes);
      char* at = out->data() + before;
      for (size_t i = first; i < end; ++i) at = Print(i, points[i], at);
      out->resize(static_cast<size_t>(at - out->data()));
    }
    out->push_back(']');
  }

 private:
  static constexpr size_t kPointsAtOnce = 64;
  static constexpr size_t kTimeBytes = 24;  // 20 digits, sign, point
  static constexpr size_t kPointBytes = kTimeBytes + kPrintedFloatSize + 8;

  struct Text {
    int64_t timestamp_ms = 0;
    uint8_t size = 0;
    std::array<char, kTimeBytes> bytes;
  };

  const Text& TextOf(size_t place, int64_t timestamp_ms) {
    if (place >= texts_.size()) texts_.resize(place + 1);
    Text& text = texts_[place];
    if (text.size == 0 || text.timestamp_ms != timestamp_ms) {
      std::string bytes;
      AppendJsonTimestamp(timestamp_ms, &bytes);
      text.timestamp_ms = timestamp_ms;
      text.size = static_cast<uint8_t>(bytes.size());
      std::copy(bytes.begin(), bytes.end(), text.bytes.begin());
    }
    return text;
  }

  // `place` is the point's index in its series. Returns the end of what it wrote.
  char* Print(size_t place, const FloatSample& point, char* at) {
    if (place > 0) *at++ = ',';
    *at++ = '[';
    const Text& time = TextOf(place, point.timestamp);
    std::memcpy(at, time.bytes.data(), time.bytes.size());
    at += time.size;
    *at++ = ',';
    *at++ = '"';
    if (const size_t size = PrintFloat(point.value, at); size > 0) {
      at += size;
      *at++ = '"';
    } else {
      value_.clear();
      AppendJsonValue(point.value, &value_);
      at = std::copy(value_.begin(), value_.end(), at - 1);
    }
    *at++ = ']';
    return at;
  }

  std::vector<Text> texts_;
  std::string value_;
};

void AppendPoint(int64_t timestamp_ms, double value, std::string* out) {
  out->push_back('[');
  AppendJsonTimestamp(timestamp_ms, out);
  out->push_back(',');
  AppendJsonValue(value, out);
  out->push_back(']');
}

void AppendHistogramPoint(int64_t timestamp_ms, const Histogram& histogram, std::string* out) {
  out->push_back('[');
  AppendJsonTimestamp(timestamp_ms, out);
  out->push_back(',');
  AppendJsonHistogram(histogram, out);
  out->push_back(']');
}

void AppendStats(const promql::QueryStats& stats, StatsDetail detail, std::string* out) {
  JsonWriter json(out);
  json.BeginObject();
  json.Key("timings").BeginObject();
  json.Key("evalTotalTime").Double(stats.eval_total_time);
  json.Key("resultSortTime").Double(stats.result_sort_time);
  json.Key("queryPreparationTime").Double(stats.query_preparation_time);
  json.Key("innerEvalTime").Double(stats.inner_eval_time);
  json.Key("execQueueTime").Double(stats.exec_queue_time);
  json.Key("execTotalTime").Double(stats.exec_total_time);
  json.EndObject();
  json.Key("samples").BeginObject();
  if (detail == StatsDetail::kPerStep) {
    std::string steps = "[";
    for (const auto& [timestamp_ms, count] : stats.total_queryable_samples_per_step) {
      if (steps.size() > 1) steps.push_back(',');
      steps.push_back('[');
      AppendJsonTimestamp(timestamp_ms, &steps);
      steps.push_back(',');
      AppendUint(&steps, count);
      steps.push_back(']');
    }
    steps.push_back(']');
    json.Key("totalQueryableSamplesPerStep").Raw(steps);
  }
  json.Key("totalQueryableSamples").Uint(stats.total_queryable_samples);
  json.Key("peakSamples").Uint(stats.peak_samples);
  json.EndObject();
  json.EndObject();
}

// Where the printing of a result stands.
class ResultPrinter {
 public:
  ResultPrinter(promql::QueryResult result, StatsDetail stats, size_t limit)
      : result_(std::move(result)), stats_(stats) {
    count_ = result_.kind == promql::ResultKind::kVector   ? result_.vector.size()
             : result_.kind == promql::ResultKind::kMatrix ? result_.matrix.size()
                                                           : 1;
    const bool countable =
        result_.kind == promql::ResultKind::kVector || result_.kind == promql::ResultKind::kMatrix;
    if (countable && limit > 0 && count_ > limit) {
      count_ = limit;
      result_.warnings.emplace_back(kTruncatedWarning);
    }
  }

  // An element, and before the first and behind the last what is around them.
  bool Next(std::string* out) {
    if (ended_) return false;
    if (next_ == 0) {
      out->append("{\"status\":\"success\",\"data\":{\"resultType\":\"");
      out->append(KindName(result_.kind));
      out->append("\",\"result\":[");
    }
    if (next_ < count_) AppendElement(out);
    if (next_ < count_) return true;
    ended_ = true;
    out->push_back(']');
    if (stats_ != StatsDetail::kNone) {
      out->append(",\"stats\":");
      AppendStats(result_.stats, stats_, out);
    }
    out->push_back('}');
    AppendPromTail(result_.warnings, result_.infos, out);
    return true;
  }

 private:
  void AppendElement(std::string* out) {
    const size_t index = next_++;
    switch (result_.kind) {
      case promql::ResultKind::kScalar:
        // Without an exponent, unlike the samples of vectors.
        AppendJsonTimestamp(result_.scalar.timestamp, out);
        out->append(",\"");
        AppendFloat(out, result_.scalar.value);
        out->push_back('"');
        return;
      case promql::ResultKind::kString:
        AppendJsonTimestamp(result_.scalar.timestamp, out);
        out->push_back(',');
        AppendJsonString(out, result_.string);
        return;
      case promql::ResultKind::kVector:
        if (index > 0) out->push_back(',');
        AppendVectorSample(result_.vector[index], out);
        return;
      case promql::ResultKind::kMatrix:
        if (index > 0) out->push_back(',');
        AppendMatrixSeries(&result_.matrix[index], out);
        return;
    }
  }

  static void AppendVectorSample(const promql::VectorSample& sample, std::string* out) {
    out->append("{\"metric\":");
    AppendJsonLabels(sample.labels, out);
    if (sample.histogram != nullptr) {
      out->append(",\"histogram\":");
      AppendHistogramPoint(sample.timestamp_ms, *sample.histogram, out);
    } else {
      out->append(",\"value\":");
      AppendPoint(sample.timestamp_ms, sample.value, out);
    }
    out->push_back('}');
  }

  // Gives the series' memory back, since it is printed once.
  void AppendMatrixSeries(promql::MatrixSeries* series, std::string* out) {
    out->append("{\"metric\":");
    AppendJsonLabels(series->labels, out);
    if (!series->floats.empty()) {
      out->append(",\"values\":");
      points_.Append(series->floats, out);
    }
    if (!series->histograms.empty()) {
      out->append(",\"histograms\":[");
      for (size_t i = 0; i < series->histograms.size(); ++i) {
        if (i > 0) out->push_back(',');
        AppendHistogramPoint(series->histograms[i].first, *series->histograms[i].second, out);
      }
      out->push_back(']');
    }
    out->push_back('}');
    *series = promql::MatrixSeries();
  }

  promql::QueryResult result_;
  StatsDetail stats_;
  PointWriter points_;
  size_t count_ = 0;
  size_t next_ = 0;
  bool ended_ = false;
};

}  // namespace

std::string StatsJson(const promql::QueryStats& stats, StatsDetail detail) {
  std::string json;
  AppendStats(stats, detail, &json);
  return json;
}

void AppendJsonTimestamp(int64_t timestamp_ms, std::string* out) {
  uint64_t magnitude = static_cast<uint64_t>(timestamp_ms);
  if (timestamp_ms < 0) {
    out->push_back('-');
    magnitude = 0 - magnitude;
  }
  AppendUint(out, magnitude / 1000);
  const uint64_t fraction = magnitude % 1000;
  if (fraction == 0) return;
  out->push_back('.');
  out->push_back(static_cast<char>('0' + fraction / 100));
  out->push_back(static_cast<char>('0' + fraction / 10 % 10));
  out->push_back(static_cast<char>('0' + fraction % 10));
}

void AppendJsonValue(double value, std::string* out) {
  out->push_back('"');
  const double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < 1e-6 || (magnitude >= 1e21 && std::isfinite(value)))) {
    out->append(FormatFloatG(value));
  } else {
    AppendFloat(out, value);
  }
  out->push_back('"');
}

void AppendJsonLabels(const Labels& labels, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const Label& label : labels) {
    if (!first) out->push_back(',');
    first = false;
    AppendJsonString(out, label.name);
    out->push_back(':');
    AppendJsonString(out, label.value);
  }
  out->push_back('}');
}

void AppendJsonEncodedLabels(std::string_view labels, std::string* out) {
  std::string_view name;
  std::string_view value;
  for (char before = '{'; GetBytes(&labels, &name) && GetBytes(&labels, &value); before = ',') {
    out->push_back(before);
    AppendJsonString(out, name);
    out->push_back(':');
    AppendJsonString(out, value);
  }
  if (name.empty()) out->push_back('{');
  out->push_back('}');
}

void AppendJsonHistogram(const Histogram& histogram, std::string* out) {
  out->append("{\"count\":");
  AppendJsonValue(histogram.count, out);
  out->append(",\"sum\":");
  AppendJsonValue(histogram.sum, out);
  bool any = false;
  for (const HistogramBucket& bucket : AllBuckets(histogram)) {
    if (bucket.count == 0) continue;
    out->append(any ? "," : ",\"buckets\":[");
    any = true;
    // 0: (lower, upper], 1: [lower, upper), 2: both open, 3: both closed.
    const int boundaries = bucket.lower_inclusive ? (bucket.upper_inclusive ? 3 : 1)
                                                  : (bucket.upper_inclusive ? 0 : 2);
    out->push_back('[');
    AppendInt(out, boundaries);
    for (const double number : {bucket.lower, bucket.upper, bucket.count}) {
      out->push_back(',');
      AppendJsonValue(number, out);
    }
    out->push_back(']');
  }
  if (any) out->push_back(']');
  out->push_back('}');
}

net::BodyStream StreamResultJson(promql::QueryResult result, StatsDetail stats, size_t limit) {
  auto printer = std::make_shared<ResultPrinter>(std::move(result), stats, limit);
  return [printer](std::string* out) { return printer->Next(out); };
}

}  // namespace tsdb::server
