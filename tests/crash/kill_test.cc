// `kill -9` at any moment loses no acknowledged sample and invents none. Two senders, one for each
// protocol, write as fast as they are answered, a third deletes what it wrote, and everything is
// checkpointed and rewritten all the time, a fourth has retention take away days; the process is
// killed after a random time, started again, and every sample that it answers is compared with what
// was sent and what was acknowledged.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>

#include "base/clock.h"
#include "base/number.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::testing {
namespace {

constexpr int kSeriesPerSender = 40;

int Cycles() {
  const char* cycles = std::getenv("TSDBD_KILL_CYCLES");
  return cycles == nullptr ? 20 : std::atoi(cycles);
}

// What one sender sent for each of its series: all have a sample at each timestamp, whose value
// follows from series and timestamp, so a set of timestamps is the whole truth.
class Sender {
 public:
  Sender(std::string name, bool line_protocol)
      : name_(std::move(name)), line_protocol_(line_protocol) {}

  // Sends until told to stop or until a request is not answered.
  void Run(TsdbdProcess& server, const std::atomic<bool>& stop) {
    while (!stop) {
      const int64_t timestamp_ms = next_ms_++;
      sent_[timestamp_ms] = false;
      const Result<net::ClientResponse> answer =
          line_protocol_ ? server.Post("/write?db=flink&precision=ms", Lines(timestamp_ms))
                         : server.Post("/api/v1/write", RemoteWriteBody(Series(timestamp_ms)));
      if (!answer.ok()) return;
      ASSERT_EQ(answer->status, 204) << answer->body;
      sent_[timestamp_ms] = true;
    }
  }

  // Compares what the server holds with what was sent and acknowledged.
  void Verify(TsdbdProcess& server) {
    const double end = static_cast<double>(next_ms_) / 1000 + 1;
    size_t found = 0;
    // In parts, because answers are bounded and a long run has many samples.
    for (const char* part : {"[0-9]", "1[0-9]", "2[0-9]", "3[0-9]"}) {
      const std::string selector = name_ + "{series=~\"" + part + "\"}[2h]";
      const Result<JsonValue> matrix = server.Query(selector, end);
      ASSERT_TRUE(matrix.ok()) << matrix.status().ToString();
      found += matrix->array().size();
      for (const JsonValue& series : matrix->array()) VerifySeries(series);
    }
    if (CountAcknowledged() > 0) {
      ASSERT_EQ(found, static_cast<size_t>(kSeriesPerSender));
    }
  }

  size_t CountAcknowledged() const {
    size_t count = 0;
    for (const auto& [timestamp_ms, acknowledged] : sent_) count += acknowledged ? 1 : 0;
    return count;
  }

 private:
  static double Value(int series, int64_t timestamp_ms) {
    return static_cast<double>(series * 1000) + static_cast<double>(timestamp_ms % 997) / 8;
  }

  std::vector<RemoteWriteSeries> Series(int64_t timestamp_ms) const {
    std::vector<RemoteWriteSeries> all;
    for (int i = 0; i < kSeriesPerSender; ++i) {
      all.push_back({{{"__name__", name_}, {"series", std::to_string(i)}},
                     {{timestamp_ms, Value(i, timestamp_ms)}}});
    }
    return all;
  }

  std::string Lines(int64_t timestamp_ms) const {
    std::string lines;
    for (int i = 0; i < kSeriesPerSender; ++i) {
      lines += name_ + ",series=" + std::to_string(i) +
               " value=" + FormatFloat(Value(i, timestamp_ms)) + " " +
               std::to_string(timestamp_ms) + "\n";
    }
    return lines;
  }

  void VerifySeries(const JsonValue& series) {
    const int index = std::atoi(series.Find("metric").StringOr("series", "-1").c_str());
    std::map<int64_t, double> stored;
    for (const JsonValue& value : series.Find("values").array()) {
      const int64_t timestamp_ms = std::llround(value.array().at(0).number() * 1000);
      stored[timestamp_ms] = *ParseFloat(value.array().at(1).text());
    }
    for (const auto& [timestamp_ms, value] : stored) {
      ASSERT_TRUE(sent_.contains(timestamp_ms)) << "invented: " << name_ << " at " << timestamp_ms;
      ASSERT_EQ(value, Value(index, timestamp_ms)) << name_ << " at " << timestamp_ms;
    }
    for (const auto& [timestamp_ms, acknowledged] : sent_) {
      if (!acknowledged) continue;
      ASSERT_TRUE(stored.contains(timestamp_ms)) << "lost: " << name_ << " at " << timestamp_ms;
    }
  }

  const std::string name_;
  const bool line_protocol_;
  int64_t next_ms_ = Clock::Real().NowMs() - 3'600'000;
  std::map<int64_t, bool> sent_;  // timestamp to acknowledged
};

// Writes one series and deletes parts of it again.
class Deleter {
 public:
  void Run(TsdbdProcess& server, const std::atomic<bool>& stop) {
    while (!stop) {
      const int64_t timestamp_ms = next_ms_++;
      state_[timestamp_ms] = State::kUnknown;
      const auto written = server.Post(
          "/api/v1/write",
          RemoteWriteBody({{{{"__name__", "doomed"}}, {{timestamp_ms, Value(timestamp_ms)}}}}));
      if (!written.ok()) return;
      ASSERT_EQ(written->status, 204) << written->body;
      state_[timestamp_ms] = State::kStored;
      if (timestamp_ms % 10 != 0) continue;
      const int64_t first = timestamp_ms - 25;
      const int64_t last = timestamp_ms - 15;
      for (int64_t t = first; t <= last; ++t) {
        if (state_.contains(t)) state_[t] = State::kUnknown;
      }
      const auto deleted = server.PostForm(
          "/api/v1/tsdbd/delete",
          {{"match[]", "doomed"}, {"start", Seconds(first)}, {"end", Seconds(last)}});
      if (!deleted.ok()) return;
      ASSERT_EQ(deleted->status, 200) << deleted->body;
      for (int64_t t = first; t <= last; ++t) {
        if (state_.contains(t)) state_[t] = State::kDeleted;
      }
    }
  }

  void Verify(TsdbdProcess& server) {
    const Result<JsonValue> matrix =
        server.Query("doomed[2h]", static_cast<double>(next_ms_) / 1000 + 1);
    ASSERT_TRUE(matrix.ok()) << matrix.status().ToString();
    std::map<int64_t, double> stored;
    for (const JsonValue& series : matrix->array()) {
      for (const JsonValue& value : series.Find("values").array()) {
        stored[std::llround(value.array().at(0).number() * 1000)] =
            *ParseFloat(value.array().at(1).text());
      }
    }
    for (const auto& [t, value] : stored) {
      ASSERT_TRUE(state_.contains(t) && state_[t] != State::kDeleted) << "invented at " << t;
      ASSERT_EQ(value, Value(t));
    }
    for (const auto& [t, state] : state_) {
      if (state == State::kStored) {
        ASSERT_TRUE(stored.contains(t)) << "lost at " << t;
      }
    }
  }

 private:
  enum class State { kUnknown, kStored, kDeleted };
  static double Value(int64_t timestamp_ms) { return static_cast<double>(timestamp_ms % 1009); }
  static std::string Seconds(int64_t ms) {
    return std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1);
  }

  int64_t next_ms_ = Clock::Real().NowMs() - 3'600'000;
  std::map<int64_t, State> state_;
};

// Writes to retention policies, one a round, and then shortens the policy so that all it holds is
// over. Days that another policy needs are rewritten, the others dropped.
class Ager {
 public:
  void Run(TsdbdProcess& server, const std::atomic<bool>& stop) {
    while (!stop && RunRound(server)) {
    }
  }

  // False when the server went away.
  bool RunRound(TsdbdProcess& server) {
    if (!Ask(server, "CREATE DATABASE aging")) return false;
    const std::string policy = "r" + std::to_string(rounds_.size());
    // Every third round stays, in one of the two days that others leave.
    const bool stays = rounds_.size() % 3 == 0;
    const int64_t day = stays ? 2 : 2 + static_cast<int64_t>(rounds_.size() % 2);
    Round& round = rounds_.emplace_back();
    if (!Ask(server,
             "CREATE RETENTION POLICY " + policy + " ON aging DURATION INF REPLICATION 1")) {
      return false;
    }
    for (int i = 0; i < 10; ++i) {
      const int64_t timestamp_ms = start_ms_ - day * 86'400'000 + i;
      const std::string time = std::to_string(timestamp_ms);
      round.samples[timestamp_ms] = false;
      const auto written =
          server.Post("/write?db=aging&precision=ms&rp=" + policy,
                      "aging value=" + std::to_string(Value(timestamp_ms)) + " " + time);
      if (!written.ok()) return false;
      EXPECT_EQ(written->status, 204) << written->body;
      round.samples[timestamp_ms] = true;
    }
    if (stays) return true;
    round.state = State::kLeaving;
    if (!Ask(server,
             "ALTER RETENTION POLICY " + policy + " ON aging DURATION 1h SHARD DURATION 1h")) {
      return false;
    }
    const auto compacted = server.Post("/api/v1/tsdbd/compact", "");
    if (!compacted.ok()) return false;
    EXPECT_EQ(compacted->status, 200) << compacted->body;
    round.state = State::kGone;
    return true;
  }

  void Verify(TsdbdProcess& server) {
    const Result<JsonValue> matrix = server.Query("aging[9d]");
    ASSERT_TRUE(matrix.ok()) << matrix.status().ToString();
    std::map<std::string, std::map<int64_t, double>> stored;
    for (const JsonValue& series : matrix->array()) {
      const std::string policy = series.Find("metric").StringOr("rp", "");
      for (const JsonValue& value : series.Find("values").array()) {
        stored[policy][std::llround(value.array().at(0).number() * 1000)] =
            *ParseFloat(value.array().at(1).text());
      }
    }
    for (size_t i = 0; i < rounds_.size(); ++i) {
      VerifyRound(rounds_[i], "r" + std::to_string(i), stored["r" + std::to_string(i)]);
    }
  }

  size_t CountGone() const {
    return static_cast<size_t>(std::count_if(
        rounds_.begin(), rounds_.end(), [](const Round& r) { return r.state == State::kGone; }));
  }

 private:
  enum class State { kStays, kLeaving, kGone };
  struct Round {
    State state = State::kStays;
    std::map<int64_t, bool> samples;  // timestamp to acknowledged
  };
  static int64_t Value(int64_t timestamp_ms) { return timestamp_ms % 1013; }
  static bool Ask(TsdbdProcess& server, const std::string& statement) {
    const auto answer = server.PostForm("/query", {{"q", statement}});
    if (!answer.ok()) return false;
    const bool done = answer->status == 200 && answer->body.find("error") == std::string::npos;
    EXPECT_TRUE(done) << statement << ": " << answer->body;
    return done;
  }
  static void VerifyRound(const Round& round, const std::string& policy,
                          const std::map<int64_t, double>& found) {
    if (round.state == State::kGone) {
      ASSERT_TRUE(found.empty()) << policy << " came back";
    }
    for (const auto& [t, value] : found) {
      ASSERT_TRUE(round.samples.contains(t)) << policy << ": invented at " << t;
      ASSERT_EQ(value, static_cast<double>(Value(t)));
    }
    for (const auto& [t, acknowledged] : round.samples) {
      if (acknowledged && round.state == State::kStays) {
        ASSERT_TRUE(found.contains(t)) << policy << ": lost at " << t;
      }
    }
  }

  const int64_t start_ms_ = Clock::Real().NowMs();
  std::deque<Round> rounds_;
};

// Checkpoints, seals, rewrites and purges all the time.
void CompactAllTheTime(TsdbdProcess& server, const std::atomic<bool>& stop) {
  while (!stop) {
    const auto compacted = server.Post("/api/v1/tsdbd/compact", "");
    if (!compacted.ok()) return;
    ASSERT_EQ(compacted->status, 200) << compacted->body;
  }
}

TEST(Kill, LosesNoAcknowledgedSampleAndInventsNone) {
  const TempDir directory;
  TsdbdProcess server(directory / "data");
  Sender remote_write("by_remote_write", false);
  Sender line_protocol("by_line_protocol", true);
  Deleter deleter;
  Ager ager;
  std::mt19937 random(20261121);
  for (int cycle = 0; cycle < Cycles(); ++cycle) {
    SCOPED_TRACE(cycle);
    if (cycle > 0 && cycle % 50 == 0) std::fprintf(stderr, "%d kills\n", cycle);
    const Status started = server.Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
    ASSERT_NO_FATAL_FAILURE(remote_write.Verify(server));
    ASSERT_NO_FATAL_FAILURE(line_protocol.Verify(server));
    ASSERT_NO_FATAL_FAILURE(deleter.Verify(server));
    ASSERT_NO_FATAL_FAILURE(ager.Verify(server));

    std::atomic<bool> stop = false;
    std::thread first([&] { remote_write.Run(server, stop); });
    std::thread second([&] { line_protocol.Run(server, stop); });
    std::thread third([&] { deleter.Run(server, stop); });
    std::thread fourth([&] { ager.Run(server, stop); });
    std::thread fifth([&] { CompactAllTheTime(server, stop); });
    SleepMs(std::uniform_int_distribution<int>(20, 600)(random));
    server.process().Signal(SIGKILL);
    stop = true;
    first.join();
    second.join();
    third.join();
    fourth.join();
    fifth.join();
    server.Kill();
  }
  ASSERT_TRUE(server.Start().ok());
  // A busy machine may not have come through a round between two kills.
  while (ager.CountGone() == 0) ASSERT_TRUE(ager.RunRound(server));
  remote_write.Verify(server);
  line_protocol.Verify(server);
  deleter.Verify(server);
  ager.Verify(server);
  std::printf("%d kills, %zu and %zu requests acknowledged, %zu policies aged out\n", Cycles(),
              remote_write.CountAcknowledged(), line_protocol.CountAcknowledged(),
              ager.CountGone());
  EXPECT_GT(remote_write.CountAcknowledged(), static_cast<size_t>(Cycles()));
  EXPECT_GT(line_protocol.CountAcknowledged(), static_cast<size_t>(Cycles()));
  EXPECT_EQ(*server.Stop(), 0);
}

}  // namespace
}  // namespace tsdb::testing
