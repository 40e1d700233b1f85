#include "bench/load/generator.h"

#include <algorithm>

#include "base/number.h"
#include "bench/load/series_shapes.h"
#include "proto/label_wire.h"
#include "proto/snappy_block.h"

namespace tsdb::bench {
namespace {

// What is kept of a series: the bytes before its values, and where its value is.
struct LiveSeries {
  std::string head;   // remote write: its labels, encoded; Influx: measurement and tags
  std::string field;  // Influx
  MovingValue value;
  bool integer;  // Influx: a field has one type in the whole measurement
};

std::string EncodedLabels(const Labels& labels) {
  std::string out;
  for (const Label& label : labels) proto::PutLabelField(&out, 1, label);
  return out;
}

void AppendEscaped(std::string* out, std::string_view text) {
  for (const char c : text) {
    if (c == ' ' || c == ',' || c == '=') *out += '\\';
    *out += c;
  }
}

std::string LineKeyOf(const SeriesSpec& spec) {
  std::string out;
  AppendEscaped(&out, spec.measurement);
  for (const Label& label : spec.labels) {
    if (label.name == kMetricName) continue;
    out += ',';
    AppendEscaped(&out, label.name);
    out += '=';
    AppendEscaped(&out, label.value);
  }
  return out;
}

void PutRemoteWriteSeries(const LoadOptions& options, uint64_t first_round, uint64_t count,
                          LiveSeries* series, std::string* out) {
  std::string message = series->head;
  for (uint64_t i = 0; i < count; ++i) {
    std::string sample;
    proto::PutDoubleField(&sample, 1, series->value.Next());
    proto::PutVarintField(
        &sample, 2,
        static_cast<uint64_t>(options.first_timestamp_ms +
                              static_cast<int64_t>(first_round + i) * options.interval_ms));
    proto::PutBytesField(&message, 2, sample);
  }
  proto::PutBytesField(out, 1, message);
}

void PutFieldValue(LiveSeries* series, std::string* out) {
  *out += series->field;
  *out += '=';
  const double value = series->value.Next();
  AppendFloat(out, value);
  if (!series->integer && value == static_cast<double>(static_cast<int64_t>(value))) *out += ".0";
  if (series->integer) *out += 'i';
}

// Series that share a key, up to `end`, become fields of one line, as TSBS' ten percentages do.
uint64_t PutLine(int64_t timestamp_ms, std::vector<LiveSeries>* all, uint64_t index, uint64_t end,
                 std::string* out) {
  const uint64_t first = index;
  *out += (*all)[first].head;
  do {
    *out += index == first ? ' ' : ',';
    PutFieldValue(&(*all)[index], out);
    ++index;
  } while (index < end && (*all)[index].head == (*all)[first].head);
  *out += ' ';
  AppendInt(out, timestamp_ms * 1'000'000);
  *out += '\n';
  return index;
}

Body RemoteWriteBody(const LoadOptions& options, uint64_t round, uint64_t first, uint64_t end,
                     std::vector<LiveSeries>* all) {
  std::string message;
  for (uint64_t i = first; i < end; ++i) {
    PutRemoteWriteSeries(options, round, options.samples_in_row, &(*all)[i], &message);
  }
  return {proto::SnappyCompress(message), (end - first) * options.samples_in_row};
}

Body InfluxBody(const LoadOptions& options, uint64_t round, uint64_t first, uint64_t end,
                std::vector<LiveSeries>* all) {
  std::string text;
  for (uint64_t i = 0; i < options.samples_in_row; ++i) {
    const int64_t timestamp_ms =
        options.first_timestamp_ms + static_cast<int64_t>(round + i) * options.interval_ms;
    for (uint64_t index = first; index < end;) {
      index = PutLine(timestamp_ms, all, index, end, &text);
    }
  }
  return {std::move(text), (end - first) * options.samples_in_row};
}

}  // namespace

void Generate(const LoadOptions& options, const std::function<void(Body)>& take) {
  std::vector<LiveSeries> all;
  all.reserve(options.series);
  for (uint64_t i = 0; i < options.series; ++i) {
    const SeriesSpec spec = MakeSeries(options.shape, i);
    const bool influx = options.protocol == Protocol::kInflux;
    const MovingValue value(spec.movement, options.seed + i);
    // The node exporter's metrics mix constants and counters under one name; its client sends
    // floats.
    all.push_back({influx ? LineKeyOf(spec) : EncodedLabels(spec.labels), spec.field, value,
                   options.shape != Shape::kNode && value.is_whole()});
  }
  const uint64_t series_per_request =
      std::max<uint64_t>(1, options.samples_per_request / options.samples_in_row);
  for (uint64_t round = 0; round < options.rounds; round += options.samples_in_row) {
    for (uint64_t first = 0; first < options.series; first += series_per_request) {
      const uint64_t end = std::min(options.series, first + series_per_request);
      take(options.protocol == Protocol::kInflux
               ? InfluxBody(options, round, first, end, &all)
               : RemoteWriteBody(options, round, first, end, &all));
    }
  }
}

}  // namespace tsdb::bench
