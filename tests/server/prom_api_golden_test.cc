// Every request of tests/golden/prom_api, answered as a Prometheus 3.14 answered it for the same
// data: status, content type, and the whole body. tools/dev/record_prom_api.py makes the recording.
#include <algorithm>
#include <cmath>
#include <optional>

#include <gtest/gtest.h>

#include "base/number.h"
#include "net/http_client.h"
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

TEST(PromApiGolden, AnswersEveryRequestAsPrometheusDid) {
  const std::string golden = SourceDirectory() + "/tests/golden/prom_api/";
  const Result<JsonValue> recorded = JsonValue::Parse(ReadFile(golden + "answers.json"));
  ASSERT_TRUE(recorded.ok()) << recorded.status().ToString();
  ASSERT_GT(recorded->array().size(), 250U);

  const TempDir directory;
  WriteFile(directory / "prometheus.yml", "global: {}\n");
  TsdbdProcess server(directory / "data",
                      {"--config.file=" + (directory / "prometheus.yml"),
                       "--storage.retention.time=100y", "--enable-feature=search-api"});
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  const auto written =
      server.Post("/api/v1/write", ReadFile(golden + "data.rw1"),
                  {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}});
  ASSERT_TRUE(written.ok());
  ASSERT_EQ(written->status, 204) << written->body;

  const auto client = net::HttpClient::Create();
  for (const JsonValue& want : recorded->array()) {
    SCOPED_TRACE(want.StringOr("request", ""));
    const auto have = Send(client.get(), server.url(), want);
    ASSERT_TRUE(have.ok()) << have.status().ToString();
    EXPECT_EQ(std::to_string(have->status), want.Find("status").text()) << have->body;
    EXPECT_EQ(have->headers.Get("Content-Type"), want.StringOr("content_type", ""));
    EXPECT_TRUE(SameBodies(want.StringOr("body", ""), have->body))
        << "want " << want.StringOr("body", "") << "\nhave " << have->body;
  }
}

}  // namespace
}  // namespace tsdb::testing
