#include "proto/remote_read.h"

#include <array>

#include "proto/histogram_wire.h"
#include "proto/wire.h"

namespace tsdb::proto {
namespace {

constexpr uint64_t kMatcherTypes = 4;  // EQ, NEQ, RE, NRE, in the order of MatchType

Status Malformed() { return InvalidArgument("the read request is no valid protobuf message"); }

Status ReadMatcher(std::string_view bytes, Matchers* matchers) {
  uint64_t type = 0;
  std::string name;
  std::string value;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kVarint)) {
      type = reader.Varint();
    } else if (reader.Is(2, WireType::kBytes)) {
      name = reader.Bytes();
    } else if (reader.Is(3, WireType::kBytes)) {
      value = reader.Bytes();
    } else {
      reader.SkipUnknown(0b1110);
    }
  }
  if (!reader.ok()) return Malformed();
  if (type >= kMatcherTypes) return InvalidArgument("invalid matcher type");
  ASSIGN_OR_RETURN(Matcher matcher, Matcher::Create(static_cast<MatchType>(type), std::move(name),
                                                    std::move(value)));
  matchers->push_back(std::move(matcher));
  return Status::Ok();
}

// `matcher_count` is what the request has in all.
Status ReadQueryMessage(std::string_view bytes, size_t* matcher_count, ReadQuery* query) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kVarint)) {
      query->min_time_ms = static_cast<int64_t>(reader.Varint());
    } else if (reader.Is(2, WireType::kVarint)) {
      query->max_time_ms = static_cast<int64_t>(reader.Varint());
    } else if (reader.Is(3, WireType::kBytes)) {
      if (++*matcher_count > kMaxReadMatchers) {
        return InvalidArgument("the read request has more than " +
                               std::to_string(kMaxReadMatchers) + " matchers");
      }
      RETURN_IF_ERROR(ReadMatcher(reader.Bytes(), &query->matchers));
    } else {
      reader.SkipUnknown(0b1110);  // hints tell nothing that the query would not
    }
  }
  return reader.ok() ? Status::Ok() : Malformed();
}

// Repeated enums come packed or one by one.
void ReadResponseTypes(WireReader* reader, std::vector<uint64_t>* types) {
  constexpr size_t kMaxTypes = 100;
  if (reader->Is(2, WireType::kVarint)) {
    types->push_back(reader->Varint());
  } else {
    std::string_view packed = reader->Bytes();
    uint64_t type = 0;
    while (!packed.empty() && types->size() < kMaxTypes) {
      if (!GetVarint(&packed, &type)) {
        reader->Invalidate();
        return;
      }
      types->push_back(type);
    }
  }
  if (types->size() >= kMaxTypes) reader->Invalidate();
}

void AppendLabels(uint32_t field, const Labels& labels, std::string* out) {
  std::string message;
  for (const Label& label : labels) {
    message.clear();
    PutBytesField(&message, 1, label.name);
    PutBytesField(&message, 2, label.value);
    PutBytesField(out, field, message);
  }
}

// CRC-32C by table, a byte at a time. Source: RFC 3720, B.4 (polynomial 0x1edc6f41, reflected).
constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    table[i] = crc;
  }
  return table;
}();

uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes)
    crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 255];
  return ~crc;
}

}  // namespace

Result<ReadRequest> DecodeReadRequest(std::string_view bytes) {
  ReadRequest request;
  size_t matcher_count = 0;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      if (request.queries.size() == kMaxReadQueries) {
        return InvalidArgument("the read request has more than " + std::to_string(kMaxReadQueries) +
                               " queries");
      }
      RETURN_IF_ERROR(
          ReadQueryMessage(reader.Bytes(), &matcher_count, &request.queries.emplace_back()));
    } else if (reader.Is(2, WireType::kVarint) || reader.Is(2, WireType::kBytes)) {
      ReadResponseTypes(&reader, &request.accepted_response_types);
    } else {
      reader.SkipUnknown(0b110);
    }
  }
  if (!reader.ok()) return Malformed();
  return request;
}

std::string EncodeReadRequest(const ReadRequest& request) {
  std::string out;
  for (const ReadQuery& query : request.queries) {
    std::string message;
    PutVarintField(&message, 1, static_cast<uint64_t>(query.min_time_ms));
    PutVarintField(&message, 2, static_cast<uint64_t>(query.max_time_ms));
    for (const Matcher& matcher : query.matchers) {
      std::string bytes;
      PutVarintField(&bytes, 1, static_cast<uint64_t>(matcher.type()));
      PutBytesField(&bytes, 2, matcher.name());
      PutBytesField(&bytes, 3, matcher.value());
      PutBytesField(&message, 3, bytes);
    }
    PutBytesField(&out, 1, message);
  }
  for (const uint64_t type : request.accepted_response_types) PutVarintField(&out, 2, type);
  return out;
}

Result<uint64_t> NegotiateReadResponse(const std::vector<uint64_t>& accepted) {
  if (accepted.empty()) return kReadSamples;
  std::string listed;
  for (const uint64_t type : accepted) {
    if (type == kReadSamples || type == kReadStreamedChunks) return type;
    listed += (listed.empty() ? "" : " ") + std::to_string(type);
  }
  return InvalidArgument("server does not support any of the requested response types: [" + listed +
                         "]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]");
}

void AppendReadSeries(const Labels& labels, const std::vector<FloatSample>& floats,
                      const std::vector<std::pair<int64_t, HistogramPtr>>& histograms,
                      std::string* query_result) {
  std::string series;
  AppendLabels(1, labels, &series);
  std::string message;
  for (const FloatSample& sample : floats) {
    message.clear();
    PutDoubleField(&message, 1, sample.value);
    PutVarintField(&message, 2, static_cast<uint64_t>(sample.timestamp));
    PutBytesField(&series, 2, message);
  }
  for (const auto& [timestamp_ms, histogram] : histograms) {
    message.clear();
    EncodeHistogram({.histogram = *histogram, .timestamp_ms = timestamp_ms}, &message);
    PutBytesField(&series, 4, message);
  }
  PutBytesField(query_result, 1, series);
}

void AppendQueryResult(std::string_view query_result, std::string* response) {
  PutBytesField(response, 1, query_result);
}

void AppendChunkFrame(size_t query_index, const Labels& labels,
                      const std::vector<PromChunk>& chunks, std::string* out) {
  std::string series;
  AppendLabels(1, labels, &series);
  std::string message;
  for (const PromChunk& chunk : chunks) {
    message.clear();
    PutVarintField(&message, 1, static_cast<uint64_t>(chunk.min_time_ms));
    PutVarintField(&message, 2, static_cast<uint64_t>(chunk.max_time_ms));
    PutVarintField(&message, 3, static_cast<uint64_t>(chunk.encoding));
    PutBytesField(&message, 4, chunk.data);
    PutBytesField(&series, 2, message);
  }
  message.clear();
  PutBytesField(&message, 1, series);
  if (query_index > 0) PutVarintField(&message, 2, query_index);
  PutVarint(out, message.size());
  const uint32_t crc = Crc32c(message);
  for (const int shift : {24, 16, 8, 0}) out->push_back(static_cast<char>(crc >> shift));
  out->append(message);
}

}  // namespace tsdb::proto
