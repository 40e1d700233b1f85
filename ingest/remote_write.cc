#include "ingest/remote_write.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/duration.h"
#include "base/text.h"
#include "ingest/write_scope.h"
#include "proto/snappy_block.h"

namespace tsdb::ingest {
namespace {

constexpr int kRetryAfterSeconds = 5;
constexpr size_t kReasonsShown = 20;

enum class Version { k1, k2 };

// "application/x-protobuf;proto=io.prometheus.write.v2.Request". The errors are Prometheus', which
// minds the case, takes no blanks and no quotes.
Result<Version> VersionOf(std::string_view content_type) {
  const std::string whole(TrimSpace(content_type));
  if (whole.empty()) return Version::k1;
  const std::vector<std::string_view> parts = Split(whole, ';');
  if (!EqualsIgnoreCase(TrimSpace(parts[0]), "application/x-protobuf")) {
    return InvalidArgument("expected application/x-protobuf as the first (media) part, got " +
                           whole + " content-type");
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos || parts[i].rfind('=') != equals) {
      return InvalidArgument(
          "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be "
          "key-values, got " +
          std::string(parts[i]) + " in " + whole + " content-type");
    }
    if (!EqualsIgnoreCase(TrimSpace(parts[i].substr(0, equals)), "proto")) continue;
    std::string_view name = TrimSpace(parts[i].substr(equals + 1));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
      name = name.substr(1, name.size() - 2);
    }
    if (name == "prometheus.WriteRequest") return Version::k1;
    if (name == "io.prometheus.write.v2.Request") return Version::k2;
    return InvalidArgument(
        "got " + whole + " content type; unknown type for remote write protobuf message " +
        std::string(name) + ", supported: prometheus.WriteRequest, io.prometheus.write.v2.Request");
  }
  return Version::k1;
}

RemoteWriteOutcome Refusal(int http_status, std::string text) {
  RemoteWriteOutcome outcome;
  outcome.http_status = http_status;
  outcome.text = std::move(text);
  return outcome;
}

RemoteWriteOutcome FromStatus(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOutOfRange:
      return Refusal(413, status.message());
    case StatusCode::kInvalidArgument:
      return Refusal(400, status.message());
    case StatusCode::kNotFound:
      return Refusal(404, status.message());
    case StatusCode::kPermissionDenied:
      return Refusal(403, status.message());
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kDeadlineExceeded: {
      // Not 429: Prometheus drops what is answered so, unless it is told otherwise.
      RemoteWriteOutcome outcome = Refusal(503, status.message());
      outcome.retry_after_seconds = kRetryAfterSeconds;
      return outcome;
    }
    default:
      return Refusal(500, status.message());
  }
}

// A batch beyond this is not kept for the next, probably usual, request.
constexpr size_t kKeptPointsMax = 200'000;

// Buffers that a thread keeps from request to request.
struct Scratch {
  // Views into a request must not outlive it.
  void EndRequest() {
    if (batch.points.capacity() > kKeptPointsMax || batch.series.capacity() > kKeptPointsMax) {
      batch = WriteBatch();
    }
    batch.Clear();
  }

  proto::SnappyBuffer snappy;
  WriteBatch batch;
};

// Counts what is not stored, and keeps the first reasons.
class Refusals {
 public:
  void Add(uint32_t source_index, uint64_t points, const std::string& reason) {
    points_ += points;
    ++entries_;
    if (shown_ == kReasonsShown || reason.empty()) return;
    ++shown_;
    if (!text_.empty()) text_ += "; ";
    text_ += "time series " + std::to_string(source_index) + ": " + reason;
  }
  bool empty() const { return entries_ == 0; }
  std::string Text(uint64_t stored) const {
    std::string text = "stored " + std::to_string(stored) + " samples, refused " +
                       std::to_string(points_) + ": " + text_;
    if (entries_ > shown_) text += "; and " + std::to_string(entries_ - shown_) + " more";
    return text;
  }

 private:
  uint64_t points_ = 0;
  uint64_t entries_ = 0;
  uint64_t shown_ = 0;
  std::string text_;
};

storage::AppendVerdict VerdictOf(const proto::RemoteWriteRefusal& refusal) {
  return refusal.histogram_count > 0 && refusal.sample_count == 0
             ? storage::AppendVerdict::kInvalidHistogram
             : storage::AppendVerdict::kInvalidLabels;
}

RemoteWriteOutcome Finish(const proto::RemoteWriteDecoder& decoder, const WriteBatch& batch,
                          const std::vector<storage::AppendReport::Rejection>& future,
                          const storage::AppendReport& report) {
  RemoteWriteOutcome outcome;
  outcome.samples_written = report.stored_points - report.stored_histograms;
  outcome.histograms_written = report.stored_histograms;
  outcome.exemplars_written = report.stored_exemplars;
  outcome.verdicts.Add(report);
  Refusals refusals;
  for (const auto& refusal : decoder.refusals()) {
    const uint64_t points = refusal.sample_count + refusal.histogram_count;
    outcome.verdicts[VerdictOf(refusal)] += points;
    refusals.Add(refusal.source_index, points, refusal.reason);
  }
  for (const auto* rejections : {&future, &report.rejections}) {
    for (const auto& rejection : *rejections) {
      if (rejections == &future) outcome.verdicts[rejection.verdict] += rejection.point_count;
      refusals.Add(batch.series[rejection.series_index].source_index, rejection.point_count,
                   rejection.reason);
    }
  }
  if (!refusals.empty()) {
    outcome.http_status = 400;
    outcome.text = refusals.Text(report.stored_points);
  }
  return outcome;
}

// Moves the series' points up to `max_time` to the front of its range; returns how many it lost.
uint32_t CompactSeries(int64_t max_time, WriteBatch::Series* series, WriteBatch* batch,
                       std::unordered_map<uint32_t, uint32_t>* moved) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < series->point_count; ++i) {
    const uint32_t from = series->first_point + i;
    if (batch->points[from].timestamp > max_time) continue;
    const uint32_t to = series->first_point + kept++;
    batch->points[to] = batch->points[from];
    (*moved)[from] = to;
  }
  const uint32_t lost = series->point_count - kept;
  series->point_count = kept;
  return lost;
}

}  // namespace

std::vector<storage::AppendReport::Rejection> RemoveFuturePoints(int64_t max_time,
                                                                 WriteBatch* batch) {
  std::vector<storage::AppendReport::Rejection> rejections;
  int64_t latest = std::numeric_limits<int64_t>::min();
  for (const WriteBatch::Point& point : batch->points) latest = std::max(latest, point.timestamp);
  if (latest <= max_time) return rejections;

  std::unordered_map<uint32_t, uint32_t> moved;
  for (uint32_t i = 0; i < batch->series.size(); ++i) {
    const uint32_t lost = CompactSeries(max_time, &batch->series[i], batch, &moved);
    if (lost == 0) continue;
    std::string reason;
    if (rejections.size() < storage::AppendReport::kMaxReasons) {
      const int64_t latest_ms = ToMilliseconds(latest, batch->unit);
      reason = std::to_string(lost) + " samples are too far in the future, up to " +
               FormatRfc3339Ms(latest_ms);
    }
    rejections.push_back({i, lost, storage::AppendVerdict::kTooFarInFuture, std::move(reason)});
  }
  std::erase_if(batch->start_times, [&](WriteBatch::StartTime& start) {
    const auto it = moved.find(start.point_index);
    if (it == moved.end()) return true;
    start.point_index = it->second;
    return false;
  });
  return rejections;
}

RemoteWriteOutcome HandleRemoteWrite(const RemoteWriteRequest& request,
                                     const proto::RemoteWriteLimits& limits,
                                     storage::Appender* appender) {
  if (!request.content_encoding.empty() && request.content_encoding != "snappy") {
    return Refusal(415, std::string(request.content_encoding) +
                            " encoding (compression) is not accepted by this server; only snappy "
                            "is acceptable");
  }
  const Result<Version> version = VersionOf(request.content_type);
  if (!version.ok()) return Refusal(415, version.status().message());
  thread_local Scratch scratch;
  const auto message = scratch.snappy.Uncompress(request.body, limits.decoded_bytes_max);
  if (!message.ok()) return FromStatus(message.status());

  proto::RemoteWriteDecoder decoder(limits);
  WriteBatch& batch = scratch.batch;
  const bool v2 = *version == Version::k2;
  const Status decoded =
      v2 ? decoder.DecodeV2(*message, &batch) : decoder.DecodeV1(*message, &batch);
  if (!decoded.ok()) {
    RemoteWriteOutcome outcome = FromStatus(decoded);
    outcome.written_headers = v2;
    return outcome;
  }
  batch.policy = request.policy;
  if (const auto forbidden = FindForbiddenSeries(batch, request.required); forbidden.has_value()) {
    return Refusal(403, "not permitted to write series " + forbidden->ToString());
  }
  const auto future = RemoveFuturePoints(request.now_ms + kFutureToleranceMs, &batch);
  Result<storage::AppendReport> report = appender->Append(batch);
  RemoteWriteOutcome outcome =
      report.ok() ? Finish(decoder, batch, future, *report) : FromStatus(report.status());
  outcome.written_headers = v2;
  scratch.EndRequest();
  return outcome;
}

}  // namespace tsdb::ingest
