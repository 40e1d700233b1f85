#include "tests/support/remote_write_body.h"

#include <bit>

#include <snappy.h>

#include "base/coding.h"

namespace tsdb::testing {
namespace {

// Protobuf tags of the fields used: (number << 3) | wire type.
constexpr char kMessage1 = 0x0a;  // field 1, length-delimited
constexpr char kMessage2 = 0x12;  // field 2, length-delimited
constexpr char kDouble1 = 0x09;   // field 1, 64 bits
constexpr char kVarint2 = 0x10;   // field 2, varint

void PutField(std::string* out, char tag, std::string_view bytes) {
  out->push_back(tag);
  PutBytes(out, bytes);
}

std::string EncodeSeries(const RemoteWriteSeries& series) {
  std::string out;
  for (const Label& label : series.labels) {
    std::string message;
    PutField(&message, kMessage1, label.name);
    PutField(&message, kMessage2, label.value);
    PutField(&out, kMessage1, message);
  }
  for (const FloatSample& sample : series.samples) {
    std::string message(1, kDouble1);
    PutFixed64(&message, std::bit_cast<uint64_t>(sample.value));
    message.push_back(kVarint2);
    PutVarint(&message, static_cast<uint64_t>(sample.timestamp));
    PutField(&out, kMessage2, message);
  }
  return out;
}

}  // namespace

std::string EncodeRemoteWrite(const std::vector<RemoteWriteSeries>& series) {
  std::string out;
  for (const RemoteWriteSeries& one : series) PutField(&out, kMessage1, EncodeSeries(one));
  return out;
}

std::string RemoteWriteBody(const std::vector<RemoteWriteSeries>& series) {
  const std::string plain = EncodeRemoteWrite(series);
  std::string body;
  snappy::Compress(plain.data(), plain.size(), &body);
  return body;
}

}  // namespace tsdb::testing
