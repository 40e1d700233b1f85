// The bytes of remote read: requests from anybody, chunks bit by bit.
#include <gtest/gtest.h>

#include "proto/prom_chunk.h"
#include "proto/remote_read.h"
#include "proto/wire.h"

namespace tsdb::proto {
namespace {

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) {
    out += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    out += "0123456789abcdef"[static_cast<uint8_t>(byte) & 15];
  }
  return out;
}

ReadRequest Example() {
  ReadRequest request;
  request.queries.push_back({.min_time_ms = -5,
                             .max_time_ms = 1'700'000'000'000,
                             .matchers = {Matcher(MatchType::kEqual, "__name__", "up"),
                                          Matcher(MatchType::kNotRegex, "job", "a|b")}});
  request.queries.push_back({.min_time_ms = 1, .max_time_ms = 2, .matchers = {}});
  request.accepted_response_types = {kReadStreamedChunks, kReadSamples};
  return request;
}

TEST(RemoteRead, RequestReadsBackAsWritten) {
  const auto read = DecodeReadRequest(EncodeReadRequest(Example()));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ASSERT_EQ(read->queries.size(), 2U);
  EXPECT_EQ(read->queries[0].min_time_ms, -5);
  EXPECT_EQ(read->queries[0].max_time_ms, 1'700'000'000'000);
  ASSERT_EQ(read->queries[0].matchers.size(), 2U);
  EXPECT_EQ(read->queries[0].matchers[1].ToString(), "job!~\"a|b\"");
  EXPECT_EQ(read->accepted_response_types, (std::vector<uint64_t>{1, 0}));
}

TEST(RemoteRead, PackedResponseTypesAreRead) {
  const auto read = DecodeReadRequest(std::string_view("\x12\x02\x01\x00", 4));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->accepted_response_types, (std::vector<uint64_t>{1, 0}));
}

TEST(RemoteRead, DamagedRequestsAreRefusedOrReadButNeverMore) {
  const std::string whole = EncodeReadRequest(Example());
  for (size_t size = 0; size < whole.size(); ++size) {
    DecodeReadRequest(std::string_view(whole).substr(0, size)).ok();
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    DecodeReadRequest(flipped).ok();
  }
  std::string matcher;
  PutVarintField(&matcher, 1, 2);
  PutBytesField(&matcher, 3, "(");
  std::string query;
  PutBytesField(&query, 3, matcher);
  std::string request;
  PutBytesField(&request, 1, query);
  EXPECT_EQ(DecodeReadRequest(request).status().message(),
            "error parsing regexp: missing closing ): `(`");
}

TEST(RemoteRead, TooManyQueriesAreRefused) {
  std::string request;
  for (size_t i = 0; i <= kMaxReadQueries; ++i) PutBytesField(&request, 1, "");
  EXPECT_EQ(DecodeReadRequest(request).status().code(), StatusCode::kInvalidArgument);
}

TEST(RemoteRead, FirstResponseTypeThatThereIsIsTaken) {
  EXPECT_EQ(*NegotiateReadResponse({}), kReadSamples);
  EXPECT_EQ(*NegotiateReadResponse({9, 1, 0}), kReadStreamedChunks);
  EXPECT_FALSE(NegotiateReadResponse({9}).ok());
}

// By hand from the format: count 3, zigzag varint 1000, bits of 1.0, delta 1000, "same value", then
// delta of deltas 5 in 14 bits, and 1.0 to 2.0: leading 1, significant 11, 7ff.
TEST(PromChunk, FloatsAreWrittenBitByBit) {
  PromChunkWriter writer;
  writer.AddFloat(1000, 1);
  writer.AddFloat(2000, 1);
  writer.AddFloat(3005, 2);
  const auto chunks = writer.Take(true);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].min_time_ms, 1000);
  EXPECT_EQ(chunks[0].max_time_ms, 3005);
  BitString expected;
  expected.Put(3, 16);
  expected.Put(0xd00f, 16);
  expected.Put(0x3ff0000000000000, 64);
  expected.Put(0xe807, 16);
  expected.Put(0, 1);
  expected.Put(0b10, 2);
  expected.Put(5, 14);
  expected.Put(0b11, 2);
  expected.Put(1, 5);
  expected.Put(11, 6);
  expected.Put(0x7ff, 11);
  EXPECT_EQ(Hex(chunks[0].data), Hex(*expected.bytes()));
}

TEST(PromChunk, IsCutWhenItIsFull) {
  PromChunkWriter writer;
  for (int i = 0; i < 300; ++i) writer.AddFloat(i, i);
  EXPECT_EQ(writer.Take(false).size(), 2U);
  EXPECT_EQ(writer.Take(true).size(), 1U);
  EXPECT_TRUE(writer.Take(true).empty());
}

TEST(PromChunk, HistogramsAreCutWhereAReaderWouldMissAChange) {
  const auto histogram = [](double count, CounterResetHint hint) {
    auto out = std::make_shared<Histogram>();
    out->count = count;
    out->positive_spans = {{.offset = 0, .length = 1}};
    out->positive_buckets = {count};
    out->counter_reset_hint = hint;
    return out;
  };
  const auto chunk_count = [](const std::vector<HistogramPtr>& histograms) {
    PromChunkWriter writer;
    for (size_t i = 0; i < histograms.size(); ++i) {
      writer.AddHistogram(static_cast<int64_t>(i), histograms[i]);
    }
    return writer.Take(true).size();
  };
  const auto unknown = CounterResetHint::kUnknown;
  const auto first = histogram(1, unknown);
  EXPECT_EQ(chunk_count({first, histogram(2, unknown)}), 1U);
  EXPECT_EQ(chunk_count({first, histogram(0.5, unknown)}), 2U);
  EXPECT_EQ(chunk_count({first, histogram(2, CounterResetHint::kReset)}), 2U);
  EXPECT_EQ(chunk_count({first, histogram(2, CounterResetHint::kGauge)}), 2U);
  auto stale = histogram(0, unknown);
  stale->sum = StaleMarker();
  EXPECT_EQ(chunk_count({first, stale, histogram(2, unknown)}), 3U);
  auto wider = histogram(2, unknown);
  wider->schema = 1;
  EXPECT_EQ(chunk_count({first, wider}), 2U);
  PromChunkWriter mixed;
  mixed.AddFloat(1, 1);
  mixed.AddHistogram(2, first);
  EXPECT_EQ(mixed.Take(true).size(), 2U);
}

}  // namespace
}  // namespace tsdb::proto
