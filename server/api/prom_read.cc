#include "server/api/prom_read.h"

#include <memory>
#include <stdexcept>

#include "proto/remote_read.h"
#include "proto/snappy_block.h"
#include "server/http_status.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr size_t kMaxRequestBytes = 32 << 20;  // after snappy, as Prometheus

HttpResponse Refuse(const Status& status) {
  const int http_status = status.code() == StatusCode::kInvalidArgument ? 400 : 500;
  return HttpResponse::Text(http_status, status.message() + "\n");
}

// External labels are not stored: a matcher that asks for exactly one of them asks for its absence.
Matchers WithoutExternal(Matchers matchers, const Labels& external) {
  for (Matcher& matcher : matchers) {
    if (matcher.type() == MatchType::kEqual && !matcher.value().empty() &&
        external.Get(matcher.name()) == matcher.value()) {
      matcher = Matcher(MatchType::kEqual, matcher.name(), "");
    }
  }
  return matchers;
}

// The series' own labels win.
Labels WithExternal(const Labels& labels, const Labels& external) {
  if (external.empty()) return labels;
  Labels merged = labels;
  for (const Label& label : external) {
    if (!merged.Has(label.name)) merged.Set(label.name, label.value);
  }
  return merged;
}

storage::SelectRequest SelectOf(const proto::ReadQuery& query, const storage::Scope& scope,
                                const Labels& external) {
  storage::SelectRequest select;
  select.scope = scope;
  select.matchers = WithoutExternal(query.matchers, external);
  select.min_time = query.min_time_ms;
  select.max_time = query.max_time_ms;
  return select;
}

// What a request's answer is made of. A query without matchers selects nothing, as in Prometheus;
// shared with the stream that outlives the handler's call.
struct ReadJob {
  const storage::Querier* querier = nullptr;
  const CancelToken* cancel = nullptr;
  PromReadLimits limits;
  storage::Scope scope;
  Labels external;
  proto::ReadRequest request;
};

Result<std::string> SeriesOfQuery(const ReadJob& job, const proto::ReadQuery& query) {
  ASSIGN_OR_RETURN(const auto selection,
                   job.querier->Select(SelectOf(query, job.scope, job.external), *job.cancel));
  std::string out;
  uint64_t samples = 0;
  storage::SampleBlock block;
  for (size_t i = 0; i < selection->size(); ++i) {
    RETURN_IF_ERROR(job.cancel->Check());
    std::vector<FloatSample> floats;
    std::vector<std::pair<int64_t, HistogramPtr>> histograms;
    const auto cursor = selection->Open(i);
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, cursor->Next(&block));
      if (!more) break;
      samples += block.size();
      if (job.limits.samples > 0 && samples > job.limits.samples) {
        return InvalidArgument("exceeded sample limit (" + std::to_string(job.limits.samples) +
                               ")");
      }
      for (size_t k = 0; k < block.size(); ++k) {
        if (block.type == ValueType::kHistogram) {
          histograms.emplace_back(block.timestamps[k], block.histograms[k]);
        } else {
          floats.push_back({block.timestamps[k], block.floats[k]});
        }
      }
    }
    if (floats.empty() && histograms.empty()) continue;
    proto::AppendReadSeries(WithExternal(selection->labels(i), job.external), floats, histograms,
                            &out);
  }
  return out;
}

HttpResponse ReadSamples(const ReadJob& job) {
  std::string message;
  for (const proto::ReadQuery& query : job.request.queries) {
    const Result<std::string> result =
        query.matchers.empty() ? std::string() : SeriesOfQuery(job, query);
    if (!result.ok()) return Refuse(result.status());
    proto::AppendQueryResult(*result, &message);
  }
  HttpResponse response;
  response.headers.Set("Content-Type", "application/x-protobuf");
  response.headers.Set("Content-Encoding", "snappy");
  response.allow_compression = false;
  response.body = proto::SnappyCompress(message);
  return response;
}

// Frames of the queries' series, one after another.
class ChunkStream {
 public:
  explicit ChunkStream(std::shared_ptr<const ReadJob> job) : job_(std::move(job)) {}

  // The next query that has series, with `selection_` and `cursor_` at its first; false at the end.
  Result<bool> Advance() {
    while (selection_ == nullptr || series_ == selection_->size()) {
      if (selection_ != nullptr) {
        selection_ = nullptr;
        ++query_;
      }
      if (query_ == job_->request.queries.size()) return false;
      if (job_->request.queries[query_].matchers.empty()) {
        ++query_;
        continue;
      }
      ASSIGN_OR_RETURN(selection_, job_->querier->Select(SelectOf(job_->request.queries[query_],
                                                                  job_->scope, job_->external),
                                                         *job_->cancel));
      series_ = 0;
    }
    return true;
  }

  // An answer that has begun can only be broken off, which the reader notices.
  bool Next(std::string* out) {
    const Result<bool> more = Advance();
    if (!more.ok()) throw std::runtime_error(more.status().message());
    if (!*more) return false;
    const Status status = AppendSeries(out);
    if (!status.ok()) throw std::runtime_error(status.message());
    return true;
  }

 private:
  // A series may take several frames, and a frame holds one series only.
  Status AppendSeries(std::string* out) {
    RETURN_IF_ERROR(job_->cancel->Check());
    const Labels labels = WithExternal(selection_->labels(series_), job_->external);
    proto::PromChunkWriter writer;
    std::vector<proto::PromChunk> chunks;
    size_t bytes = 0;
    const auto cursor = selection_->Open(series_++);
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(more, cursor->Next(&block_));
      for (size_t k = 0; more && k < block_.size(); ++k) {
        if (block_.type == ValueType::kHistogram) {
          writer.AddHistogram(block_.timestamps[k], block_.histograms[k]);
        } else {
          writer.AddFloat(block_.timestamps[k], block_.floats[k]);
        }
      }
      for (proto::PromChunk& chunk : writer.Take(!more)) {
        bytes += chunk.data.size();
        chunks.push_back(std::move(chunk));
        if (bytes < job_->limits.frame_bytes) continue;
        proto::AppendChunkFrame(query_, labels, chunks, out);
        chunks.clear();
        bytes = 0;
      }
    }
    if (!chunks.empty()) proto::AppendChunkFrame(query_, labels, chunks, out);
    return Status::Ok();
  }

  std::shared_ptr<const ReadJob> job_;
  storage::SampleBlock block_;
  std::unique_ptr<storage::SeriesSelection> selection_;
  size_t query_ = 0;
  size_t series_ = 0;  // the next of `selection_`
};

HttpResponse StreamChunks(std::shared_ptr<const ReadJob> job) {
  auto stream = std::make_shared<ChunkStream>(std::move(job));
  // The first selection is made before the answer begins, so that its failure is an answer.
  const Result<bool> begun = stream->Advance();
  if (!begun.ok()) return Refuse(begun.status());
  HttpResponse response;
  response.headers.Set("Content-Type",
                       "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  response.allow_compression = false;
  response.stream = [stream](std::string* out) { return stream->Next(out); };
  return response;
}

HttpResponse Read(const PromReadApi& api, HttpRequest& http) {
  proto::SnappyBuffer buffer;
  const Result<std::string_view> bytes = buffer.Uncompress(http.body, kMaxRequestBytes);
  if (!bytes.ok()) return HttpResponse::Text(400, bytes.status().message() + "\n");
  Result<proto::ReadRequest> request = proto::DecodeReadRequest(*bytes);
  if (!request.ok()) return Refuse(request.status());
  const Result<uint64_t> type = proto::NegotiateReadResponse(request->accepted_response_types);
  if (!type.ok()) return Refuse(type.status());
  auto job = std::make_shared<ReadJob>();
  job->querier = api.querier;
  job->cancel = http.cancel;
  job->limits = api.limits;
  job->scope = api.scope(http);
  job->external = api.external_labels();
  job->request = *std::move(request);
  if (*type == proto::kReadSamples) return ReadSamples(*job);
  return StreamChunks(std::move(job));
}

}  // namespace

void AddPromReadRoutes(const PromReadApi& api, net::Router* router) {
  router->Add("POST", "/api/v1/read", [api](HttpRequest& request) { return Read(api, request); },
              {.pool = net::Pool::kQuery, .max_body_bytes = kMaxRequestBytes, .decompress = false});
}

}  // namespace tsdb::server
