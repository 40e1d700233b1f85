// Every request of tests/golden/prom_api, answered as a Prometheus 3.14 answered it for the same
// data: status, content type (of odd HTTP all headers that say something), and the whole body.
// tools/dev/record_prom_api.py makes the recording.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/number.h"
#include "base/text.h"
#include "net/http_client.h"
#include "tests/net/raw_client.h"
#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

// Summation may be done in another order: values are compared to 1e-12.
bool SameText(const std::string& want, const std::string& have) {
  if (want == have) return true;
  const std::optional<double> a = ParseFloat(want);
  const std::optional<double> b = ParseFloat(have);
  return a.has_value() && b.has_value() && std::abs(*a - *b) <= 1e-12 * std::abs(*a) &&
         want.find('e') == have.find('e');
}

bool Same(const JsonValue& want, const JsonValue& have) {
  if (want.kind() != have.kind()) return false;
  switch (want.kind()) {
    case JsonValue::Kind::kNull:
      return true;
    case JsonValue::Kind::kBool:
      return want.boolean() == have.boolean();
    case JsonValue::Kind::kNumber:
    case JsonValue::Kind::kString:
      return SameText(want.text(), have.text());
    case JsonValue::Kind::kArray:
      return std::equal(want.array().begin(), want.array().end(), have.array().begin(),
                        have.array().end(), Same);
    case JsonValue::Kind::kObject:
      return want.object().size() == have.object().size() &&
             std::all_of(want.object().begin(), want.object().end(), [&](const auto& member) {
               return Same(member.second, have.Find(member.first));
             });
  }
  return false;
}

// An instant vector is in no order that means anything (Prometheus' follows the order in which its
// series were created).
bool SameSets(const JsonValue& want, const JsonValue& have) {
  return want.array().size() == have.array().size() &&
         std::all_of(want.array().begin(), want.array().end(), [&](const JsonValue& element) {
           return std::any_of(have.array().begin(), have.array().end(),
                              [&](const JsonValue& other) { return Same(element, other); });
         });
}

bool SameBodies(const std::string& want, const std::string& have) {
  const Result<JsonValue> a = JsonValue::Parse(want);
  const Result<JsonValue> b = JsonValue::Parse(have);
  if (!a.ok() || !b.ok()) return want == have;
  const JsonValue& data = a->Find("data");
  if (data.StringOr("resultType", "") == "vector") {
    return SameSets(data.Find("result"), b->Find("data").Find("result")) &&
           Same(a->Find("warnings"), b->Find("warnings")) &&
           Same(a->Find("infos"), b->Find("infos"));
  }
  return Same(*a, *b);
}

// The form in the body of a POST, in the URL of anything else.
Result<net::ClientResponse> Send(net::HttpClient* client, const std::string& url,
                                 const JsonValue& request) {
  net::ClientRequest out;
  out.method = request.StringOr("method", "");
  out.url = url + request.StringOr("path", "");
  const std::string form = request.StringOr("form", "");
  if (out.method == "POST") {
    out.headers.Set("Content-Type", "application/x-www-form-urlencoded");
    out.body = form;
  } else if (!form.empty()) {
    out.url += "?" + form;
  }
  return client->Do(out);
}

const std::string& GoldenDirectory() {
  static const std::string directory = SourceDirectory() + "/tests/golden/prom_api/";
  return directory;
}

class PromApiGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteFile(directory_ / "prometheus.yml", "global: {}\n");
    server_.emplace(
        directory_ / "data",
        std::vector<std::string>{"--config.file=" + (directory_ / "prometheus.yml"),
                                 "--storage.retention.time=100y", "--enable-feature=search-api"});
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    const auto written =
        server_->Post("/api/v1/write", ReadFile(GoldenDirectory() + "data.rw1"),
                      {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}});
    ASSERT_TRUE(written.ok());
    ASSERT_EQ(written->status, 204) << written->body;
  }

  // The recording of that name.
  static JsonValue Recorded(const char* name) {
    Result<JsonValue> recorded = JsonValue::Parse(ReadFile(GoldenDirectory() + name));
    EXPECT_TRUE(recorded.ok()) << recorded.status().ToString();
    if (!recorded.ok()) return {};
    EXPECT_GT(recorded->array().size(), 250U);
    return *std::move(recorded);
  }

  const TempDir directory_;
  std::optional<TsdbdProcess> server_;
};

TEST_F(PromApiGolden, AnswersEveryRequestAsPrometheusDid) {
  const auto client = net::HttpClient::Create();
  const JsonValue recorded = Recorded("answers.json");
  for (const JsonValue& want : recorded.array()) {
    SCOPED_TRACE(want.StringOr("request", ""));
    const auto have = Send(client.get(), server_->url(), want);
    ASSERT_TRUE(have.ok()) << have.status().ToString();
    EXPECT_EQ(std::to_string(have->status), want.Find("status").text()) << have->body;
    EXPECT_EQ(have->headers.Get("Content-Type"), want.StringOr("content_type", ""));
    EXPECT_TRUE(SameBodies(want.StringOr("body", ""), have->body))
        << "want " << want.StringOr("body", "") << "\nhave " << have->body;
  }
}

// The recording holds one character for each byte.
std::string ToBytes(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    out.push_back(c < 0x80 ? text[i] : static_cast<char>((c & 0x03) << 6 | (text[++i] & 0x3f)));
  }
  return out;
}

// Those headers of an answer that the recording keeps, as sorted lines.
std::string KeptHeaders(const std::string& head) {
  std::vector<std::string> kept;
  const std::vector<std::string_view> lines = Split(head, '\n');
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::string_view line = TrimSpace(lines[i]);
    const size_t colon = std::min(line.find(':'), line.size());
    const std::string name = ToLower(line.substr(0, colon));
    for (const char* wanted : {"content-type", "allow", "location", "vary", "access-control-",
                               "x-content-type-options"}) {
      if (name.starts_with(wanted)) kept.push_back(name + std::string(line.substr(colon)));
    }
  }
  std::sort(kept.begin(), kept.end());
  std::string out;
  for (const std::string& line : kept) out += out.empty() ? line : "\n" + line;
  return out;
}

TEST_F(PromApiGolden, AnswersOddHttpAsPrometheusDid) {
  const JsonValue recorded = Recorded("http_answers.json");
  for (const JsonValue& want : recorded.array()) {
    SCOPED_TRACE(want.StringOr("line", ""));
    net::RawClient client("127.0.0.1:" + std::to_string(server_->port()));
    ASSERT_TRUE(client.Send(ToBytes(want.StringOr("request", ""))));
    const net::RawAnswer have = client.Receive(want.StringOr("line", "").starts_with("HEAD"));
    EXPECT_EQ(std::to_string(have.status), want.Find("status").text()) << have.body;
    EXPECT_EQ(KeptHeaders(have.head), want.StringOr("headers", ""));
    const std::string body = ToBytes(want.StringOr("body", ""));
    EXPECT_TRUE(SameBodies(body, have.body)) << "want " << body << "\nhave " << have.body;
  }
}

}  // namespace
}  // namespace tsdb::testing
