// Replays every exchange of tests/golden/influx, recorded from a real InfluxDB 1.6.7, against
// tsdbd.
#include <filesystem>
#include <map>
#include <memory>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/regex.h"
#include "base/text.h"
#include "net/compression.h"
#include "tests/influxql/json_tree.h"
#include "tests/support/external.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

constexpr size_t kMaxBody = 64 << 20;

// One answer in the form in which recordings hold it.
struct Observed {
  int status = 0;
  net::Headers headers;
  std::string text;
  std::vector<JsonTree> documents;  // one, or a line each
};

class Topic {
 public:
  Topic(const JsonValue& topic, TsdbdProcess* server) : topic_(topic), server_(server) {}

  // How many steps were compared.
  int Run() {
    int compared = 0;
    for (const JsonValue& step : topic_.Find("steps").array()) {
      SCOPED_TRACE(step.StringOr("name", ""));
      const Observed got = Observe(step, Send(step.Find("request")));
      if (step.Find("not_with").is_array()) continue;  // what 1.6 lacks and is here
      Compare(step, got);
      ++compared;
    }
    return compared;
  }

 private:
  static std::string BodyOf(const JsonValue& request) {
    std::string body = request.StringOr("body", "");
    if (const JsonValue& encoded = request.Find("body_b64"); encoded.is_string()) {
      body = Base64Decode(encoded.text()).value();
    }
    if (const JsonValue& repeat = request.Find("body_repeat"); repeat.is_array()) {
      const int times = static_cast<int>(repeat.array()[1].number());
      for (int i = 0; i < times; ++i) body += repeat.array()[0].text();
    }
    if (const JsonValue& form = request.Find("form"); form.is_object()) {
      body = EncodeForm(Pairs(form));
    }
    return request.Find("gzip").is_bool() ? net::GzipCompress(body) : body;
  }

  static QueryParameters Pairs(const JsonValue& object) {
    QueryParameters pairs;
    for (const auto& [key, value] : object.object()) pairs.emplace_back(key, value.text());
    for (const JsonValue& pair : object.array()) {
      pairs.emplace_back(pair.array()[0].text(), pair.array()[1].text());
    }
    return pairs;
  }

  net::ClientResponse Send(const JsonValue& json) {
    net::ClientRequest request;
    request.method = json.StringOr("method", "GET");
    request.url = server_->url() + json.StringOr("path", "");
    const JsonValue& query = json.Find("query");
    if (!query.is_null()) request.url += "?" + EncodeForm(Pairs(query));
    if (json.Find("raw_query").is_string()) request.url += "?" + json.Find("raw_query").text();
    for (const auto& [name, value] : json.Find("headers").object()) {
      request.headers.Add(name, value.text());
    }
    if (const JsonValue& basic = json.Find("basic"); basic.is_array()) {
      request.headers.Add("Authorization", "Basic " + Base64Encode(basic.array()[0].text() + ":" +
                                                                   basic.array()[1].text()));
    }
    request.body = BodyOf(json);
    if (json.Find("form").is_object()) {
      request.headers.Add("Content-Type", "application/x-www-form-urlencoded");
    }
    if (json.Find("gzip").is_bool()) request.headers.Add("Content-Encoding", "gzip");
    request.timeout_ms = 30'000;
    request.max_response_bytes = kMaxBody;
    Result<net::ClientResponse> response = client_->Do(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    return response.ok() ? *std::move(response) : net::ClientResponse();
  }

  static std::string Masked(const JsonValue& step, std::string text) {
    for (const JsonValue& mask : step.Find("mask").array()) {
      text = Regex::Compile(mask.array()[0].text())->ReplaceAll(text, mask.array()[1].text());
    }
    return text;
  }

  static Observed Observe(const JsonValue& step, net::ClientResponse response) {
    Observed got;
    got.status = response.status;
    got.headers = response.headers;
    if (response.headers.Get("Content-Encoding") == "gzip" && !response.body.empty()) {
      const auto plain = net::Decompress("gzip", response.body, kMaxBody);
      if (plain.ok()) response.body = *plain;
    }
    got.text = Masked(step, response.body);
    const bool lines = step.StringOr("compare", "json") == "jsonlines";
    for (const std::string_view piece :
         lines ? Split(got.text, '\n') : std::vector<std::string_view>{got.text}) {
      if (TrimSpace(piece).empty()) continue;
      const auto document = JsonValue::Parse(piece);
      if (!document.ok()) return got;
      JsonTree tree = JsonTree::From(*document);
      for (const JsonValue& path : step.Find("ignore").array()) Blank(&tree, path.text());
      for (const JsonValue& path : step.Find("sort").array()) SortAt(&tree, path.text());
      SettleTies(&tree);
      got.documents.push_back(std::move(tree));
    }
    return got;
  }

  // The recorder's HTTP client takes the bytes of a header for Latin-1; this gives the bytes back.
  static std::string HeaderBytes(std::string_view recorded) {
    std::string bytes;
    for (size_t i = 0; i < recorded.size(); ++i) {
      const auto byte = static_cast<unsigned char>(recorded[i]);
      if ((byte & 0xfe) == 0xc2 && i + 1 < recorded.size()) {
        const auto next = static_cast<unsigned char>(recorded[++i]);
        bytes += static_cast<char>((byte & 0x03) << 6 | (next & 0x3f));
      } else {
        bytes += static_cast<char>(byte);
      }
    }
    return bytes;
  }

  static std::string Canonical(std::string_view name, std::string_view value) {
    std::string text(value);
    if (name == "Content-Type") {
      text = ToLower(text);
      std::erase(text, ' ');
    }
    if (name == "Allow") {
      std::string sorted;
      std::vector<std::string> words;
      for (const std::string_view word : Split(text, ',')) words.emplace_back(TrimSpace(word));
      std::sort(words.begin(), words.end());
      for (const std::string& word : words) sorted += (sorted.empty() ? "" : ", ") + word;
      text = sorted;
    }
    return text;
  }

  static void Compare(const JsonValue& step, const Observed& got) {
    const JsonValue& want = step.Find("expect");
    EXPECT_EQ(std::to_string(got.status), want.Find("status").text()) << got.text.substr(0, 300);
    for (const auto& [name, value] : want.Find("headers").object()) {
      EXPECT_EQ(Canonical(name, Masked(step, std::string(got.headers.Get(name)))),
                Canonical(name, HeaderBytes(value.text())))
          << name;
    }
    for (const JsonValue& name : want.Find("headers_present").array()) {
      EXPECT_FALSE(got.headers.Get(name.text()).empty()) << name.text() << " is missing";
    }
    if (const JsonValue& text = want.Find("text"); text.is_string()) {
      EXPECT_EQ(got.text, text.text());
    }
    if (step.StringOr("compare", "json") == "keys") return CompareKeys(want.Find("json"), got);
    std::vector<JsonTree> documents;
    if (!want.Find("json").is_null()) documents.push_back(JsonTree::From(want.Find("json")));
    for (const JsonValue& line : want.Find("jsonlines").array()) {
      documents.push_back(JsonTree::From(line));
    }
    if (documents.empty()) return;
    ASSERT_EQ(got.documents.size(), documents.size()) << got.text.substr(0, 300);
    for (size_t i = 0; i < documents.size(); ++i) {
      SettleTies(&documents[i]);
      EXPECT_EQ(Difference(documents[i], got.documents[i], step.Find("extra_keys").is_bool()), "");
    }
  }

  // Of diagnostics the names and columns of what is shown here must be as they were there.
  static void CompareKeys(const JsonValue& want, const Observed& got) {
    ASSERT_EQ(got.documents.size(), 1u);
    std::map<std::string, std::string> known;
    for (const JsonValue& result : want.Find("results").array()) {
      for (const JsonValue& series : result.Find("series").array()) {
        known[series.StringOr("name", "")] = JsonTree::From(series.Find("columns")).ToString();
      }
    }
    const JsonTree* results = got.documents[0].Find("results");
    ASSERT_NE(results, nullptr);
    for (const JsonTree& result : results->array) {
      const JsonTree* shown = result.Find("series");
      ASSERT_NE(shown, nullptr);
      for (const JsonTree& series : shown->array) {
        EXPECT_EQ(known[series.Find("name")->text], series.Find("columns")->ToString());
      }
    }
  }

  const JsonValue& topic_;
  TsdbdProcess* server_;
  std::unique_ptr<net::HttpClient> client_ = net::HttpClient::Create();
};

class InfluxGoldenExchanges : public ::testing::TestWithParam<const char*> {};

TEST_P(InfluxGoldenExchanges, AreAnsweredAsInfluxDbDid) {
  const std::string file = SourceDirectory() + "/tests/golden/influx/" + GetParam() + ".json";
  const auto topic = JsonValue::Parse(ReadFile(file));
  ASSERT_TRUE(topic.ok()) << topic.status().ToString();
  const bool auth = topic->Find("auth").is_bool() && topic->Find("auth").boolean();
  const TempDir directory;
  WriteFile(directory / "prometheus.yml",
            std::string("influx: {auth_enabled: ") + (auth ? "true" : "false") + "}\n");
  TsdbdProcess server(directory / "data",
                      {"--config.file=" + (directory / "prometheus.yml"), "--storage.sync=never"});
  const Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  const int compared = Topic(*topic, &server).Run();
  EXPECT_GT(compared, 10);
}

INSTANTIATE_TEST_SUITE_P(
    Topics, InfluxGoldenExchanges,
    ::testing::Values("admin_db_rp", "auth_bootstrap", "auth_permissions", "auth_users", "deletes",
                      "flink", "found_by_comparison", "grafana", "metadata", "parse_errors", "ping",
                      "query_http", "select_aggregates", "select_basic", "select_group_time",
                      "select_math_sub", "select_transform", "server_info", "v2_write",
                      "v2_write_auth", "write_http", "write_syntax", "write_types"),
    [](const auto& topic) { return std::string(topic.param); });

}  // namespace
}  // namespace tsdb::testing
