#include "storage/chunk/bit_io.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace tsdb::storage {
namespace {

TEST(BitIo, ReadsBackWhatWasWrittenAtEveryWidth) {
  std::mt19937_64 random(1);
  std::vector<std::pair<uint64_t, unsigned>> written;
  std::string bytes;
  BitWriter<std::string> writer(&bytes);
  for (int i = 0; i < 2000; ++i) {
    const unsigned width = 1 + unsigned(random() % 64);
    const uint64_t bits = random() >> (64 - width);
    written.emplace_back(bits, width);
    writer.WriteWide(bits, width);
  }
  writer.Flush();
  BitReader reader(bytes);
  for (const auto& [bits, width] : written) ASSERT_EQ(reader.ReadWide(width), bits);
  EXPECT_FALSE(reader.overrun());
}

TEST(BitIo, ContinuesAfterPendingBits) {
  std::string bytes;
  BitWriter<std::string> writer(&bytes);
  writer.Write(0b1011, 4);
  BitWriter<std::string> continued(&bytes, writer.pending(), writer.pending_count());
  continued.Write(0b0110, 4);
  EXPECT_EQ(bytes, "\xb6");
  EXPECT_EQ(continued.pending_count(), 0u);
}

TEST(BitIo, SaysWhenReadsWentPastTheEnd) {
  BitReader reader("\xff");
  EXPECT_EQ(reader.Read(8), 0xffu);
  EXPECT_FALSE(reader.overrun());
  EXPECT_EQ(reader.Read(20), 0u);
  EXPECT_TRUE(reader.overrun());
}

}  // namespace
}  // namespace tsdb::storage
