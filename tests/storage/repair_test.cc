// Damages stores in every way that we can think of and holds what a repair makes of them to what
// was in them.
#include "storage/repair.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/duration.h"
#include "tests/storage/engine_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/tsdbd_process.h"

namespace tsdb::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using tsdb::testing::ProgramPath;
using tsdb::testing::TempDir;

constexpr int64_t kDay = 86'400'000;
constexpr uint64_t kLogBlock = 32'768;  // of the write-ahead log

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// What lies in a directory, by name.
std::map<std::string, std::string> FilesOf(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.path().filename() == "LOCK") continue;
    files[entry.path().filename()] = ReadFile(entry.path());
  }
  return files;
}

void Flip(const fs::path& path, uint64_t offset) {
  // Not in place: the file may have other names.
  std::string text = ReadFile(path);
  text[offset] = static_cast<char>(~text[offset]);
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << text;
}

// Page by page, as some file systems leave what they could not read.
void Zero(const fs::path& path, uint64_t begin, uint64_t end) {
  std::string text = ReadFile(path);
  std::fill(text.begin() + static_cast<ptrdiff_t>(begin),
            text.begin() + static_cast<ptrdiff_t>(end), '\0');
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << text;
}

class RepairTest : public EngineTest {
 protected:
  // Three days, the first with sealed segments, the second with fragments and a late one, the third
  // with a journal that is not empty; the store is left as a kill leaves it.
  void Fill() {
    Open();
    const PolicyId policy = CreateDatabase("flink");
    AppendRows("wide", kNow - 2 * kDay, 1500, 4);
    Checkpoint();
    AppendRows("wide", kNow - 2 * kDay + 1'000'000, 1500, 4);
    ASSERT_TRUE(storage_->Compact().ok());
    AppendRows("deep", kNow - kDay, 200, 40);
    Checkpoint();
    AppendRows("deep", kNow - kDay + 3'600'000, 200, 40);
    AppendRows("more", kNow - kDay, 300, 4);
    Checkpoint();
    AppendRows("deep", kNow - kDay - 3'600'000, 100, 10);
    AppendRows("new", kNow, 200, 10);
    Checkpoint();
    for (int i = 0; i < 20; ++i) {
      const std::string line = "cpu,host=h" + std::to_string(i);
      ASSERT_TRUE(
          storage_->Append(InfluxPoint(policy, line, ValueType::kFloat, kNow * 1'000'000)).ok());
    }
    ASSERT_TRUE(storage_->state().Apply({{"alert/rule/1", "firing"}}).ok());
    AppendRows("new", kNow + 200'000, 250, 10);
    stored_ = ReadAll();
    disk_->Export("/data", whole_);
    Close();
  }

  // Samples that are in the log only; the name of the log.
  std::string FillLog() {
    Open();
    AppendRows("new", kNow - 1'800'000, 250, 120);
    stored_ = ReadAll();
    disk_->Export("/data", whole_);
    Close();
    return Names(".log").back();
  }

  void AppendRows(const std::string& name, int64_t start, int series, int rows) {
    for (int row = 0; row < rows; ++row) {
      TestBatch batch;
      for (int i = 0; i < series; ++i) {
        batch.Float({{"__name__", name}, {"i", std::to_string(i)}, {"long", std::string(30, 'x')}},
                    start + row * 15'000, static_cast<double>(random_() >> 12));
      }
      Append(batch);
    }
  }

  StoredSamples ReadAll(int* damaged = nullptr) const {
    SelectRequest request;
    request.view = View::kStored;
    return ReadSamples(*storage_, request, damaged);
  }

  // A new copy of the whole store.
  void Restore() {
    fs::remove_all(path_);
    fs::copy(whole_, path_);
  }

  Result<RepairReport> Repair(bool dry_run = false) const {
    RepairOptions options;
    options.path = path_;
    options.dry_run = dry_run;
    return RepairStorage(options);
  }

  // Opens a copy of `path_`.
  void OpenCopy() {
    Close();
    UseDisk(std::make_shared<MemoryDisk>());
    disk_->Import(path_, "/data");
    Open();
  }

  struct Outcome {
    std::string name;  // of the file that was damaged
    size_t lost = 0;   // samples
    RepairReport report;
  };
  // Does `damage` to one file after the other, each in a new copy of the store, and repairs that.
  // Ends at the first failure.
  std::vector<Outcome> RepairEach(const std::vector<std::string>& names,
                                  const std::function<void(const std::string& path)>& damage) {
    std::vector<Outcome> outcomes;
    for (const std::string& name : names) {
      SCOPED_TRACE(name);
      Restore();
      damage(path_ + "/" + name);
      outcomes.push_back({name, 0, {}});
      outcomes.back().lost = CheckRepair(&outcomes.back().report);
      if (HasFailure()) break;
    }
    return outcomes;
  }

  // Repairs `path_` and holds the result to what was stored. Answers how many samples are lost.
  size_t CheckRepair(RepairReport* report) {
    const auto before = FilesOf(path_);
    const auto repaired = Repair();
    EXPECT_TRUE(repaired.ok()) << repaired.status().ToString();
    if (!repaired.ok()) return 0;
    *report = *repaired;
    EXPECT_TRUE(FilesOf(report->kept.empty() ? path_ : report->kept) == before);
    OpenCopy();
    if (HasFatalFailure()) return 0;
    const auto verified = storage_->Verify();
    EXPECT_TRUE(verified.ok());
    EXPECT_THAT(verified->damaged, IsEmpty());
    const size_t lost = CountLost(*report);
    // It takes new samples of old and of new series.
    TestBatch batch;
    batch.Float({{"__name__", "new"}, {"i", "1"}, {"long", std::string(30, 'x')}}, kNow + 500'000,
                1);
    batch.Float({{"__name__", "deep"}, {"i", "1"}, {"long", std::string(30, 'x')}}, kNow - kDay + 7,
                1);
    EXPECT_EQ(Append(batch).stored_points, 2U);
    EXPECT_TRUE(storage_->Compact().ok());
    EXPECT_THAT(storage_->Verify()->damaged, IsEmpty());
    Close();
    const auto again = Repair();
    EXPECT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_THAT(again->damage, IsEmpty());
    EXPECT_THAT(again->lost, IsEmpty());
    if (!report->kept.empty()) fs::remove_all(report->kept);
    return lost;
  }

  // Nothing is there that was not, and what is missing is of a day that was named.
  size_t CountLost(const RepairReport& report) const {
    std::string named;
    for (const std::string& text : report.lost) named += text + "\n";
    const bool journal = named.find("journal records") != std::string::npos;
    size_t lost = 0;
    const StoredSamples found = ReadAll();
    for (const auto& [labels, samples] : stored_) {
      const auto there = found.find(labels);
      for (const auto& [time, value] : samples) {
        const bool is_there = there != found.end() && there->second.contains(time);
        if (is_there) {
          EXPECT_EQ(there->second.at(time), value) << labels;
          continue;
        }
        ++lost;
        const int64_t time_ms = time > kNow * 1000 ? time / 1'000'000 : time;
        const std::string day = FormatRfc3339Ms(time_ms).substr(0, 10);
        EXPECT_TRUE(journal || named.find(day) != std::string::npos)
            << labels << " " << day << " is not named in " << named;
        if (HasFailure()) return lost;
      }
    }
    for (const auto& [labels, samples] : found) {
      const auto was = stored_.find(labels);
      EXPECT_TRUE(was != stored_.end()) << labels;
      if (was == stored_.end()) continue;
      for (const auto& [time, value] : samples) EXPECT_TRUE(was->second.contains(time)) << labels;
    }
    return lost;
  }

  std::vector<std::string> Names(const std::string& part) const {
    std::vector<std::string> names;
    for (const auto& [name, text] : FilesOf(whole_)) {
      if (name.find(part) != std::string::npos) names.push_back(name);
    }
    return names;
  }

  size_t AllSamples() const {
    size_t count = 0;
    for (const auto& [labels, samples] : stored_) count += samples.size();
    return count;
  }

  const TempDir directory_;
  const std::string whole_ = directory_ / "whole";
  const std::string path_ = directory_ / "data";
  std::mt19937_64 random_{1};
  StoredSamples stored_;
};

TEST_F(RepairTest, AWholeStoreIsLeftAsItIs) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Restore();
  RepairReport report;
  EXPECT_EQ(CheckRepair(&report), 0U);
  EXPECT_THAT(report.damage, IsEmpty());
  EXPECT_THAT(report.lost, IsEmpty());
  EXPECT_EQ(report.kept, "");
  EXPECT_GT(report.tables, 5U);
  EXPECT_EQ(Repair().status().code(), StatusCode::kOk);
}

TEST_F(RepairTest, ADamagedByteOfATableCostsAtMostItsBlock) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  size_t quarter = 0;
  const auto outcomes = RepairEach(Names(".sst"), [&](const std::string& path) {
    Flip(path, fs::file_size(path) * (1 + quarter++ % 3) / 4);
  });
  size_t lossless = 0;
  for (const Outcome& outcome : outcomes) {
    EXPECT_LT(outcome.lost, AllSamples() / 3) << outcome.name;
    lossless += outcome.lost == 0;
  }
  EXPECT_GT(lossless, 10U);
}

TEST_F(RepairTest, AllOfATablesBlocksButTheFirstAndTheLastCostThemselves) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  std::vector<std::string> large = Names(".sst");
  std::erase_if(large,
                [&](const auto& name) { return fs::file_size(whole_ + "/" + name) < 60'000; });
  ASSERT_FALSE(large.empty());
  const auto outcomes = RepairEach(large, [](const std::string& path) {
    const uint64_t size = fs::file_size(path);
    for (const uint64_t offset : {size / 5, size * 2 / 5, size * 3 / 5}) Flip(path, offset);
  });
  for (const Outcome& outcome : outcomes) {
    EXPECT_GT(outcome.lost, 0U) << outcome.name;
    EXPECT_LT(outcome.lost, AllSamples() / 3) << outcome.name;
  }
}

TEST_F(RepairTest, ATableWithoutItsEndLosesNoRow) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  const std::vector<std::function<void(const std::string& path)>> damages = {
      [](const std::string& path) { Flip(path, fs::file_size(path) - 8); },   // its magic number
      [](const std::string& path) { Flip(path, fs::file_size(path) - 52); },  // where its index is
      [](const std::string& path) { fs::resize_file(path, fs::file_size(path) - 53); },
      [&](const std::string& path) {
        fs::resize_file(path, fs::file_size(path) - 20);
        fs::remove(path_ + "/CURRENT");
      },
  };
  size_t next = 0;
  for (const Outcome& outcome : RepairEach(Names(".sst"), [&](const std::string& path) {
         damages[next++ % damages.size()](path);
       })) {
    EXPECT_EQ(outcome.lost, 0U) << outcome.name;
    EXPECT_THAT(outcome.report.damage, Not(IsEmpty())) << outcome.name;
  }
  EXPECT_GT(next, 2 * damages.size());
}

TEST_F(RepairTest, ACutTableKeepsTheBlocksBeforeTheCut) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  std::vector<std::string> large = Names(".sst");
  std::erase_if(large,
                [&](const auto& name) { return fs::file_size(whole_ + "/" + name) < 60'000; });
  ASSERT_FALSE(large.empty());
  const auto cut = [](double part) {
    return [part](const std::string& path) {
      const auto size = static_cast<double>(fs::file_size(path));
      fs::resize_file(path, static_cast<uint64_t>(size * part));
    };
  };
  const auto half = RepairEach(large, cut(0.5));
  const auto most = RepairEach(large, cut(0.9));
  size_t kept_more = 0;
  for (size_t i = 0; i < large.size(); ++i) {
    EXPECT_LT(half[i].lost, AllSamples() / 2) << large[i];
    EXPECT_LE(most[i].lost, half[i].lost) << large[i];
    kept_more += most[i].lost < half[i].lost;
  }
  EXPECT_GT(kept_more, 0U);
}

TEST_F(RepairTest, AMissingTableCostsWhatItHeld) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  for (const Outcome& outcome :
       RepairEach(Names(".sst"), [](const std::string& path) { fs::remove(path); })) {
    EXPECT_THAT(outcome.report.damage, Not(IsEmpty())) << outcome.name;
  }
}

TEST_F(RepairTest, AnIndexThatIsGoneIsMadeAgain) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Restore();
  // Whatever tables hold posting lists: the label's name is in their keys.
  std::vector<std::string> damaged;
  for (const std::string& name : Names(".sst")) {
    if (ReadFile(path_ + "/" + name).find("tsdbd.postings") == std::string::npos) continue;
    damaged.push_back(name);
    fs::remove(path_ + "/" + name);
  }
  ASSERT_FALSE(damaged.empty());
  RepairReport report;
  EXPECT_EQ(CheckRepair(&report), 0U);
  EXPECT_THAT(report.rebuilt, Contains(HasSubstr("posting lists of day 2026-02-27")));
}

TEST_F(RepairTest, WithoutItsStateAllTablesAndTheLogAreThere) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  const std::string manifest = Names("MANIFEST-").front();
  const std::vector<std::function<void()>> damages = {
      [&] { fs::remove(path_ + "/CURRENT"); },
      [&] { std::ofstream(path_ + "/CURRENT") << "MANIFEST"; },
      [&] { fs::remove(path_ + "/" + manifest); },
      [&] { Flip(path_ + "/" + manifest, 100); },
      [&] { Flip(path_ + "/" + manifest, fs::file_size(whole_ + "/" + manifest) / 2); },
      [&] { std::ofstream(path_ + "/" + manifest) << ""; },
  };
  for (size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    Restore();
    damages[i]();
    // The server says what to do and leaves everything as it is.
    const auto before = FilesOf(path_);
    UseDisk(std::make_shared<MemoryDisk>());
    disk_->Import(path_, "/data");
    const auto opened = OpenStorage(Options());
    EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss) << opened.status().ToString();
    EXPECT_THAT(opened.status().message(), HasSubstr("tsdbctl repair --storage.path=/data"));
    EXPECT_EQ(disk_->FilesWith(".sst").size(), Names(".sst").size());
    RepairReport report;
    EXPECT_EQ(CheckRepair(&report), 0U);
    EXPECT_THAT(report.damage, Not(IsEmpty()));
    if (HasFailure()) return;
  }
}

TEST_F(RepairTest, WithoutItsStateADamagedTableCostsAtMostItsBlock) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  const auto outcomes = RepairEach(Names(".sst"), [&](const std::string& path) {
    fs::remove(path_ + "/CURRENT");
    Flip(path, fs::file_size(path) / 3);
  });
  for (const Outcome& outcome : outcomes) {
    EXPECT_LT(outcome.lost, AllSamples() / 3) << outcome.name;
  }
}

TEST_F(RepairTest, DamageOfTheLogIsNamedAndCostsWhatComesBehind) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  int damaged = 0;
  for (uint64_t eighth = 0; eighth < 8; ++eighth) {
    SCOPED_TRACE(eighth);
    const auto outcomes = RepairEach(Names(".log"), [&](const std::string& path) {
      const uint64_t size = fs::file_size(path);
      if (size > 3) Flip(path, std::min(size * eighth / 8 + 3, size - 1));
    });
    for (const Outcome& outcome : outcomes) {
      damaged += outcome.report.is_damaged();
      if (outcome.lost == 0) continue;
      EXPECT_THAT(outcome.report.lost, Contains(HasSubstr("journal records"))) << outcome.name;
    }
  }
  EXPECT_GT(damaged, 2);
}

// A server goes on with what was written before the damage, says what is lost, and says it once.
TEST_F(RepairTest, AServerThatStartsOnADamagedLogSaysWhatIsLost) {
  const std::string name = FillLog();
  const uint64_t size = ReadFile(whole_ + "/" + name).find_last_not_of('\0');
  ASSERT_GT(size, 3 * kLogBlock);
  const std::vector<std::function<void(const std::string&)>> damages = {
      [&](const std::string& path) { Flip(path, size / 2); },
      [&](const std::string& path) { Zero(path, size / 2, size / 2 + 4096); },
      [&](const std::string& path) { Zero(path, kLogBlock, 2 * kLogBlock); },
      [&](const std::string& path) { Zero(path, 0, 512); },
  };
  for (size_t i = 0; i < damages.size(); ++i) {
    SCOPED_TRACE(i);
    Restore();
    damages[i](path_ + "/" + name);
    ::testing::internal::CaptureStderr();
    OpenCopy();
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, HasSubstr("level=error msg=\"the write-ahead log is damaged"));
    EXPECT_THAT(log, HasSubstr("file=/data/" + name));
    EXPECT_THAT(log, ::testing::ContainsRegex("lost_bytes=[1-9]"));
    EXPECT_THAT(log, HasSubstr("tsdbctl repair --storage.path=/data"));
    RepairReport journal;
    journal.lost = {"journal records"};
    EXPECT_GT(CountLost(journal), 0U);
    EXPECT_EQ(disk_->FileSize("/data/" + name + ".damaged"), fs::file_size(path_ + "/" + name));

    // What comes later relies on what is there, whatever the rest of the damaged log holds.
    ::testing::internal::CaptureStderr();
    AppendRows("new", kNow + 60'000, 250, 3);
    const StoredSamples before = ReadAll();
    fs::remove_all(path_);
    disk_->Export("/data", path_);
    const auto repaired = Repair();
    EXPECT_TRUE(repaired.ok()) << repaired.status().ToString();
    EXPECT_THAT(repaired->damage, IsEmpty());
    OpenCopy();
    EXPECT_TRUE(ReadAll() == before);
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr("level=error")));
    if (HasFailure()) return;
  }
}

// Nor is it said of the torn end that a crash leaves.
TEST_F(RepairTest, AServerThatStartsOnATornLogSaysNothing) {
  const std::string name = FillLog();
  const uint64_t size = ReadFile(whole_ + "/" + name).find_last_not_of('\0') + 1;
  for (const uint64_t cut :
       {size, size - 1, size - 100, size / 2, kLogBlock + 3, kLogBlock, uint64_t{0}}) {
    SCOPED_TRACE(cut);
    for (const bool zeros : {false, true}) {
      Restore();
      fs::resize_file(path_ + "/" + name, cut);
      if (zeros) fs::resize_file(path_ + "/" + name, size + 100'000);
      ::testing::internal::CaptureStderr();
      OpenCopy();
      EXPECT_THAT(::testing::internal::GetCapturedStderr(), Not(HasSubstr("level=error")));
    }
  }
}

// All rows that say what a store is are gone at once, with their tables and the log.
TEST_F(RepairTest, WithoutTheSecretAndTheCatalogTheSamplesAreThere) {
  Open();
  const PolicyId policy = CreateDatabase("flink");
  AppendRows("deep", kNow - kDay, 300, 4);
  for (int i = 0; i < 300; ++i) {
    const std::string line = "cpu,host=h" + std::to_string(i);
    ASSERT_TRUE(
        storage_->Append(InfluxPoint(policy, line, ValueType::kFloat, kNow * 1'000'000)).ok());
  }
  Checkpoint();
  stored_ = ReadAll();
  disk_->Export("/data", whole_);
  Close();
  Restore();
  for (const std::string& name : Names(".log")) fs::remove(path_ + "/" + name);
  size_t tables = 0;
  for (const std::string& name : Names(".sst")) {
    if (ReadFile(path_ + "/" + name).find("namedefault") == std::string::npos) continue;
    fs::remove(path_ + "/" + name);
    ++tables;
  }
  ASSERT_GT(tables, 0U);
  RepairReport report;
  EXPECT_EQ(CheckRepair(&report), 0U);
  EXPECT_THAT(report.lost, Contains(HasSubstr("databases and retention policies")));
  EXPECT_THAT(report.rebuilt, Contains(HasSubstr("the secret of hashes")));
  EXPECT_THAT(report.rebuilt, Contains(HasSubstr("the description of day 2026-02-28")));
  EXPECT_THAT(report.rebuilt,
              Contains(HasSubstr("database \"recovered_" + std::to_string(policy.value))));
}

TEST_F(RepairTest, ADryRunTellsTheSameAndLeavesNothing) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Restore();
  Flip(path_ + "/" + Names(".sst").back(), 100);
  fs::remove(path_ + "/" + Names(".sst").front());
  const auto before = FilesOf(path_);
  const auto dry = Repair(/*dry_run=*/true);
  ASSERT_TRUE(dry.ok()) << dry.status().ToString();
  EXPECT_TRUE(FilesOf(path_) == before);
  const auto repaired = Repair();
  ASSERT_TRUE(repaired.ok());
  EXPECT_EQ(dry->damage, repaired->damage);
  EXPECT_EQ(dry->lost, repaired->lost);
  EXPECT_EQ(dry->rebuilt, repaired->rebuilt);
  EXPECT_EQ(dry->kept, "");
  size_t entries = 0;  // the whole store, the data, the damaged store
  for (const auto& entry : fs::directory_iterator(directory_.path())) entries += entry.exists();
  EXPECT_EQ(entries, 3U);
}

TEST_F(RepairTest, GoesElsewhereWhenAskedAndTakesSnapshotsAlong) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Restore();
  Flip(path_ + "/" + Names(".sst").back(), 100);
  fs::create_directories(path_ + "/snapshots/1");
  RepairOptions options;
  options.path = path_;
  options.target = directory_ / "other";
  const auto before = FilesOf(path_);
  ASSERT_TRUE(RepairStorage(options).ok());
  EXPECT_TRUE(FilesOf(path_) == before);
  EXPECT_FALSE(FilesOf(options.target).empty());
  EXPECT_EQ(RepairStorage(options).status().code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(Repair().ok());
  EXPECT_TRUE(fs::exists(path_ + "/snapshots/1"));
}

TEST_F(RepairTest, RefusesWhatIsInUseAndWhatIsNoStore) {
  EXPECT_EQ(Repair().status().code(), StatusCode::kNotFound);
  fs::create_directory(path_);
  EXPECT_EQ(Repair().status().code(), StatusCode::kNotFound);
  EngineOptions options;
  options.path = path_;
  options.clock = &clock_;
  auto storage = OpenStorage(options);
  ASSERT_TRUE(storage.ok());
  const pid_t child = fork();  // locks are of a process
  if (child == 0) _exit(Repair().status().code() == StatusCode::kFailedPrecondition ? 0 : 1);
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Killed at any moment: the directory is as it was, or repaired.
TEST_F(RepairTest, AKilledRepairLeavesTheStoreAsItWasOrWhole) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  Restore();
  const std::string name = Names(".sst").back();
  Flip(path_ + "/" + name, 100);
  const auto damaged = FilesOf(path_);
  int untouched = 0;
  int whole = 0;
  // A repair takes milliseconds, or seconds under a sanitizer on a machine that is busy.
  for (int pause_us = 0; whole < 3 && pause_us < 60'000'000; pause_us += 1000 + pause_us / 5) {
    const pid_t child = fork();
    if (child == 0) {
      const std::string program = ProgramPath("tsdbctl");
      const std::string path = "--storage.path=" + path_;
      execl(program.c_str(), "tsdbctl", "-o", "csv", "repair", path.c_str(), nullptr);
      _exit(127);
    }
    usleep(static_cast<useconds_t>(pause_us));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << status;
    if (FilesOf(path_) == damaged) {
      ++untouched;
      continue;
    }
    ++whole;
    const auto again = Repair();
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_THAT(again->damage, IsEmpty());
    int kept = 0;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      if (entry.path().string().find(".damaged-") == std::string::npos) continue;
      kept += FilesOf(entry.path()) == damaged;
      fs::remove_all(entry.path());
    }
    EXPECT_EQ(kept, 1);
    Restore();
    Flip(path_ + "/" + name, 100);
  }
  EXPECT_GT(untouched, 3);
  EXPECT_EQ(whole, 3);
}

}  // namespace
}  // namespace tsdb::storage
