#include "server/api/influx_msgpack.h"

#include <bit>
#include <utility>
#include <vector>

namespace tsdb::server {
namespace {

using influxql::ResultSeries;
using influxql::StatementResult;
using influxql::Value;

// https://github.com/msgpack/msgpack/blob/master/spec.md
class Packer {
 public:
  explicit Packer(std::string* out) : out_(out) {}

  void Map(size_t size) { Head(size, 0x80, 16, 0, 0xde, 0xdf); }
  void Array(size_t size) { Head(size, 0x90, 16, 0, 0xdc, 0xdd); }
  void Text(std::string_view text) {
    Head(text.size(), 0xa0, 32, 0xd9, 0xda, 0xdb);
    *out_ += text;
  }
  void Nil() { Byte(0xc0); }
  void Bool(bool value) { Byte(value ? 0xc3 : 0xc2); }
  void Float(double value) {
    Byte(0xcb);
    BigEndian(std::bit_cast<uint64_t>(value), 8);
  }
  void Int(int64_t value) {
    if (value >= -32 && value < 128) return Byte(static_cast<uint8_t>(value));
    // The shortest signed form; eight bits only below zero, as InfluxDB's library has it.
    const auto fits = [&](int bits) {
      const int64_t limit = int64_t{1} << (bits - 1);
      return value >= -limit && value < limit;
    };
    if (value < 0 && fits(8)) return Signed(0xd0, value, 1);
    if (fits(16)) return Signed(0xd1, value, 2);
    if (fits(32)) return Signed(0xd2, value, 4);
    Signed(0xd3, value, 8);
  }
  void Time(int64_t ns) {
    int64_t seconds = ns / 1'000'000'000;
    int64_t rest = ns % 1'000'000'000;
    if (rest < 0) {
      rest += 1'000'000'000;
      --seconds;
    }
    Byte(0xc7);
    Byte(12);
    Byte(5);
    BigEndian(static_cast<uint64_t>(seconds), 8);
    BigEndian(static_cast<uint64_t>(rest), 4);
  }

 private:
  void Byte(uint8_t byte) { out_->push_back(static_cast<char>(byte)); }
  void Signed(uint8_t head, int64_t value, int bytes) {
    Byte(head);
    BigEndian(static_cast<uint64_t>(value), bytes);
  }
  void BigEndian(uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) Byte(static_cast<uint8_t>(value >> (8 * i)));
  }
  void Head(size_t size, uint8_t fixed, size_t fixed_below, uint8_t one, uint8_t two,
            uint8_t four) {
    if (size < fixed_below) return Byte(static_cast<uint8_t>(fixed | size));
    if (one != 0 && size < 256) {
      Byte(one);
      return BigEndian(size, 1);
    }
    if (size < 65536) {
      Byte(two);
      return BigEndian(size, 2);
    }
    Byte(four);
    BigEndian(size, 4);
  }
  std::string* out_;
};

void PackValue(const Value& value, Packer* pack) {
  switch (value.index()) {
    case 1:
      return pack->Float(std::get<double>(value));
    case 2:
      return pack->Int(std::get<int64_t>(value));
    case 3:
      return pack->Bool(std::get<bool>(value));
    case 4:
      return pack->Text(std::get<std::string>(value));
    default:
      return pack->Nil();
  }
}

class MsgPack : public InfluxFormatter {
 public:
  MsgPack(int64_t epoch_ns, bool chunked) : epoch_ns_(epoch_ns), chunked_(chunked) {}

  std::string_view content_type() const override { return "application/x-msgpack"; }

  std::string Add(const StatementResult& result) override {
    if (chunked_) return Document({result});
    if (!results_.empty() && results_.back().statement_id == result.statement_id) {
      Append(result, &results_.back());
    } else {
      results_.push_back(result);
    }
    return "";
  }
  std::string Finish() override { return chunked_ ? "" : Document(results_); }

 private:
  static void Append(const StatementResult& more, StatementResult* result) {
    if (more.has_error) {
      *result = more;
      return;
    }
    for (const ResultSeries& series : more.series) {
      ResultSeries* last = result->series.empty() ? nullptr : &result->series.back();
      if (last != nullptr && last->name == series.name && last->tags == series.tags &&
          last->columns == series.columns) {
        last->rows.insert(last->rows.end(), series.rows.begin(), series.rows.end());
        last->times.insert(last->times.end(), series.times.begin(), series.times.end());
      } else {
        result->series.push_back(series);
      }
    }
    result->messages.insert(result->messages.end(), more.messages.begin(), more.messages.end());
    result->partial = more.partial;
  }

  std::string Document(const std::vector<StatementResult>& results) const {
    std::string out;
    Packer pack(&out);
    pack.Map(1);
    pack.Text("results");
    pack.Array(results.size());
    for (const StatementResult& result : results) PackResult(result, &pack);
    return out;
  }

  void PackResult(const StatementResult& result, Packer* pack) const {
    if (result.has_error) {
      pack->Map(1);  // InfluxDB leaves the statement's number out here
      pack->Text("error");
      return pack->Text(result.error);
    }
    pack->Map(2U + (result.messages.empty() ? 0U : 1U) + (result.partial ? 1U : 0U));
    pack->Text("statement_id");
    pack->Int(result.statement_id);
    if (!result.messages.empty()) {
      pack->Text("messages");
      pack->Array(result.messages.size());
      for (const auto& message : result.messages) {
        pack->Map(2);
        pack->Text("level");
        pack->Text(message.level);
        pack->Text("text");
        pack->Text(message.text);
      }
    }
    pack->Text("series");
    pack->Array(result.series.size());
    for (const ResultSeries& series : result.series) PackSeries(series, pack);
    if (result.partial) {
      pack->Text("partial");
      pack->Bool(true);
    }
  }

  void PackSeries(const ResultSeries& series, Packer* pack) const {
    pack->Map(2U + (series.name.empty() ? 0U : 1U) + (series.tags.empty() ? 0U : 1U) +
              (series.partial ? 1U : 0U));
    if (!series.name.empty()) {
      pack->Text("name");
      pack->Text(series.name);
    }
    if (!series.tags.empty()) {
      pack->Text("tags");
      pack->Map(series.tags.size());
      for (const auto& [name, value] : series.tags) {
        pack->Text(name);
        pack->Text(value);
      }
    }
    pack->Text("columns");
    pack->Array(series.columns.size());
    for (const std::string& column : series.columns) pack->Text(column);
    pack->Text("values");
    pack->Array(series.rows.size());
    for (size_t i = 0; i < series.rows.size(); ++i) {
      pack->Array(series.rows[i].size() + (series.has_times ? 1U : 0U));
      if (series.has_times) {
        epoch_ns_ == 0 ? pack->Time(series.times[i]) : pack->Int(series.times[i] / epoch_ns_);
      }
      for (const Value& value : series.rows[i]) PackValue(value, pack);
    }
    if (series.partial) {
      pack->Text("partial");
      pack->Bool(true);
    }
  }

  int64_t epoch_ns_;
  bool chunked_;
  std::vector<StatementResult> results_;
};

}  // namespace

std::unique_ptr<InfluxFormatter> MakeMsgPackFormatter(int64_t epoch_ns, bool chunked) {
  return std::make_unique<MsgPack>(epoch_ns, chunked);
}

std::string MsgPackError(std::string_view error) {
  std::string out;
  Packer pack(&out);
  pack.Map(1);
  pack.Text("error");
  pack.Text(error);
  return out;
}

}  // namespace tsdb::server
