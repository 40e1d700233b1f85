// What the engine makes of a full disk and of damaged bytes.
#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "storage/rocks/extended_log.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::HasSubstr;

TEST(ExtendedLog, IsLongerThanWhatIsWrittenUntilItIsClosed) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto memory = MemoryDisk::NewEnv(disk);
  const auto env = ExtendLogs(memory.get());
  ASSERT_TRUE(env->CreateDirIfMissing("/data").ok());
  const std::string text(3000, 'x');
  for (const char* name : {"/data/1.log", "/data/1.sst"}) {
    std::unique_ptr<rocksdb::WritableFile> file;
    ASSERT_TRUE(env->NewWritableFile(name, &file, rocksdb::EnvOptions()).ok());
    std::string written;
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(file->Append(text).ok());
      ASSERT_TRUE(file->Sync().ok());
      written += text;
    }
    std::string read;
    ASSERT_TRUE(rocksdb::ReadFileToString(env.get(), name, &read).ok());
    const bool is_log = std::string(name).ends_with(".log");
    EXPECT_EQ(read.size() > written.size(), is_log) << name;
    EXPECT_LE(read.size(), written.size() * 2) << name;
    EXPECT_EQ(read.substr(0, written.size()), written);
    EXPECT_EQ(read.find_first_not_of('\0', written.size()), std::string::npos);
    ASSERT_TRUE(file->Close().ok());
    EXPECT_EQ(disk->FileSize(name), written.size()) << name;
  }
}

TEST(ExtendedLog, TakesWhatADiskWithoutMoreRoomStillTakes) {
  const auto disk = std::make_shared<MemoryDisk>();
  const auto memory = MemoryDisk::NewEnv(disk);
  const auto env = ExtendLogs(memory.get());
  ASSERT_TRUE(env->CreateDirIfMissing("/data").ok());
  std::unique_ptr<rocksdb::WritableFile> file;
  ASSERT_TRUE(env->NewWritableFile("/data/1.log", &file, rocksdb::EnvOptions()).ok());
  disk->set_capacity(6000);
  EXPECT_TRUE(file->Append(std::string(3000, 'x')).ok());
  EXPECT_TRUE(file->Append(std::string(3000, 'x')).ok());
  EXPECT_FALSE(file->Append("x").ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_EQ(disk->FileSize("/data/1.log"), 6000U);
}

class DiskTest : public EngineTest {
 protected:
  TestBatch Row(int64_t time, int series = 50) const {
    TestBatch batch;
    for (int i = 0; i < series; ++i) {
      const auto noise = static_cast<double>(
          (static_cast<uint64_t>(time) * 31 + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15ULL >>
          20);
      batch.Float({{"__name__", "m"}, {"i", std::to_string(i)}}, time, noise);
    }
    return batch;
  }
};

TEST_F(DiskTest, FullDiskRefusesWritesKeepsReadingAndComesBackByItself) {
  MetricsRegistry registry;
  EngineOptions options = Options();
  options.metrics = &registry;
  options.maintenance_interval_ms = 5;
  Open(options);
  TestBatch first = Row(kNow);
  Append(first);
  disk_->set_capacity(disk_->size_bytes() + 20'000);
  size_t stored = 50;
  Status refused;
  for (int i = 1; i < 10'000 && refused.ok(); ++i) {
    TestBatch row = Row(kNow + i);
    const auto report = storage_->Append(row.batch());
    if (report.ok()) stored += 50;
    refused = report.status();
  }
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("disk is full"));
  TestBatch more = Row(kNow + 20'000);
  const auto second = storage_->Append(more.batch());
  EXPECT_EQ(second.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("disk is full"));
  EXPECT_EQ(MetricValue(registry, "tsdbd_storage_read_only"), 1);
  EXPECT_GE(CountSamples(), stored);

  disk_->set_capacity(0);
  bool is_back = false;
  for (int i = 0; i < 2000 && !is_back; ++i) {
    TestBatch again = Row(kNow + 30'000);
    is_back = storage_->Append(again.batch()).ok();
    if (!is_back) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_TRUE(is_back);
  EXPECT_EQ(MetricValue(registry, "tsdbd_storage_read_only"), 0);
  ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
  const size_t after = CountSamples();
  EXPECT_GE(after, stored + 50);
  // What was refused may have reached the disk, whole.
  EXPECT_EQ(after % 50, 0U);
}

// RocksDB tries by itself to go on, and closing must not wait for that.
TEST_F(DiskTest, ClosesWhileTheDiskIsFull) {
  Open();
  TestBatch first = Row(kNow);
  Append(first);
  for (int round = 1; round <= 3; ++round) {
    const size_t stored = CountSamples();
    disk_->set_capacity(disk_->size_bytes() + 5'000);
    Status refused;
    for (int i = 1; i < 10'000 && refused.ok(); ++i) {
      TestBatch row = Row(kNow + round * 10'000 + i);
      refused = storage_->Append(row.batch()).status();
    }
    EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * round));
    Close();
    disk_->set_capacity(0);
    Open();
    EXPECT_GE(CountSamples(), stored);
  }
}

// The disk fills up while tables are written instead of the journal.
TEST_F(DiskTest, FullDiskDuringACheckpointOrRewriteLosesNothing) {
  Open();
  for (int i = 0; i < 40; ++i) {
    TestBatch row = Row(kNow + i * 1000, 200);
    Append(row);
    if (i % 10 == 9) Checkpoint();
  }
  TestBatch last = Row(kNow + 100'000, 200);
  Append(last);
  const size_t stored = CountSamples();
  const uint64_t before = disk_->size_bytes();
  for (uint64_t room = 0; room < 40'000; room += 2'500) {
    disk_->set_capacity(before + room);
    (void)storage_->Compact();
    EXPECT_EQ(CountSamples(), stored) << "with room for " << room;
    ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
    EXPECT_EQ(CountSamples(), stored) << "opened again, with room for " << room;
  }
  ASSERT_TRUE(storage_->Compact().ok());
  EXPECT_EQ(CountSamples(), stored);
  EXPECT_LT(disk_->size_bytes(), before);  // nothing is left of what failed
}

// A store of three checkpoints, of which each test opens copies with one damaged byte.
class DamagedBlockTest : public DiskTest {
 protected:
  size_t Fill() {  // the samples that it wrote
    Open();
    for (int i = 0; i < 300; ++i) {
      TestBatch row = Row(kNow + i * 1000, 400);
      Append(row);
      if (i % 100 == 99) Checkpoint();
    }
    const size_t stored = CountSamples();
    Close();
    image_ = disk_->TakeImage();
    source_ = disk_;
    return stored;
  }

  // The tables that hold more than a few rows, with their sizes.
  std::vector<std::pair<std::string, uint64_t>> Tables() const {
    std::vector<std::pair<std::string, uint64_t>> tables;
    for (const std::string& path : source_->FilesWith(".sst")) {
      const uint64_t size = source_->FileSize(path);
      if (size >= 2000) tables.emplace_back(path, size);
    }
    return tables;
  }

  void OpenDamaged(const std::string& path, uint64_t offset) {
    Close();
    UseDisk(std::make_shared<MemoryDisk>(*source_, image_, MemoryDisk::Loss::kNothing, 0));
    disk_->Damage(path, offset);
    Open();
  }

 private:
  MemoryDisk::Image image_;
  std::shared_ptr<MemoryDisk> source_;
};

TEST_F(DamagedBlockTest, CostsAtMostItselfAndIsNamed) {
  const size_t stored = Fill();
  size_t most_lost = 0;
  int damaged_files = 0;
  for (const auto& [path, size] : Tables()) {
    ASSERT_NO_FATAL_FAILURE(OpenDamaged(path, size / 3));  // the server starts
    ++damaged_files;
    SCOPED_TRACE(path);
    const CancelToken never;
    const auto selection = storage_->Select({}, never);
    if (!selection.ok()) {  // a block of the index: it says so
      EXPECT_EQ(selection.status().code(), StatusCode::kDataLoss);
      EXPECT_THAT(std::string(selection.status().message()), HasSubstr(".sst"));
      continue;
    }
    int damaged = 0;
    const size_t found = CountSamples({}, &damaged);
    most_lost = std::max(most_lost, stored - found);
    EXPECT_TRUE(found == stored || damaged > 0);
    // Others are read, and new samples are taken.
    TestBatch row = Row(kNow + 400'000, 400);
    EXPECT_EQ(Append(row).stored_points, 400U);
    Checkpoint();
    ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
    damaged = 0;
    EXPECT_EQ(CountSamples({}, &damaged), found + 400);
  }
  EXPECT_GT(damaged_files, 0);
  EXPECT_GT(most_lost, 0U);
  // A block holds 32 KiB of one segment, here less than half of one.
  EXPECT_LT(most_lost, stored / 3);
}

// A segment that could not be rewritten would be tried again every round, and its day never be
// sealed.
TEST_F(DamagedBlockTest, IsLeftOutOfARewrite) {
  Fill();
  int rewritten = 0;
  for (const auto& [path, size] : Tables()) {
    for (const uint64_t where : {uint64_t{100}, size / 3, size / 2}) {
      SCOPED_TRACE(path + " at " + std::to_string(where));
      ASSERT_NO_FATAL_FAILURE(OpenDamaged(path, where));
      const CancelToken never;
      if (!storage_->Select({}, never).ok()) continue;  // the index
      int damaged = 0;
      const size_t found = CountSamples({}, &damaged);
      if (damaged == 0) continue;  // the journal, or nothing that is read
      (void)storage_->Compact();   // RocksDB cannot compact the damaged file and says so
      damaged = 0;
      EXPECT_EQ(CountSamples({}, &damaged), found);
      EXPECT_EQ(damaged, 0);
      ASSERT_NO_FATAL_FAILURE(CrashAndReopen(MemoryDisk::Loss::kUnsynced));
      EXPECT_EQ(CountSamples({}, &damaged), found);
      EXPECT_EQ(damaged, 0);
      ++rewritten;
    }
  }
  EXPECT_GT(rewritten, 3);
}

}  // namespace
}  // namespace tsdb::storage
