// Rule groups over a real store in simulated time: what is recorded, which alerts are sent when,
// and what a restart or a reload changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alert/manager.h"
#include "alert/rules_api.h"
#include "base/json.h"
#include "base/number.h"
#include "model/write_batch.h"
#include "storage/engine.h"
#include "tests/support/child_process.h"

namespace tsdb::alert {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kStartMs = 1'700'000'040'000;  // a whole minute
constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;

class RulesTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    storage::EngineOptions store;
    store.path = directory_ / "data";
    store.sync = storage::SyncMode::kNever;
    store.clock = &clock_;
    store.maintenance_interval_ms = 0;
    auto opened = storage::OpenStorage(store);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    storage_ = *std::move(opened);
    engine_ = promql::Engine::Create({}, storage_.get(), nullptr, nullptr);
    RuleManagerOptions options;
    options.engine = engine_.get();
    options.appender = storage_.get();
    options.state = &storage_->state();
    options.clock = &clock_;
    options.external_url = "http://tsdbd.test";
    options.notify = [this](const std::vector<Alert>& alerts) {
      RETURN_IF_ERROR(notify_status_);
      for (const Alert& alert : alerts) {
        sent_.push_back(FormatFloat(static_cast<double>(clock_.NowMs() - kStartMs) / 1000) + "s " +
                        std::string(alert.labels.Get("alertname")) + "/" +
                        std::string(alert.labels.Get("job")) +
                        (alert.ResolvedAt(clock_.NowNs()) ? " resolved" : " firing"));
      }
      return Status::Ok();
    };
    rules_ = RuleManager::Create(std::move(options));
  }

  // The process ends and another begins.
  void Restart(int64_t down_ms, const std::string& rules) {
    rules_.reset();
    engine_.reset();
    storage_.reset();
    clock_.Advance(down_ms);
    Open();
    Load(rules);
  }

  void Load(const std::string& rules) {
    RuleLoad load;
    load.files = {{"rules.yml", rules}};
    const Status loaded = rules_->Load(load);
    ASSERT_TRUE(loaded.ok()) << loaded.ToString();
  }

  // Moves the clock second by second; `each` runs before the rules of a second.
  void RunFor(
      int64_t duration_ms, const std::function<void()>& each = [] {}) {
    for (int64_t past_ms = 0; past_ms < duration_ms; past_ms += kSecond) {
      clock_.Advance(kSecond);
      each();
      rules_->RunDue();
    }
  }

  void Write(const Labels& labels, double value) {
    WriteBatch batch;
    batch.decoder = &LabelsDecoder();
    const std::string bytes = EncodeLabels(labels);
    batch.AddFloat(bytes, clock_.NowMs(), value);
    const auto report = storage_->Append(batch);
    ASSERT_TRUE(report.ok()) << report.status().ToString();
  }

  // Values at the present instant, by their label "job".
  std::string Query(const std::string& text) {
    promql::QueryRequest request;
    request.query = text;
    request.start_ms = request.end_ms = clock_.NowMs();
    const auto result = engine_->Execute(request);
    if (!result.ok()) return result.status().ToString();
    std::string out;
    for (const auto& sample : result->vector) {
      if (!out.empty()) out += ' ';
      out += std::string(sample.labels.Get("job")) + "=" + FormatFloat(sample.value);
    }
    return out;
  }

  std::vector<std::string> TakeSent() { return std::exchange(sent_, {}); }

  testing::TempDir directory_;
  ManualClock clock_{kStartMs};
  std::unique_ptr<storage::Storage> storage_;
  std::unique_ptr<promql::Engine> engine_;
  Status notify_status_;
  std::vector<std::string> sent_;
  std::unique_ptr<RuleManager> rules_;
};

constexpr char kUpRules[] = R"yaml(groups:
- name: g
  interval: 10s
  rules:
  - {alert: Down, expr: "up == 0", for: 30s, labels: {severity: page}, annotations: {summary: "{{ $labels.job }} is {{ $value }}"}}
)yaml";

TEST_F(RulesTest, RecordedSeriesAreSeenByTheNextRuleOfTheGroup) {
  Load(R"yaml(groups:
- name: g
  interval: 10s
  rules:
  - {record: "job:x:sum", expr: "sum by (job) (x)"}
  - {record: "job:x:double", expr: "2 * job:x:sum"}
)yaml");
  RunFor(20 * kSecond, [&] {
    Write({{"__name__", "x"}, {"job", "a"}, {"i", "1"}}, 1);
    Write({{"__name__", "x"}, {"job", "a"}, {"i", "2"}}, 2);
  });
  EXPECT_EQ(Query("job:x:double"), "a=6");
}

TEST_F(RulesTest, RecordedSeriesEndWhenTheRuleGivesThemNoMore) {
  Load(R"yaml(groups:
- {name: g, interval: 10s, rules: [{record: "big", expr: "x > 5"}]}
)yaml");
  RunFor(20 * kSecond, [&] { Write({{"__name__", "x"}, {"job", "a"}}, 7); });
  EXPECT_EQ(Query("big"), "a=7");
  RunFor(20 * kSecond, [&] { Write({{"__name__", "x"}, {"job", "a"}}, 1); });
  EXPECT_EQ(Query("big"), "");
}

TEST_F(RulesTest, AlertIsPendingForItsTimeThenFiresThenResolves) {
  Load(kUpRules);
  RunFor(25 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_THAT(TakeSent(), IsEmpty());
  EXPECT_EQ(Query("ALERTS{alertstate=\"pending\"}"), "a=1");
  RunFor(30 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  const auto fired = TakeSent();
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_THAT(fired[0], HasSubstr("Down/a firing"));
  EXPECT_EQ(Query("ALERTS{alertstate=\"pending\"}"), "");
  EXPECT_EQ(Query("ALERTS{alertstate=\"firing\",severity=\"page\"}"), "a=1");
  RunFor(15 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 1); });
  const auto resolved = TakeSent();
  ASSERT_EQ(resolved.size(), 1U);
  EXPECT_THAT(resolved[0], HasSubstr("Down/a resolved"));
  EXPECT_EQ(Query("ALERTS"), "");
}

TEST_F(RulesTest, PendingAlertThatGoesAwayTellsNobody) {
  Load(kUpRules);
  RunFor(25 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  RunFor(2 * kMinute, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 1); });
  EXPECT_THAT(TakeSent(), IsEmpty());
}

TEST_F(RulesTest, FiringAlertIsSentAgainEveryResendDelay) {
  Load(kUpRules);
  RunFor(5 * kMinute, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  const size_t count = TakeSent().size();
  EXPECT_GE(count, 3U);
  EXPECT_LE(count, 5U);
}

TEST_F(RulesTest, WhatCouldNotBeHandedOnIsSentAtTheNextEvaluation) {
  Load(kUpRules);
  notify_status_ = Unavailable("full");
  RunFor(kMinute, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  notify_status_ = Status::Ok();
  RunFor(10 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_EQ(TakeSent().size(), 1U);
}

TEST_F(RulesTest, RestartNeitherRestartsForNorFiresAgain) {
  Load(kUpRules);
  RunFor(25 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  Restart(2 * kSecond, kUpRules);
  RunFor(20 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_THAT(TakeSent(), ::testing::SizeIs(1));  // 30 s after it began, not after the restart
  Restart(2 * kSecond, kUpRules);
  RunFor(20 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_THAT(TakeSent(), IsEmpty());
  RunFor(15 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 1); });
  EXPECT_THAT(TakeSent(), ElementsAre(HasSubstr("resolved")));
}

TEST_F(RulesTest, ReloadKeepsTheStateOfUnchangedRules) {
  Load(kUpRules);
  RunFor(25 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  Load(std::string(kUpRules) + "  - {record: \"job:up:min\", expr: \"min by (job) (up)\"}\n");
  RunFor(20 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_EQ(TakeSent().size(), 1U);
  EXPECT_EQ(Query("job:up:min"), "a=0");
}

TEST_F(RulesTest, FileWithAnErrorChangesNothing) {
  Load(kUpRules);
  RuleLoad load;
  load.files = {{"rules.yml", "groups: [{name: g, rules: [{alert: X, expr: 'sum('}]}]\n"}};
  const Status refused = rules_->Load(load);
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("rules.yml: 1:"));
  EXPECT_THAT(refused.message(), HasSubstr("could not parse expression"));
  EXPECT_THAT(*rules_->RulesJson({}), HasSubstr("Down"));
}

TEST_F(RulesTest, ListsAlertsWithExpandedAnnotations) {
  Load(kUpRules);
  RunFor(kMinute, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  const JsonValue alerts = *JsonValue::Parse(rules_->AlertsJson());
  ASSERT_EQ(alerts.Find("alerts").array().size(), 1U);
  const JsonValue& alert = alerts.Find("alerts").array()[0];
  EXPECT_EQ(alert.StringOr("state", ""), "firing");
  EXPECT_EQ(alert.Find("annotations").StringOr("summary", ""), "a is 0");
}

TEST_F(RulesTest, AnEmptyLabelOfARuleTakesTheLabelAway) {
  Load(R"yaml(groups:
- name: g
  interval: 10s
  labels: {team: a, tier: x}
  rules:
  - {record: "down", expr: "up", labels: {instance: "", tier: ""}}
  - alert: Down
    expr: up
    labels: {instance: "", severity: "{{ $labels.nothing }}"}
    annotations: {note: "{{ $labels.nothing }}", empty: ""}
)yaml");
  RunFor(20 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}, {"instance", "i"}}, 1); });
  EXPECT_EQ(Query("down{instance=\"\",team=\"a\",tier=\"\"}"), "a=1");
  EXPECT_EQ(Query("ALERTS{instance=\"\",severity=\"\",tier=\"x\"}"), "a=1");
  EXPECT_EQ(Query("ALERTS_FOR_STATE{instance=\"\",severity=\"\"} > bool 0"), "a=1");
  const JsonValue listed = *JsonValue::Parse(*rules_->RulesJson({}));
  const JsonValue& rules = listed.Find("groups").array()[0].Find("rules");
  EXPECT_EQ(rules.array()[0].Find("labels").StringOr("instance", "absent"), "");
  const JsonValue& alert = rules.array()[1].Find("alerts").array()[0];
  EXPECT_EQ(alert.Find("annotations").StringOr("note", "absent"), "");
  EXPECT_EQ(alert.Find("annotations").StringOr("empty", "absent"), "");
}

TEST_F(RulesTest, ErrorsInFilesSayWhereTheRuleStands) {
  const auto errors = [](const std::string& text) {
    return CheckRuleFile({"r.yml", text}, {}, nullptr);
  };
  EXPECT_THAT(errors("groups:\n- name: a\n- name: a\n"),
              ElementsAre("r.yml: 3:3: groupname: \"a\" is repeated in the same file"));
  EXPECT_THAT(
      errors("groups:\n- name: a\n  rules:\n  - record: x\n"),
      ElementsAre("r.yml: 4:5: group \"a\", rule 1, \"x\": field 'expr' must be set in rule"));
  EXPECT_THAT(errors("groups: []\n~: 1\n"),
              ElementsAre(HasSubstr("field null not found in type rulefmt.RuleGroups")));
  EXPECT_THAT(errors("groups:\n- name: a\n  interval: 5\n"),
              ElementsAre("r.yml: yaml: unmarshal errors: line 3: interval: not a valid duration "
                          "string: \"5\""));
}

TEST_F(RulesTest, EmptyItemsOfListsAndLaterDocumentsAreLeftOut) {
  Load("groups:\n- ~\n- name: g\n  rules:\n  - ~\n  - {record: r, expr: '1'}\n---\ngroups: {\n");
  const JsonValue listed = *JsonValue::Parse(*rules_->RulesJson({}));
  ASSERT_EQ(listed.Find("groups").array().size(), 1U);
  EXPECT_EQ(listed.Find("groups").array()[0].Find("rules").array().size(), 1U);
}

TEST_F(RulesTest, TheFirstEvaluationWritesAlertsAndTheListGoesByStateAndHealth) {
  Load(kUpRules);
  RunFor(10 * kSecond, [&] { Write({{"__name__", "up"}, {"job", "a"}}, 0); });
  EXPECT_EQ(Query("ALERTS{alertstate=\"pending\"}"), "a=1");
  const auto listed = [&](const char* query) {
    const net::Parameters form = net::Parameters::Parse(query);
    const auto json = JsonValue::Parse(*rules_->RulesJson(*ParseRuleFilter(form, form)));
    return json->Find("groups").array().size();
  };
  EXPECT_EQ(listed("state=pending"), 1U);
  EXPECT_EQ(listed("state=firing"), 0U);
  EXPECT_EQ(listed("health=ok"), 1U);
  EXPECT_EQ(listed("health=err"), 0U);
}

TEST_F(RulesTest, FailingRuleIsReportedAndTheOthersRun) {
  Load(R"yaml(groups:
- name: g
  interval: 10s
  rules:
  - {record: "bad", expr: "x * on (job) x"}
  - {record: "good", expr: "count by (job) (x)"}
)yaml");
  RunFor(20 * kSecond, [&] {
    Write({{"__name__", "x"}, {"job", "a"}, {"i", "1"}}, 1);
    Write({{"__name__", "x"}, {"job", "a"}, {"i", "2"}}, 2);
  });
  EXPECT_EQ(Query("good"), "a=2");
  const std::string listed = *rules_->RulesJson({});
  EXPECT_THAT(listed, HasSubstr("\"health\":\"err\""));
  EXPECT_THAT(listed, HasSubstr("many-to-many"));
}

}  // namespace
}  // namespace tsdb::alert
