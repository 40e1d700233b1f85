// Alertmanager's API v2: what is taken and refused, in Alertmanager 0.34's codes and words, which
// were recorded from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alert/notify_world.h"

namespace tsdb::alert {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] = R"(
route: {receiver: a, group_by: [alertname], group_wait: 1s}
receivers: [{name: a, webhook_configs: [{url: "http://a/"}]}]
)";

class AlertmanagerApi : public ::testing::Test {
 protected:
  static net::HttpRequest Request(const std::string& query, const std::string& body) {
    net::HttpRequest request;
    request.query = net::Parameters::Parse(query);
    request.headers.Set("Content-Type", "application/json");
    request.body = body;
    return request;
  }
  static std::string Answer(const net::HttpResponse& response) {
    std::string body = response.body;
    while (body.ends_with("\n")) body.pop_back();
    return std::to_string(response.status) + (body.empty() ? "" : " ") + body;
  }
  std::string Post(const std::string& body) {
    return Answer(world_.manager->PostAlerts(Request("", body)));
  }
  std::string PostSilence(const std::string& body) {
    return Answer(world_.manager->PostSilence(Request("", body)));
  }
  std::string Silence(const std::string& matchers,
                      const std::string& ends = "2099-01-01T00:00:00Z") {
    return PostSilence(
        R"({"comment":"c","createdBy":"m","startsAt":"2024-01-01T00:00:00Z","endsAt":")" + ends +
        R"(","matchers":[)" + matchers + "]}");
  }
  std::string Get(const std::string& query) {
    return Answer(world_.manager->GetAlerts(Request(query, "")));
  }
  size_t Listed(const std::string& query) {
    return JsonValue::Parse(Get(query).substr(4))->array().size();
  }

  NotifyWorld world_{kConfig};
};

TEST_F(AlertmanagerApi, RefusesAlertsOfTheWrongType) {
  const auto cannot = [](const std::string& what) {
    return R"(400 {"code":400,"message":"parsing alerts body from \"\" failed, because json: cannot unmarshal )" +
           what + "\"}";
  };
  EXPECT_EQ(Post("{}"), cannot("object into Go value of type models.PostableAlerts"));
  EXPECT_EQ(Post(R"([{"labels":{"a":1}}])"),
            cannot("number into Go struct field Alert.labels of type string"));
  EXPECT_EQ(Post(R"([{"labels":[]}])"),
            cannot("array into Go struct field Alert.labels of type models.LabelSet"));
  EXPECT_EQ(Post(R"([{"labels":{"a":"b"},"annotations":{"x":true}}])"),
            cannot("bool into Go struct field .annotations of type string"));
  EXPECT_EQ(Post(R"([{"labels":{"a":"b"},"startsAt":1}])"),
            cannot("number into Go struct field .startsAt of type string"));
  EXPECT_EQ(Post(R"([{"labels":{"a":"b"},"generatorURL":1}])"),
            cannot("number into Go struct field Alert.generatorURL of type string"));
  EXPECT_THAT(Post(R"([{"labels":{"a":"b"},"startsAt":"x"}])"), HasSubstr("\\\"x\\\" is no time"));
  EXPECT_THAT(Post("[] []"), HasSubstr("400"));
  EXPECT_THAT(Post(R"([{"labels":{"a":"\ud800"}}])"), HasSubstr("400"));
  EXPECT_EQ(Post("null"), "200");
  EXPECT_EQ(Post("[]"), "200");
}

TEST_F(AlertmanagerApi, KeepsTheAlertsOfAPostThatAreRight) {
  EXPECT_EQ(Post(R"([{"labels":{"":"x"}},{"labels":{"a":"1"}},{"labels":{}},
                     {"labels":{"a":"2"},"annotations":{"":"x"}},{"labels":{"a":null}}])"),
            R"(400 "invalid label set: invalid name \"\"\ninvalid annotations: invalid name \"\"\n)"
            R"(at least one label pair required\nat least one label pair required")");
  EXPECT_EQ(Listed(""), 1U);
  EXPECT_EQ(
      Post(R"([{"labels":{"a":"b"},"generatorURL":"notaurl"}])"),
      R"(422 {"code":601,"message":"0.generatorURL in body must be of type uri: \"notaurl\""})");
}

TEST_F(AlertmanagerApi, TakesTimesAsClientsWriteThem) {
  for (const std::string time :
       {"2023-11-14", "2023-11-14T22:10:00", "2023-11-14 22:10:00", "2023-11-14T22:10Z",
        "2023-11-14T22:10:00.123456", "2023-11-15T00:10:00+0200", "2023-11-15T00:10:00+02:00"}) {
    EXPECT_EQ(Post(R"([{"labels":{"time":")" + time + R"("},"startsAt":")" + time + "\"}]"), "200")
        << time;
  }
  for (const std::string time :
       {"2023", "2023-11-14X22:10:00Z", "2023-11-14T", "2023-13-14", "x"}) {
    EXPECT_THAT(Post(R"([{"labels":{"a":"b"},"startsAt":")" + time + "\"}]"),
                HasSubstr("400 {\"code\":400,"))
        << time;
  }
  EXPECT_THAT(Get("filter=time=\"2023-11-15T00:10:00%2B0200\""),
              HasSubstr("\"startsAt\":\"2023-11-14T22:10:00.000Z\""));
}

TEST_F(AlertmanagerApi, KeepsEmptyAnnotations) {
  EXPECT_EQ(Post(R"([{"labels":{"alertname":"X","n":"1","e":""},"annotations":{"e":"","s":"x"}}])"),
            "200");
  EXPECT_THAT(Get(""), HasSubstr(R"("annotations":{"e":"","s":"x"})"));
  EXPECT_THAT(Get(""), HasSubstr(R"("labels":{"alertname":"X","n":"1"})"));
  world_.Restart();
  world_.RunFor(2000);
  ASSERT_EQ(world_.receivers.messages.size(), 1U);
  const JsonValue& body = world_.receivers.messages[0].body;
  EXPECT_EQ(body.Find("commonAnnotations").StringOr("e", "absent"), "");
  EXPECT_EQ(body.Find("alerts").array()[0].Find("annotations").StringOr("e", "absent"), "");
}

TEST_F(AlertmanagerApi, RefusesFiltersInItsWords) {
  const std::pair<const char*, const char*> kCases[] = {
      {"filter=g1", "bad matcher format: g1"},
      {"filter={g1=\"b\"}", "unexpected open or close brace: {g1=\\\"b\\\"}"},
      {"filter=g1=\"b\",g2=\"c\"",
       "matcher value contains unescaped double quote: \\\"b\\\",g2=\\\"c\\\""},
      {"filter=g1==\"b\"", "matcher value contains unescaped double quote: =\\\"b\\\""},
      {"filter=g1=~\"(\"", "error parsing regexp: missing closing ): `^(?:()$`"},
      {"filter=g1=~\"[\"", "error parsing regexp: missing closing ]: `[)$`"},
      {"receiver=(",
       "failed to parse receiver param: error parsing regexp: missing closing ): `^(?:()$`"},
      {"receiver_matchers=x", "failed to parse receiver_matchers param: bad matcher format: x"}};
  for (const auto& [query, message] : kCases) {
    EXPECT_EQ(Get(query), "400 \"" + std::string(message) + "\"") << query;
  }
}

TEST_F(AlertmanagerApi, FindsSilencesByTheirIdOnly) {
  const auto get = [&](const std::string& id) { return Answer(world_.manager->GetSilence(id)); };
  EXPECT_EQ(get("x"),
            R"(422 {"code":601,"message":"silenceID in path must be of type uuid: \"x\""})");
  for (const char* id : {"00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
                         "{00000000-0000-0000-0000-000000000000}"}) {
    EXPECT_EQ(get(id), "404") << id;
  }
}

TEST_F(AlertmanagerApi, StatusShowsTheFileWithoutDefaults) {
  const JsonValue status = *JsonValue::Parse(world_.manager->GetStatus().body);
  EXPECT_EQ(status.Find("config").StringOr("original", ""),
            "route:\n  receiver: a\n  group_by:\n  - alertname\n  group_wait: 1s\n"
            "receivers:\n- name: a\n  webhook_configs:\n  - url: <secret>\n");
}

TEST_F(AlertmanagerApi, AlertsOfGroupsNameTheReceiversAskedFor) {
  world_.Load(R"(
route:
  receiver: a
  routes:
  - {receiver: b, matchers: [n="1"], continue: true}
  - {receiver: a, matchers: [n="1"]}
receivers: [{name: a}, {name: b}]
)");
  EXPECT_EQ(Post(R"([{"labels":{"n":"1"}}])"), "200");
  const auto receivers = [&](const std::string& query) {
    const JsonValue groups =
        *JsonValue::Parse(world_.manager->GetAlertGroups(Request(query, "")).body);
    std::string out;
    for (const JsonValue& item :
         groups.array()[0].Find("alerts").array()[0].Find("receivers").array())
      out += std::string(item.StringOr("name", ""));
    return out;
  };
  EXPECT_EQ(receivers(""), "ab");
  EXPECT_EQ(receivers("receiver=b"), "b");
  EXPECT_THAT(Get(""), HasSubstr(R"("receivers":[{"name":"b"},{"name":"a"}])"));
}

TEST_F(AlertmanagerApi, OfARepeatedFlagTheLastOneCounts) {
  EXPECT_EQ(Post(R"([{"labels":{"a":"b"}}])"), "200");
  EXPECT_EQ(Listed("active="), 1U);
  EXPECT_EQ(Listed("active=false&active=true"), 1U);
  EXPECT_EQ(Listed("active=true&active=no"), 0U);
}

TEST_F(AlertmanagerApi, TakesSilencesThatOnlyExclude) {
  EXPECT_THAT(Silence(R"({"name":"a","value":"b","isRegex":false,"isEqual":false})"),
              HasSubstr("200 "));
  EXPECT_THAT(Silence(R"({"name":"a","value":"b","isRegex":true,"isEqual":false})", "2099-01-01"),
              HasSubstr("200 "));
  EXPECT_EQ(Silence(R"({"name":"a","value":".*","isRegex":true})"),
            "400 \"invalid silence: matcher set 0: at least one matcher must not match the empty "
            "string\"");
  EXPECT_EQ(Silence(R"({"name":"","value":"b","isRegex":false})"),
            R"(400 "invalid silence: invalid label matcher 0 in set 0: invalid label name \"\"")");
  EXPECT_EQ(
      Silence(R"({"name":"a","value":"(","isRegex":true})"),
      R"(400 "invalid silence: invalid label matcher 0 in set 0: invalid regular expression \"(\": )"
      R"(error parsing regexp: missing closing ): `(`")");
}

TEST_F(AlertmanagerApi, RefusesSilencesOfTheWrongType) {
  const auto cannot = [](const std::string& what) {
    return R"(400 {"code":400,"message":"parsing silence body from \"\" failed, because json: cannot unmarshal )" +
           what + "\"}";
  };
  EXPECT_EQ(PostSilence(R"({"matchers":1})"),
            cannot("number into Go struct field Silence.matchers of type models.Matchers"));
  EXPECT_EQ(PostSilence(R"({"comment":1})"),
            cannot("number into Go struct field Silence.comment of type string"));
  EXPECT_EQ(PostSilence(R"({"id":1})"), cannot("number into Go struct field .id of type string"));
  EXPECT_EQ(Silence(R"({"name":"a","value":"b","isRegex":"x"})"),
            cannot("string into Go struct field Matcher.matchers.isRegex of type bool"));
  EXPECT_EQ(Silence(R"({"name":"a","value":1,"isRegex":false})"),
            cannot("number into Go struct field Matcher.matchers.value of type string"));
  EXPECT_EQ(PostSilence("null"), R"(422 {"code":602,"message":"comment in body is required"})");
}

}  // namespace
}  // namespace tsdb::alert
