#include "server/memory_release.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

TEST(MemoryRelease, GivesBackWhatWasFreedBetweenWhatIsInUse) {
  constexpr size_t kPieces = 200'000;
  constexpr size_t kPieceBytes = 1000;
  std::vector<std::unique_ptr<char[]>> pieces(kPieces);
  std::thread other([&] {  // whose heap is not the main one
    for (auto& piece : pieces) {
      piece = std::make_unique<char[]>(kPieceBytes);  // zeroed, and thus resident
    }
  });
  other.join();
  for (size_t i = 0; i < kPieces; ++i) {
    if (i % 100 != 0) pieces[i].reset();
  }
  const size_t before = IdleHeapBytes();
  EXPECT_GT(before, kPieces * kPieceBytes / 2);
  ReleaseIdleHeap();
  EXPECT_LT(IdleHeapBytes(), before / 4);
}

}  // namespace
}  // namespace tsdb::server
