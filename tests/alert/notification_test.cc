// Routes, groups, timers, retries and restarts of the built-in Alertmanager, in simulated time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/alert/notify_world.h"

namespace tsdb::alert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

// One receiver at http://a/, told of groups by alertname.
constexpr char kOneReceiver[] = R"(
route: {receiver: a, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: a, webhook_configs: [{url: "http://a/"}]}]
)";

TEST(Notification, GroupWaitGathersWhatComesTogether) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(10 * kSecond);
  world.Fire({{"alertname", "X"}, {"n", "2"}});
  world.Fire({{"alertname", "Y"}, {"n", "3"}});
  world.RunFor(kMinute);
  EXPECT_THAT(world.TakeMessages(),
              ElementsAre("30s http://a/ firing 1,2", "40s http://a/ firing 3"));
}

TEST(Notification, GroupIntervalHoldsBackNewAndResolvedAlerts) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(31 * kSecond);
  world.Fire({{"alertname", "X"}, {"n", "2"}});
  world.RunFor(29 * kSecond);
  world.Resolve({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(10 * kMinute);
  EXPECT_THAT(world.TakeMessages(),
              ElementsAre("30s http://a/ firing 1", "330s http://a/ firing (1),2"));
}

TEST(Notification, RepeatIntervalRepeatsWhatStillFires) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}}, 100 * kHour);
  world.RunFor(9 * kHour);
  const auto messages = world.TakeMessages();
  ASSERT_EQ(messages.size(), 3U) << ::testing::PrintToString(messages);
  EXPECT_EQ(messages[0], "30s http://a/ firing 1");
  // The first flush more than four hours later.
  EXPECT_EQ(messages[1], "14730s http://a/ firing 1");
}

TEST(Notification, ResolvedIsToldOnceAndThenForgotten) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(kMinute);
  world.Resolve({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(6 * kHour);
  EXPECT_THAT(world.TakeMessages(),
              ElementsAre("30s http://a/ firing 1", "330s http://a/ resolved (1)"));
  EXPECT_EQ(world.manager->RunDue(), INT64_MAX);
}

TEST(Notification, AlertThatIsNotRepeatedResolvesByItself) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}}, 4 * kMinute);
  world.RunFor(kHour);
  EXPECT_THAT(world.TakeMessages(),
              ElementsAre("30s http://a/ firing 1", "330s http://a/ resolved (1)"));
}

TEST(Notification, EndedBeforeGroupWaitTellsNobody) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(10 * kSecond);
  world.Resolve({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(kHour);
  EXPECT_THAT(world.TakeMessages(), IsEmpty());
}

TEST(Notification, SendResolvedFalseKeepsQuietAboutTheEnd) {
  NotifyWorld world(R"(
route: {receiver: a, group_by: [alertname], group_wait: 0s, group_interval: 1m}
receivers:
- name: a
  webhook_configs: [{url: "http://a/", send_resolved: false}, {url: "http://b/"}]
)");
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(10 * kSecond);
  world.Resolve({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(kHour);
  EXPECT_THAT(world.TakeMessages(),
              UnorderedElementsAre("0s http://a/ firing 1", "0s http://b/ firing 1",
                                   "60s http://b/ resolved (1)"));
}

TEST(Notification, RoutesAreTriedInOrderAndContinueGoesOn) {
  NotifyWorld world(R"(
route:
  receiver: base
  group_wait: 0s
  routes:
  - {matchers: [team="db"], receiver: db, continue: true}
  - {matchers: [severity=~"page|critical"], receiver: pager}
  - {matchers: [team="db"], receiver: never}
receivers:
- {name: base, webhook_configs: [{url: "http://base/"}]}
- {name: db, webhook_configs: [{url: "http://db/"}]}
- {name: pager, webhook_configs: [{url: "http://pager/"}]}
- {name: never, webhook_configs: [{url: "http://never/"}]}
)");
  world.Fire({{"team", "db"}, {"severity", "page"}, {"n", "1"}});
  world.Fire({{"team", "web"}, {"severity", "critical"}, {"n", "2"}});
  world.Fire({{"team", "web"}, {"n", "3"}});
  world.RunFor(kSecond);
  EXPECT_THAT(world.TakeMessages(),
              UnorderedElementsAre("0s http://db/ firing 1", "0s http://pager/ firing 1,2",
                                   "0s http://base/ firing 3"));
}

TEST(Notification, FailingReceiverIsRetriedAndTheOtherIsNotHeldUp) {
  NotifyWorld world(R"(
route: {receiver: both, group_wait: 0s}
receivers: [{name: both, webhook_configs: [{url: "http://down/"}, {url: "http://up/"}]}]
)");
  world.receivers.status["http://down/"] = 503;
  world.Fire({{"n", "1"}});
  world.RunFor(kMinute);
  size_t up = 0, down = 0;
  for (const std::string& message : world.TakeMessages()) {
    (message.find("http://up/") != std::string::npos ? up : down) += 1;
  }
  EXPECT_EQ(up, 1U);
  EXPECT_GT(down, 4U);   // tried again, and
  EXPECT_LT(down, 15U);  // less and less often
  world.receivers.status["http://down/"] = 200;
  world.RunFor(2 * kMinute);
  EXPECT_EQ(world.TakeMessages().size(), 1U);
  EXPECT_EQ(world.manager->QueueLength(), 0U);
}

TEST(Notification, UnreachableReceiverIsRetriedAndClientErrorsAreNot) {
  NotifyWorld world(kOneReceiver);
  world.receivers.status["http://a/"] = 0;
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(50 * kSecond);
  EXPECT_GT(world.TakeMessages().size(), 1U);
  world.receivers.status["http://a/"] = 400;
  world.RunFor(kMinute);
  EXPECT_EQ(world.TakeMessages().size(), 1U);
  // The next flush of the group tries anew.
  world.receivers.status["http://a/"] = 200;
  world.RunFor(5 * kMinute);
  EXPECT_THAT(world.TakeMessages(), ElementsAre("330s http://a/ firing 1"));
}

TEST(Notification, RestartForgetsNothingAndTellsNothingTwice) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}}, 100 * kHour);
  world.RunFor(kMinute);
  EXPECT_EQ(world.TakeMessages().size(), 1U);
  world.Restart(10 * kSecond);
  world.RunFor(kHour);
  EXPECT_THAT(world.TakeMessages(), IsEmpty());
  world.Resolve({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(10 * kMinute);
  const auto messages = world.TakeMessages();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], HasSubstr("resolved (1)"));
}

TEST(Notification, WhatWasNotDeliveredBeforeACrashIsDeliveredAfterIt) {
  NotifyWorld world(kOneReceiver);
  world.receivers.status["http://a/"] = 0;
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(kMinute);
  world.TakeMessages();
  world.Restart();
  EXPECT_EQ(world.manager->QueueLength(), 1U);
  world.receivers.status["http://a/"] = 200;
  world.RunFor(kSecond);
  EXPECT_THAT(world.TakeMessages(), ElementsAre("60s http://a/ firing 1"));
}

TEST(Notification, ReloadKeepsWhatReceiversKnow) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"n", "1"}}, 100 * kHour);
  world.RunFor(kMinute);
  world.TakeMessages();
  world.Load(std::string(kOneReceiver) + "# changed\n");
  world.RunFor(kHour);
  EXPECT_THAT(world.TakeMessages(), IsEmpty());
}

TEST(Notification, InhibitedAlertsAreQuietWhileTheirSourceFires) {
  NotifyWorld world(std::string(kOneReceiver) + R"(
inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [host]}]
)");
  world.Fire({{"alertname", "W"}, {"severity", "warning"}, {"host", "h"}, {"n", "1"}});
  world.Fire({{"alertname", "W"}, {"severity", "warning"}, {"host", "other"}, {"n", "2"}});
  world.Fire({{"alertname", "C"}, {"severity", "critical"}, {"host", "h"}, {"n", "3"}});
  world.RunFor(kMinute);
  EXPECT_THAT(world.TakeMessages(),
              UnorderedElementsAre("30s http://a/ firing 2", "30s http://a/ firing 3"));
  world.Resolve({{"alertname", "C"}, {"severity", "critical"}, {"host", "h"}, {"n", "3"}});
  world.RunFor(5 * kMinute);
  EXPECT_THAT(world.TakeMessages(),
              UnorderedElementsAre("330s http://a/ firing 1,2", "330s http://a/ resolved (3)"));
}

TEST(Notification, AlertsThatCannotBeStoredAreNotTaken) {
  NotifyWorld world(kOneReceiver);
  world.state.failure = ResourceExhausted("disk full");
  Alert alert;
  alert.labels = {{"alertname", "X"}};
  EXPECT_EQ(world.manager->Receive({alert}).code(), StatusCode::kResourceExhausted);
  world.RunFor(kMinute);
  EXPECT_THAT(world.TakeMessages(), IsEmpty());
}

TEST(Notification, WebhookBodyHasTheFieldsOfAlertmanager) {
  NotifyWorld world(kOneReceiver);
  world.Fire({{"alertname", "X"}, {"job", "a<b"}, {"n", "1"}});
  world.Fire({{"alertname", "X"}, {"job", "a<b"}, {"n", "2"}});
  world.RunFor(kMinute);
  ASSERT_EQ(world.receivers.messages.size(), 1U);
  const JsonValue& body = world.receivers.messages[0].body;
  EXPECT_EQ(body.StringOr("version", ""), "4");
  EXPECT_EQ(body.StringOr("groupKey", ""), "{}:{alertname=\"X\"}");
  EXPECT_EQ(body.StringOr("receiver", ""), "a");
  EXPECT_EQ(body.StringOr("externalURL", ""), "http://tsdbd.test");
  EXPECT_EQ(body.Find("commonLabels").StringOr("job", ""), "a<b");
  EXPECT_EQ(body.Find("commonLabels").StringOr("n", "absent"), "absent");
  EXPECT_EQ(body.Find("groupLabels").StringOr("alertname", ""), "X");
  const JsonValue& alert = body.Find("alerts").array().at(0);
  EXPECT_EQ(alert.StringOr("startsAt", ""), "2023-11-14T22:13:20Z");
  EXPECT_EQ(alert.StringOr("endsAt", ""), "0001-01-01T00:00:00Z");
  EXPECT_EQ(alert.StringOr("fingerprint", "").size(), 16U);
}

TEST(Notification, GroupKeysNameOldRegexesWithTheirAnchors) {
  NotifyWorld world(R"(
route:
  receiver: a
  group_wait: 1s
  routes: [{match: {n: "1"}, match_re: {alertname: "X|Y"}, receiver: a}]
receivers: [{name: a, webhook_configs: [{url: "http://a/"}]}]
)");
  world.Fire({{"alertname", "X"}, {"n", "1"}});
  world.RunFor(kMinute);
  ASSERT_EQ(world.receivers.messages.size(), 1U);
  EXPECT_EQ(world.receivers.messages[0].body.StringOr("groupKey", ""),
            "{}/{alertname=~\"^(?:X|Y)$\",n=\"1\"}:{}");
}

std::string ConfigError(const std::string& text) {
  return NotificationManager::CheckConfig({text, "am.yml", ""}).message();
}

TEST(NotificationConfig, NamesWhatIsWrongAndWhere) {
  EXPECT_THAT(ConfigError("receivers: [{name: a}]\n"), HasSubstr("no route provided"));
  EXPECT_THAT(ConfigError("route: {receiver: b}\nreceivers: [{name: a}]\n"),
              HasSubstr("undefined receiver \"b\""));
  EXPECT_THAT(ConfigError("route: {receiver: a, group_wiat: 1s}\nreceivers: [{name: a}]\n"),
              HasSubstr("group_wiat"));
  EXPECT_THAT(ConfigError("route: {receiver: a}\nreceivers:\n- name: a\n- name: a\n"),
              HasSubstr("not unique"));
  EXPECT_THAT(ConfigError("route:\n  receiver: a\n  matchers: ['x==']\nreceivers: [{name: a}]\n"),
              HasSubstr("am.yml"));
  EXPECT_TRUE(ConfigError(kOneReceiver).empty());
}

TEST(NotificationConfig, RefusesWhatAlertmanagerRefuses) {
  const std::string route = "route: {receiver: a}\n", receiver = "receivers:\n- name: a\n";
  const auto webhook = [&](const std::string& settings) {
    return ConfigError(route + receiver + "  webhook_configs: [{" + settings + "}]\n");
  };
  const auto http = [&](const std::string& settings) {
    return webhook("url: \"http://a/\", http_config: {" + settings + "}");
  };
  EXPECT_THAT(webhook("url: \"{{\""),
              HasSubstr("invalid template syntax: template: :1: unclosed action"));
  EXPECT_THAT(webhook("url: \"http://\""), HasSubstr("invalid URL: missing host for URL"));
  EXPECT_THAT(webhook("url: foo"), HasSubstr("invalid URL: unsupported scheme \"\" for URL"));
  EXPECT_THAT(webhook("url: \"ftp://x\""),
              HasSubstr("invalid URL: unsupported scheme \"ftp\" for URL"));
  EXPECT_THAT(http("authorization: {credentials: x}, bearer_token: y"),
              HasSubstr("authorization is not compatible with bearer_token & bearer_token_file"));
  EXPECT_THAT(
      http("basic_auth: {username: a}, bearer_token: b"),
      HasSubstr("at most one of basic_auth, oauth2, bearer_token & bearer_token_file must"));
  EXPECT_THAT(http("tls_config: {cert_file: x}"),
              HasSubstr("exactly one of key or key_file must be configured"));
  EXPECT_THAT(http("http_headers: {Authorization: {values: [a]}}"),
              HasSubstr("setting header \"Authorization\" is not allowed"));
  const std::string rest = receiver;
  EXPECT_THAT(ConfigError("route: {receiver: a, group_by: a}\n" + rest),
              HasSubstr("must be a list of strings"));
  EXPECT_THAT(ConfigError("route: {receiver: a, routes: [{labels: {\"\": b}}]}\n" + rest),
              HasSubstr("\"\" is not a valid label name"));
  EXPECT_THAT(ConfigError("route: {receiver: a, routes: [{match_re: {a: ~}}]}\n" + rest),
              HasSubstr("invalid regexp value for \"a\""));
  EXPECT_THAT(ConfigError(route + rest +
                          "inhibit_rules: [{source_matchers: [a=b], target_matchers: [a=b], "
                          "equal: [\"\"]}]\n"),
              HasSubstr("invalid label name \"\" in equal list"));
}

TEST(NotificationConfig, RefusesMalformedPatternsOfTemplates) {
  EXPECT_THAT(ConfigError("route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['[x']\n"),
              HasSubstr("line 3: syntax error in pattern \"[x\""));
}

TEST(NotificationConfig, TakesWhatAlertmanagerTakes) {
  const std::string route = "route: {receiver: a}\n";
  const auto webhook = [&](const std::string& settings) {
    return ConfigError(route + "receivers:\n- name: a\n  webhook_configs: [{url: \"http://a/\", " +
                       settings + "}]\n");
  };
  for (const char* timeout : {"1.5s", "5", "1h2m", "-1s", "0s"})
    EXPECT_EQ(webhook("timeout: " + std::string(timeout)), "") << timeout;
  EXPECT_EQ(webhook("max_alerts: 1.5"), "");
  EXPECT_EQ(ConfigError(route + "receivers: [{name: a}]\n---\nfoo: 1\n"), "");
  EXPECT_EQ(ConfigError("time_intervals: [{name: x, time_intervals: [{months: [13]}]}]\n" + route +
                        "receivers: [{name: a}]\n"),
            "");
}

TEST(NotificationConfig, RefusesWhatIsNotBuiltIn) {
  const std::string route = "route: {receiver: a}\nreceivers:\n- name: a\n";
  EXPECT_EQ(ConfigError("global: {smtp_smarthost: x}\n" + route), "");
  EXPECT_THAT(ConfigError(route + "- ~\n"), HasSubstr("line 3: receiver must be a map"));
  EXPECT_THAT(ConfigError(route + "  pushover_configs: [{user_key: u, token: t}]\n"),
              HasSubstr("line 4: "));
  EXPECT_THAT(ConfigError(route + "  webhook_configs: [{url: \"http://a/\", http_config: {oauth2: "
                                  "{client_id: x}}}]\n"),
              HasSubstr("oauth2 is not supported"));
}

}  // namespace
}  // namespace tsdb::alert
