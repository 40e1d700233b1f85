#include "alert/send/alert_sender.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/alert/notify_world.h"

namespace tsdb::alert {
namespace {

constexpr char kFirst[] = "http://first:9093/api/v2/alerts";
constexpr char kSecond[] = "http://second:9093/api/v2/alerts";

AlertingConfig Read(std::string_view yaml) {
  const Result<YamlNode> root = YamlNode::Parse(yaml);
  EXPECT_TRUE(root.ok()) << root.status().ToString();
  Result<AlertingConfig> config = ReadAlertingConfig(*root, "/etc/tsdbd");
  EXPECT_TRUE(config.ok()) << config.status().ToString();
  return config.ok() ? *std::move(config) : AlertingConfig();
}

std::string Refusal(std::string_view yaml) {
  const Result<YamlNode> root = YamlNode::Parse(yaml);
  EXPECT_TRUE(root.ok()) << root.status().ToString();
  return std::string(ReadAlertingConfig(*root, "").status().message());
}

Alert Firing(const std::string& name) {
  Alert alert;
  alert.labels = {{"alertname", name}};
  alert.starts_at_ns = NotifyWorld::kStartMs * 1'000'000;
  alert.ends_at_ns = (NotifyWorld::kStartMs + 240'000) * 1'000'000;
  return alert;
}
Alert Resolved(const std::string& name) {
  Alert alert = Firing(name);
  alert.ends_at_ns = (NotifyWorld::kStartMs + 1) * 1'000'000;
  return alert;
}

// A sender in simulated time.
class AlertSenderTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kOne =
      "alertmanagers: [{static_configs: [{targets: ['first:9093']}]}]";

  void Create(std::string_view yaml, const Labels& external_labels = {}, size_t capacity = 100) {
    AlertSender::Options options;
    options.http = &receivers_;
    options.clock = &clock_;
    options.metrics = &metrics_;
    options.queue_capacity = capacity;
    options.batch_size = 3;
    options.local = [this](const std::vector<Alert>& alerts) {
      for (const Alert& alert : alerts) local_.push_back(alert.labels.ToString());
      return local_status_;
    };
    sender_ = std::make_unique<AlertSender>(std::move(options));
    sender_->Load(Read(yaml), external_labels);
  }

  void RunFor(int64_t duration_ms) {
    const int64_t end_ms = clock_.NowMs() + duration_ms;
    for (;;) {
      const int64_t next_ns = sender_->RunDue();
      if (next_ns == INT64_MAX || next_ns / 1'000'000 > end_ms) break;
      clock_.Set(next_ns / 1'000'000);
    }
    clock_.Set(end_ms);
    sender_->RunDue();
  }

  // "12s A,(B)" for each request to `url` since the last call: names of alerts, those resolved in
  // parentheses.
  std::vector<std::string> Take(const std::string& url) {
    std::vector<std::string> out;
    size_t& taken = taken_[url];
    for (size_t i = 0; i < receivers_.messages.size(); ++i) {
      const auto& message = receivers_.messages[i];
      if (message.url != url || i < taken) continue;
      const int64_t time_ms = message.time_ms - NotifyWorld::kStartMs;
      std::string line = std::to_string(time_ms / 1000) + "s ";
      for (const JsonValue& alert : message.body.array()) {
        const std::string name(alert.Find("labels").StringOr("alertname", "?"));
        const bool resolved = alert.StringOr("endsAt", "") == "2023-11-14T22:13:20.001Z";
        line += (line.back() == ' ' ? "" : ",") + (resolved ? "(" + name + ")" : name);
      }
      out.push_back(std::move(line));
    }
    taken = receivers_.messages.size();
    return out;
  }
  bool Shows(const std::string& line) const {
    return metrics_.Expose().find(line + "\n") != std::string::npos;
  }

  using Lines = std::vector<std::string>;
  ManualClock clock_{NotifyWorld::kStartMs};
  MetricsRegistry metrics_;
  FakeReceivers receivers_{&clock_};
  Lines local_;  // labels of what the built-in Alertmanager was told
  Status local_status_;
  std::map<std::string, size_t> taken_;
  std::unique_ptr<AlertSender> sender_;
};

TEST_F(AlertSenderTest, TellsEveryAlertmanagerAndTheBuiltInOne) {
  Create("alertmanagers: [{static_configs: [{targets: ['first:9093', 'second:9093']}]}]");
  ASSERT_TRUE(sender_->Send({Firing("A"), Firing("B")}).ok());
  RunFor(0);
  EXPECT_EQ(Take(kFirst), Lines{"0s A,B"});
  EXPECT_EQ(Take(kSecond), Lines{"0s A,B"});
  EXPECT_EQ(local_, (Lines{"{alertname=\"A\"}", "{alertname=\"B\"}"}));
  EXPECT_TRUE(Shows("prometheus_notifications_alertmanagers_discovered 2"));
  EXPECT_TRUE(
      Shows(std::string("prometheus_notifications_sent_total{alertmanager=\"") + kFirst + "\"} 2"));
}

TEST_F(AlertSenderTest, WritesAnAlertAsPrometheusDoes) {
  Create(kOne);
  Alert alert = Firing("<A>");
  alert.annotations = {{"summary", "a \"b\" & c"}};
  alert.generator_url = "http://tsdbd/graph?g0.expr=up&g0.tab=1";
  ASSERT_TRUE(sender_->Send({alert}).ok());
  std::string body;
  receivers_.on_request = [&](const net::ClientRequest& request) {
    body = request.body;
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.headers.Get("Content-Type"), "application/json");
    EXPECT_EQ(request.timeout_ms, 10'000);
  };
  RunFor(0);
  EXPECT_EQ(body,
            R"([{"annotations":{"summary":"a \"b\" \u0026 c"},"endsAt":"2023-11-14T22:17:20.000Z",)"
            R"("startsAt":"2023-11-14T22:13:20.000Z",)"
            R"("generatorURL":"http://tsdbd/graph?g0.expr=up\u0026g0.tab=1",)"
            R"("labels":{"alertname":"\u003cA\u003e"}}])");
}

TEST_F(AlertSenderTest, TriesAgainWithTheLatestStateUntilItArrives) {
  Create(kOne);
  receivers_.status[kFirst] = 503;
  ASSERT_TRUE(sender_->Send({Firing("A"), Firing("B")}).ok());
  RunFor(0);
  ASSERT_TRUE(sender_->Send({Resolved("A"), Firing("C")}).ok());
  RunFor(2'000);
  receivers_.status[kFirst] = 0;  // cannot connect
  RunFor(4'000);
  receivers_.status[kFirst] = 200;
  RunFor(60'000);
  EXPECT_EQ(Take(kFirst), (Lines{"0s A,B", "1s (A),B,C", "3s (A),B,C", "7s (A),B,C"}));
  EXPECT_TRUE(Shows(std::string("prometheus_notifications_dropped_total{alertmanager=\"") + kFirst +
                    "\"} 0"));
  EXPECT_TRUE(Shows(std::string("prometheus_notifications_errors_total{alertmanager=\"") + kFirst +
                    "\"} 8"));
}

TEST_F(AlertSenderTest, WhatChangesWhileARequestFailsIsSentInsteadOfWhatFailed) {
  Create(kOne);
  receivers_.status[kFirst] = 503;
  ASSERT_TRUE(sender_->Send({Firing("A"), Firing("B")}).ok());
  receivers_.on_request = [&](const net::ClientRequest&) {
    receivers_.on_request = nullptr;
    EXPECT_TRUE(sender_->Send({Resolved("A")}).ok());
  };
  RunFor(0);
  receivers_.status[kFirst] = 200;
  RunFor(10'000);
  EXPECT_EQ(Take(kFirst), (Lines{"0s A,B", "1s B,(A)"}));
}

TEST_F(AlertSenderTest, PausesDoubleUpToHalfAMinuteAndBeginAnewAfterSuccess) {
  Create(kOne);
  receivers_.status[kFirst] = 500;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(100'000);
  EXPECT_EQ(Take(kFirst),
            (Lines{"0s A", "1s A", "3s A", "7s A", "15s A", "31s A", "61s A", "91s A"}));
  receivers_.status[kFirst] = 200;
  RunFor(30'000);
  receivers_.status[kFirst] = 500;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(1'000);
  EXPECT_EQ(Take(kFirst), (Lines{"121s A", "130s A", "131s A"}));
}

TEST_F(AlertSenderTest, AFailingAlertmanagerDoesNotHoldUpTheOther) {
  Create("alertmanagers: [{static_configs: [{targets: ['first:9093', 'second:9093']}]}]");
  receivers_.status[kFirst] = 0;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(0);
  ASSERT_TRUE(sender_->Send({Firing("B")}).ok());
  RunFor(0);
  EXPECT_EQ(Take(kFirst), Lines{"0s A"});
  EXPECT_EQ(Take(kSecond), (Lines{"0s A", "0s B"}));
}

TEST_F(AlertSenderTest, WhatAnAlertmanagerRefusesIsNotTriedAgain) {
  Create(kOne);
  receivers_.status[kFirst] = 400;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(60'000);
  EXPECT_EQ(Take(kFirst), Lines{"0s A"});
  EXPECT_TRUE(Shows(std::string("prometheus_notifications_dropped_total{alertmanager=\"") + kFirst +
                    "\"} 1"));
}

TEST_F(AlertSenderTest, BatchesAreBoundedAndSoIsWhatWaits) {
  Create(kOne, {}, /*capacity=*/4);
  receivers_.status[kFirst] = 503;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(0);
  for (const char* name : {"B", "C", "D", "E"}) ASSERT_TRUE(sender_->Send({Firing(name)}).ok());
  receivers_.status[kFirst] = 200;
  RunFor(1'000);
  EXPECT_EQ(Take(kFirst), (Lines{"0s A", "1s B,C,D", "1s E"}));
  EXPECT_TRUE(Shows(std::string("prometheus_notifications_dropped_total{alertmanager=\"") + kFirst +
                    "\"} 1"));
}

TEST_F(AlertSenderTest, ExternalLabelsAreAddedAndRulesRewriteLabelsForAllOrForOne) {
  Create(R"(
alert_relabel_configs:
- {source_labels: [alertname], regex: Internal.*, action: drop}
- {regex: replica, action: labeldrop}
alertmanagers:
- static_configs: [{targets: ['first:9093']}]
- static_configs: [{targets: ['second:9093']}]
  alert_relabel_configs: [{source_labels: [cluster], regex: eu, action: drop}]
)",
         {{"cluster", "eu"}, {"replica", "1"}});
  Alert own = Firing("B");
  own.labels.Set("cluster", "us");  // a label of the alert itself counts
  ASSERT_TRUE(sender_->Send({Firing("InternalA"), Firing("A"), own}).ok());
  RunFor(0);
  EXPECT_EQ(local_,
            (Lines{"{alertname=\"A\",cluster=\"eu\"}", "{alertname=\"B\",cluster=\"us\"}"}));
  EXPECT_EQ(Take(kFirst), Lines{"0s A,B"});
  EXPECT_EQ(Take(kSecond), Lines{"0s B"});
}

TEST_F(AlertSenderTest, AFailureOfTheBuiltInOneIsReportedAndTheOthersAreToldAllTheSame) {
  Create(kOne);
  local_status_ = Unavailable("disk full");
  EXPECT_EQ(sender_->Send({Firing("A")}).message(), "disk full");
  RunFor(0);
  EXPECT_EQ(Take(kFirst), Lines{"0s A"});
}

TEST_F(AlertSenderTest, AReloadKeepsWhatWaitsForAnAlertmanagerThatStaysAsItWas) {
  constexpr std::string_view kBoth =
      "alertmanagers:\n- {static_configs: [{targets: ['first:9093']}]}\n"
      "- {static_configs: [{targets: ['second:9093']}]}\n";
  Create(kBoth);
  receivers_.status[kFirst] = receivers_.status[kSecond] = 503;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  RunFor(0);
  sender_->Load(Read("alertmanagers:\n- {static_configs: [{targets: ['first:9093']}]}\n"
                     "- {timeout: 5s, static_configs: [{targets: ['second:9093']}]}\n"),
                {});
  receivers_.status.clear();
  RunFor(60'000);
  EXPECT_EQ(Take(kFirst), (Lines{"0s A", "1s A"}));
  EXPECT_EQ(Take(kSecond), Lines{"0s A"});
  EXPECT_TRUE(Shows(std::string("prometheus_notifications_dropped_total{alertmanager=\"") +
                    kSecond + "\"} 1"));
}

TEST_F(AlertSenderTest, StoppingTriesOnceMoreWhatWaits) {
  Create("alertmanagers: [{static_configs: [{targets: ['first:9093', 'second:9093']}]}]");
  receivers_.status[kFirst] = 503;
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  sender_->Stop();
  EXPECT_EQ(Take(kFirst), Lines{"0s A"});
  EXPECT_EQ(Take(kSecond), Lines{"0s A"});
}

TEST_F(AlertSenderTest, AThreadSendsWhatComes) {
  Create(kOne);
  sender_->Start();
  ASSERT_TRUE(sender_->Send({Firing("A")}).ok());
  sender_->Stop();
  EXPECT_EQ(Take(kFirst), Lines{"0s A"});
}

TEST(AlertingConfigTest, UrlsComeFromSchemePrefixAndRelabelling) {
  const AlertingConfig config = Read(R"(
alertmanagers:
- scheme: https
  path_prefix: /am/../monitoring//
  static_configs:
  - {targets: [a, b:1], labels: {zone: x}}
  - {targets: [c], labels: {zone: y}}
  relabel_configs:
  - {source_labels: [zone], regex: y, action: drop}
  - {source_labels: [__address__], regex: a, target_label: __address__, replacement: 'z:2'}
  - {source_labels: [__address__], regex: 'b:1', target_label: __alerts_path__, replacement: /other}
  dns_sd_configs: [{names: [x]}]
)");
  ASSERT_EQ(config.alertmanagers.size(), 1U);
  EXPECT_EQ(
      config.alertmanagers[0].urls,
      (std::vector<std::string>{"https://z:2/monitoring/api/v2/alerts", "https://b:1/other"}));
  EXPECT_EQ(config.alertmanagers[0].dropped_urls,
            std::vector<std::string>{"https://c/monitoring/api/v2/alerts"});
  EXPECT_EQ(config.unused, std::vector<std::string>{"alerting.alertmanagers.dns_sd_configs"});
}

TEST(AlertingConfigTest, RefusesWhatItCannotDo) {
  EXPECT_EQ(Refusal("alertmanagers:\n- api_version: v1"),
            "line 2: expected Alertmanager api version to be one of [v2] but got v1");
  EXPECT_EQ(Refusal("alertmanagers:\n- static_configs:\n  - targets: ['http://a:9093']"),
            "line 3: \"http://a:9093\" is not a valid hostname");
  EXPECT_EQ(Refusal("alertmanagers:\n- oauth2: {client_id: x}"), "line 2: oauth2 is not supported");
  EXPECT_EQ(Refusal("alertmanagers:\n- sigv4: {region: x}"), "line 2: sigv4 is not supported");
  EXPECT_EQ(Refusal("alert_relabel_configs:\n- {action: hashmod, target_label: x}"),
            "line 2: relabel configuration for hashmod requires non-zero modulus");
}

}  // namespace
}  // namespace tsdb::alert
