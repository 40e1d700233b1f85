// Remote read (Prometheus' prompb/remote.proto): the request, and answers in both forms: all
// samples in one message, or a stream of frames of chunks. Functions are thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/sample.h"
#include "proto/prom_chunk.h"

namespace tsdb::proto {

// ReadRequest.ResponseType.
inline constexpr uint64_t kReadSamples = 0;
inline constexpr uint64_t kReadStreamedChunks = 1;

struct ReadQuery {
  int64_t min_time_ms = 0;  // inclusive, as the next
  int64_t max_time_ms = 0;
  Matchers matchers;  // none selects every series
};

struct ReadRequest {
  std::vector<ReadQuery> queries;
  std::vector<uint64_t> accepted_response_types;  // in the order of preference
};

inline constexpr size_t kMaxReadQueries = 1000;
inline constexpr size_t kMaxReadMatchers = 10'000;  // of all queries together

// `bytes` after snappy. kInvalidArgument when malformed, or a regex does not compile.
Result<ReadRequest> DecodeReadRequest(std::string_view bytes);
std::string EncodeReadRequest(const ReadRequest& request);

// The first of the accepted response types that there is; the one with samples without any.
// kInvalidArgument with Prometheus' words otherwise.
Result<uint64_t> NegotiateReadResponse(const std::vector<uint64_t>& accepted);

// ReadResponse, piece by piece: series into a QueryResult, QueryResults into the response.
void AppendReadSeries(const Labels& labels, const std::vector<FloatSample>& floats,
                      const std::vector<std::pair<int64_t, HistogramPtr>>& histograms,
                      std::string* query_result);
void AppendQueryResult(std::string_view query_result, std::string* response);

// One frame of the stream: varint size, CRC-32C in big-endian order, ChunkedReadResponse of one
// series.
void AppendChunkFrame(size_t query_index, const Labels& labels,
                      const std::vector<PromChunk>& chunks, std::string* out);

}  // namespace tsdb::proto
