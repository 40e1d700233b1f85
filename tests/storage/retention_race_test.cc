// Retention and what has only just been written.
#include <chrono>
#include <thread>

#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

// A past day whose series on disk all belong to a dropped database, and a new database's sample of
// that day in the head: the day must not be dropped with it.
TEST_F(EngineTest, DayOfADroppedDatabaseIsKeptForTheNextOnesSamples) {
  EngineOptions options = Options();
  options.maintenance_interval_ms = 1;
  Open(options);
  const int64_t then = kNow - 10 * 86'400'000LL;
  for (int round = 0; round < 20; ++round) {
    const PolicyId gone = CreateDatabase("gone");
    TestBatch old(gone);
    old.Float({{"__name__", "old"}}, then, round);
    Append(old);
    Checkpoint();
    ASSERT_TRUE(storage_->catalog().DropDatabase("gone").ok());
    const PolicyId next = CreateDatabase("next");
    TestBatch fresh(next);
    fresh.Float({{"__name__", "fresh"}}, then, round);
    Append(fresh);
    // Several rounds of maintenance.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(Read({Equal("__name__", "fresh")}).size(), 1U) << "round " << round;
    ASSERT_TRUE(storage_->catalog().DropDatabase("next").ok());
  }
}

}  // namespace
}  // namespace tsdb::storage
