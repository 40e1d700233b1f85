// Replays the write requests of tests/golden/influx, recorded from a real InfluxDB 1.6.7, and
// Flink's own requests of tests/golden/flink.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "ingest/influx/influx_write.h"
#include "tests/ingest/fake_store.h"

namespace tsdb::influx {
namespace {

constexpr int64_t kNow = 1'795'252'500'000'000'000;  // when the recordings were made

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream buffer;
  buffer << in.rdbuf();
  return buffer.str();
}

std::string BodyOf(const JsonValue& request) {
  if (const JsonValue& encoded = request.Find("body_b64"); encoded.is_string()) {
    return Base64Decode(encoded.text()).value();
  }
  if (const JsonValue& repeat = request.Find("body_repeat"); repeat.is_array()) {
    std::string body;
    const int times = static_cast<int>(repeat.array()[1].number());
    for (int i = 0; i < times; ++i) body += repeat.array()[0].text();
    return body;
  }
  return request.StringOr("body", "");
}

class Replay {
 public:
  Replay() { store_.now_ns = kNow; }

  // Returns how many requests were compared.
  int Topic(const std::string& name) {
    const auto topic = JsonValue::Parse(ReadFile("tests/golden/influx/" + name + ".json"));
    EXPECT_TRUE(topic.ok()) << topic.status().ToString();
    if (!topic.ok()) return 0;
    int compared = 0;
    for (const JsonValue& step : topic->Find("steps").array()) compared += Step(step);
    return compared;
  }

 private:
  int Step(const JsonValue& step) {
    const JsonValue& request = step.Find("request");
    const std::string path = request.StringOr("path", "");
    if (path == "/query") {
      Statement(request.Find("query").StringOr("q", ""));
      return 0;
    }
    const bool v2 = path == "/api/v2/write";
    if (!v2 && path != "/write") return 0;
    const JsonValue& expect = step.Find("expect");
    const std::string status = expect.Find("status").text();
    // The server's business: compression, the size of a body, and 1.6's lack of v2.
    if (status == "413" || step.Find("not_with").is_array() ||
        (!request.Find("gzip").is_bool() &&
         request.Find("headers").StringOr("Content-Encoding", "") == "gzip")) {
      return 0;
    }
    SCOPED_TRACE(step.StringOr("name", ""));
    const InfluxWriteOutcome outcome = v2 ? WriteV2(request) : Write(request);
    EXPECT_EQ(std::to_string(outcome.http_status), status) << outcome.error;
    const JsonValue& error = expect.Find("json").Find("error");
    if (error.is_string() && !step.Find("mask").is_array()) {
      EXPECT_EQ(outcome.error, error.text());
    }
    return 1;
  }

  InfluxWriteOutcome Write(const JsonValue& json) {
    const JsonValue& query = json.Find("query");
    const std::string body = BodyOf(json), database = query.StringOr("db", ""),
                      policy = query.StringOr("rp", ""),
                      precision = query.StringOr("precision", ""),
                      consistency = query.StringOr("consistency", "");
    InfluxWriteRequest request;
    request.body = body;
    request.database = database;
    request.policy = policy;
    request.precision = precision;
    request.consistency = consistency;
    request.now_ns = kNow;
    return HandleInfluxWrite(request, store_, &store_);
  }

  InfluxWriteOutcome WriteV2(const JsonValue& json) {
    const JsonValue& query = json.Find("query");
    const std::string body = BodyOf(json), bucket = query.StringOr("bucket", "");
    const auto precision = PrecisionOfV2(query.StringOr("precision", ""));
    InfluxWriteOutcome outcome;
    outcome.http_status = 400;
    if (!precision.has_value()) return outcome;
    InfluxWriteRequest request;
    request.body = body;
    request.database = ParseBucket(bucket).database;
    request.policy = ParseBucket(bucket).policy;
    request.precision = *precision;
    request.now_ns = kNow;
    outcome = HandleInfluxWrite(request, store_, &store_);
    if (request.database.empty())
      outcome.http_status = 404;  // 1.8's answer to a bucket without one
    return outcome;
  }

  // The few statements that the write topics need.
  void Statement(const std::string& text) {
    std::istringstream words(text);
    std::string word, name, database;
    if (!text.starts_with("CREATE ")) return;
    words >> word >> word;
    if (word == "DATABASE") {
      words >> name;
      EXPECT_TRUE(store_.CreateDatabase(Unquoted(name), nullptr).ok());
    } else if (word == "RETENTION") {
      words >> word >> name >> word >> database >> word >> word;
      storage::RetentionPolicy policy;
      policy.name = Unquoted(name);
      policy.duration_ns = word == "1h" ? 3'600'000'000'000 : 0;
      EXPECT_TRUE(store_.CreatePolicy(Unquoted(database), policy, false).ok());
    }
  }

  static std::string Unquoted(std::string text) {
    std::erase(text, '"');
    return text;
  }

  ingest::FakeStore store_;
};

TEST(InfluxGolden, WriteSyntaxIsAnsweredAsInfluxDbDoes) {
  EXPECT_GE(Replay().Topic("write_syntax"), 60);
}
TEST(InfluxGolden, WriteTypesAreAnsweredAsInfluxDbDoes) {
  EXPECT_GE(Replay().Topic("write_types"), 60);
}
TEST(InfluxGolden, WriteParametersAreAnsweredAsInfluxDbDoes) {
  EXPECT_GE(Replay().Topic("write_http"), 55);
}
TEST(InfluxGolden, V2WritesAreAnsweredAsInfluxDb18Does) {
  EXPECT_GE(Replay().Topic("v2_write"), 18);
}

void ExpectAccepted(const std::filesystem::path& path, size_t lines_min) {
  SCOPED_TRACE(path.string());
  const std::string body = ReadFile(path);
  ASSERT_FALSE(body.empty());
  ingest::FakeStore store;
  store.now_ns = kNow;
  ASSERT_TRUE(store.CreateDatabase("flink", nullptr).ok());
  InfluxWriteRequest request;
  request.database = "flink";
  request.precision = "n";
  request.consistency = "one";
  request.body = body;
  request.now_ns = kNow;
  const InfluxWriteOutcome outcome = HandleInfluxWrite(request, store, &store);
  EXPECT_EQ(outcome.http_status, 204) << outcome.error;
  EXPECT_GE(store.series.size(), lines_min);
  EXPECT_EQ(outcome.verdicts.rejected(), 0u);
}

TEST(InfluxGolden, FlinksOwnRequestsAreAccepted) {
  const std::filesystem::path golden = "tests/golden/flink";
  for (const char* file : {"influx/001.body", "influx/002.body", "influx-odd/002.body",
                           "influx-odd/003.body", "influx-2.3.0/003.body"}) {
    ExpectAccepted(golden / file, 400);
  }
}

// All recordings, where the folder with them is at hand.
TEST(InfluxGolden, EveryRecordedFlinkRequestIsAccepted) {
  const std::filesystem::path shared = "../shared/fixtures/flink";
  if (!std::filesystem::exists(shared)) {
    if (std::getenv("CI") != nullptr) FAIL() << "no " << shared;
    GTEST_SKIP() << "SKIPPED: no " << shared << ", only tests/golden/flink was tried";
  }
  for (const char* folder : {"influx", "influx-odd", "flink-2.3.0/influx", "processes/influx"}) {
    for (const auto& entry : std::filesystem::directory_iterator(shared / folder)) {
      if (entry.path().extension() == ".body") ExpectAccepted(entry.path(), 10);
    }
  }
}

}  // namespace
}  // namespace tsdb::influx
