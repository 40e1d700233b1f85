// From a sample to a delivered notification: rule files, routing, webhook, restart.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"
#include "tests/support/webhook_sink.h"

namespace tsdb::testing {
namespace {

class Alerting : public ::testing::Test {
 protected:
  // The job-ended rule of Flink users with windows short enough for a test, and reports every 2 s.
  void SetUp() override {
    WriteFile(directory_ / "rules.yml", R"(groups:
- name: jobs
  interval: 1s
  rules:
  - alert: JobEnded
    expr: increase(flink_jobmanager_job_uptime[6s] offset 6s) - increase(flink_jobmanager_job_uptime[6s]) > 0
    labels: {severity: page}
    annotations:
      summary: "job {{ $labels.job_name }} ended, {{ $value | humanize }}"
  - record: job:uptime:max
    expr: max by (job_name) (flink_jobmanager_job_uptime)
)");
    WriteFile(directory_ / "prometheus.yml",
              "global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n");
    WriteFile(directory_ / "alertmanager.yml", R"(route:
  receiver: both
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: both
  webhook_configs:
  - {url: ")" + first_.url() + R"("}
  - {url: ")" + second_.url() + R"("}
)");
    const Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }

  // What a reporter sends every 2 s while a job runs.
  void ReportUptime() {
    const int64_t now_ms = Clock::Real().NowMs() / kReportMs * kReportMs;
    const auto answer = server_.Post(
        "/api/v1/write",
        RemoteWriteBody({{{{"__name__", "flink_jobmanager_job_uptime"}, {"job_name", "orders"}},
                          {{now_ms, static_cast<double>(now_ms - start_ms_)}}}}));
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 204) << answer->body;
  }
  void RunJob(int reports) {
    for (int report = 0; report < reports; ++report) {
      ReportUptime();
      SleepMs(kReportMs - Clock::Real().NowMs() % kReportMs);
    }
  }

  static size_t CountStatus(const WebhookSink& sink, const std::string& status) {
    size_t count = 0;
    for (const std::string& body : sink.bodies()) {
      const Result<JsonValue> message = JsonValue::Parse(body);
      if (message.ok() && message->StringOr("status", "") == status) ++count;
    }
    return count;
  }

  static constexpr int64_t kReportMs = 2000;
  const int64_t start_ms_ = Clock::Real().NowMs() - 60'000;
  TempDir directory_;
  WebhookSink first_, second_;
  TsdbdProcess server_{directory_ / "data",
                       {"--config.file=" + (directory_ / "prometheus.yml"),
                        "--alertmanager.config.file=" + (directory_ / "alertmanager.yml")}};
};

TEST_F(Alerting, JobEndedRuleIsSilentThenFiresThenResolvesAtEveryReceiver) {
  RunJob(10);
  EXPECT_TRUE(first_.bodies().empty()) << first_.bodies()[0];
  EXPECT_TRUE(server_.QueryOne("job:uptime:max{job_name=\"orders\"}").has_value());

  EXPECT_TRUE(Eventually(20'000, [&] { return CountStatus(first_, "firing") > 0; }));
  EXPECT_TRUE(Eventually(5'000, [&] { return CountStatus(second_, "firing") > 0; }));
  const JsonValue message = *JsonValue::Parse(first_.bodies()[0]);
  EXPECT_EQ(message.StringOr("version", ""), "4");
  EXPECT_EQ(message.StringOr("receiver", ""), "both");
  const JsonValue& alert = message.Find("alerts").array().at(0);
  EXPECT_EQ(alert.Find("labels").StringOr("job_name", ""), "orders");
  EXPECT_EQ(alert.Find("annotations").StringOr("summary", "").substr(0, 18), "job orders ended, ");
  EXPECT_EQ(message.Find("commonLabels").StringOr("severity", ""), "page");

  EXPECT_TRUE(Eventually(30'000, [&] { return CountStatus(first_, "resolved") > 0; }));
  EXPECT_TRUE(Eventually(5'000, [&] { return CountStatus(second_, "resolved") > 0; }));
}

TEST_F(Alerting, FailingReceiverIsRetriedWithoutHoldingUpTheOther) {
  first_.SetStatus(503);
  RunJob(7);
  EXPECT_TRUE(Eventually(20'000, [&] { return CountStatus(second_, "firing") > 0; }));
  EXPECT_TRUE(
      Eventually(10'000, [&] { return CountStatus(first_, "firing") > 1; }));  // tried again
  EXPECT_EQ(CountStatus(second_, "firing"), 1U);                               // but only there
}

TEST_F(Alerting, RulesAndAlertsAreListed) {
  ReportUptime();
  ASSERT_TRUE(Eventually(10'000, [&] {
    const Result<JsonValue> rules = server_.Api("/api/v1/rules");
    return rules.ok() && !rules->Find("groups").array().empty() &&
           rules->Find("groups").array()[0].Find("rules").array().at(0).StringOr("health", "") ==
               "ok";
  }));
  const JsonValue rules = *server_.Api("/api/v1/rules", {{"type", "alert"}});
  EXPECT_EQ(rules.Find("groups").array().at(0).Find("rules").array().size(), 1U);
  const JsonValue alerts = *server_.Api("/api/v1/alerts");
  EXPECT_TRUE(alerts.Find("alerts").is_array());
}

// Two of us: one evaluates rules, the other is the Alertmanager that its prometheus.yml names.
class AlertmanagerElsewhere : public ::testing::Test {
 protected:
  AlertmanagerElsewhere() {
    WriteFile(directory_ / "alertmanager.yml", R"(route:
  receiver: none
  routes:
  - {receiver: hook, matchers: ['cluster="eu"'], group_wait: 0s, group_interval: 1s}
receivers:
- name: none
- name: hook
  webhook_configs: [{url: ")" + sink_.url() + R"("}]
)");
    WriteFile(directory_ / "rules.yml",
              "groups: [{name: g, rules: [{alert: Lagging, expr: lag > 0}]}]\n");
    WriteFile(directory_ / "prometheus.yml",
              "global: {evaluation_interval: 1s, external_labels: {cluster: eu}}\n"
              "rule_files: [rules.yml]\n"
              "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:" +
                  std::to_string(alertmanager_.port()) + "']}]}]}\n");
  }

  void WriteLag(double value) {
    const auto answer = rules_.Post("/api/v1/write",
                                    RemoteWriteBody({{{{"__name__", "lag"}, {"job_name", "orders"}},
                                                      {{Clock::Real().NowMs(), value}}}}));
    ASSERT_TRUE(answer.ok());
    ASSERT_EQ(answer->status, 204) << answer->body;
  }
  bool SinkHas(const std::string& text) const {
    for (const std::string& body : sink_.bodies()) {
      if (body.find(text) != std::string::npos) return true;
    }
    return false;
  }

  TempDir directory_;
  WebhookSink sink_;
  TsdbdProcess alertmanager_{directory_ / "alertmanager",
                             {"--alertmanager.config.file=" + (directory_ / "alertmanager.yml")}};
  TsdbdProcess rules_{directory_ / "rules", {"--config.file=" + (directory_ / "prometheus.yml")}};
};

TEST_F(AlertmanagerElsewhere, IsToldOfAnAlertAlsoIfItComesUpLaterAndOfItsEnd) {
  ASSERT_TRUE(rules_.Start().ok());
  WriteLag(5);
  ASSERT_TRUE(Eventually(10'000, [&] {
    const auto metrics = rules_.Get("/metrics");
    return metrics.ok() &&
           metrics->body.find(
               "prometheus_notifications_queue_length{alertmanager=\"http://127.0.0.1:" +
               std::to_string(alertmanager_.port()) + "/api/v2/alerts\"} 1\n") != std::string::npos;
  }));
  ASSERT_TRUE(alertmanager_.Start().ok());
  EXPECT_TRUE(Eventually(40'000, [&] { return SinkHas("\"status\":\"firing\""); }));
  EXPECT_TRUE(SinkHas(R"("labels":{"alertname":"Lagging","cluster":"eu","job_name":"orders"})"));
  WriteLag(0);
  EXPECT_TRUE(Eventually(20'000, [&] { return SinkHas("\"status\":\"resolved\""); }));

  const JsonValue listed = *rules_.Api("/api/v1/alertmanagers");
  ASSERT_EQ(listed.Find("activeAlertmanagers").array().size(), 1U);
  EXPECT_EQ(listed.Find("activeAlertmanagers").array()[0].StringOr("url", ""),
            "http://127.0.0.1:" + std::to_string(alertmanager_.port()) + "/api/v2/alerts");
}

}  // namespace
}  // namespace tsdb::testing
