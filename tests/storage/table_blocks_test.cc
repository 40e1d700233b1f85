#include "storage/rocks/table_blocks.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <rocksdb/cache.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include "storage/rocks/options.h"
#include "tests/support/child_process.h"
#include "tests/support/mutations.h"

namespace tsdb::storage {
namespace {

using Rows = std::map<std::string, std::string>;

struct TableFile {
  Rows rows;
  std::string bytes;
};

// As RocksDB writes it for the family. Half of the values cannot be compressed.
TableFile MakeTable(Family family, int count, size_t value_bytes) {
  TableFile table;
  std::mt19937_64 random(7);  // NOLINT(cert-msc51-cpp): the same every run
  const testing::TempDir directory;
  const std::string path = directory / "table";
  rocksdb::Options options(rocksdb::DBOptions(),
                           FamilyOptions(family, StoreOptions(), rocksdb::NewLRUCache(1 << 20)));
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), options);
  EXPECT_TRUE(writer.Open(path).ok());
  for (int i = 0; i < count; ++i) {
    char key[32];
    std::snprintf(key, sizeof key, "key%06d", i * 3);
    std::string value(value_bytes, 'v');
    if (i / 100 % 2 == 0) {
      for (char& c : value) c = static_cast<char>(random());
    }
    EXPECT_TRUE(writer.Put(key, value).ok());
    table.rows.emplace(key, value);
  }
  EXPECT_TRUE(writer.Finish().ok());
  table.bytes = testing::ReadFile(path);
  return table;
}

// What can be read of `bytes`; fails the test when it is not of the table, or a row is missing
// where no gap is told of.
Rows ReadRows(const TableFile& table, std::string_view bytes) {
  Rows found;
  TableBlocks blocks(bytes);
  std::vector<TableRow> rows;
  auto expected = table.rows.begin();
  while (blocks.Next(&rows)) {
    for (const TableRow& row : rows) {
      EXPECT_EQ(row.kind, TableRow::Kind::kValue);
      const auto known = table.rows.find(row.key);
      EXPECT_TRUE(known != table.rows.end() && known->second == row.value) << row.key;
      if (known == table.rows.end()) return found;
      EXPECT_TRUE(blocks.behind_gap() || known == expected) << row.key;
      expected = std::next(known);
      found.emplace(row.key, row.value);
    }
  }
  EXPECT_TRUE(blocks.behind_gap() || expected == table.rows.end());
  return found;
}

class TableBlocksTest : public ::testing::TestWithParam<Family> {
 protected:
  const TableFile table_ = MakeTable(GetParam(), 2000, 100);
};

INSTANTIATE_TEST_SUITE_P(Families, TableBlocksTest,
                         ::testing::Values(Family::kJournal, Family::kHashes, Family::kChunks));

TEST_P(TableBlocksTest, FindsEveryRowWithoutFooterAndIndex) {
  for (const size_t cut : {0, 1, 53, 200}) {
    SCOPED_TRACE(cut);
    EXPECT_EQ(ReadRows(table_, std::string_view(table_.bytes).substr(0, table_.bytes.size() - cut)),
              table_.rows);
  }
}

TEST_P(TableBlocksTest, OfACutFileFindsTheBlocksBeforeTheCut) {
  size_t most = 0;
  for (size_t size = 0; size < table_.bytes.size(); size += 1009) {
    SCOPED_TRACE(size);
    const Rows found = ReadRows(table_, std::string_view(table_.bytes).substr(0, size));
    EXPECT_GE(found.size(), most);
    EXPECT_TRUE(std::equal(found.begin(), found.end(), table_.rows.begin()));
    most = found.size();
  }
  EXPECT_GT(most, 1500U);
}

TEST_P(TableBlocksTest, ADamagedByteCostsAtMostItsBlock) {
  for (size_t at = 0; at < table_.bytes.size(); at += 397) {
    SCOPED_TRACE(at);
    std::string damaged = table_.bytes;
    damaged[at] = static_cast<char>(~damaged[at]);
    EXPECT_GT(ReadRows(table_, damaged).size(), table_.rows.size() - 700);
  }
}

TEST_P(TableBlocksTest, ReadsOnBehindAGapInTheMiddle) {
  std::string damaged = table_.bytes;
  std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(damaged.size() / 3), 5000, '\0');
  const Rows found = ReadRows(table_, damaged);
  EXPECT_TRUE(found.contains(table_.rows.begin()->first));
  EXPECT_TRUE(found.contains(table_.rows.rbegin()->first));
}

TEST_P(TableBlocksTest, OfWhateverBytesItReadsRowsInOrder) {
  testing::FeedMutations({table_.bytes, table_.bytes.substr(0, 5000)}, 100,
                         [&](const std::string& bytes) {
                           TableBlocks blocks(bytes);
                           std::vector<TableRow> rows;
                           std::string last;
                           while (blocks.Next(&rows)) {
                             ASSERT_FALSE(rows.empty());
                             for (const TableRow& row : rows) {
                               EXPECT_LT(last, row.key);
                               last = row.key;
                             }
                           }
                           TableBlocks::FamilyName(bytes);
                         });
}

TEST(TableBlocks, ALargeValueIsABlockOfItsOwn) {
  for (const Family family : {Family::kJournal, Family::kChunks}) {
    const TableFile table = MakeTable(family, 150, 200'000);
    EXPECT_EQ(ReadRows(table, std::string_view(table.bytes).substr(0, table.bytes.size() - 53)),
              table.rows);
  }
}

TEST(TableBlocks, WhatIsNoTableHasNoRows) {
  std::vector<TableRow> rows;
  for (const std::string& bytes :
       {std::string(), std::string(100'000, '\0'), std::string(100'000, '\xff')}) {
    TableBlocks blocks(bytes);
    EXPECT_FALSE(blocks.Next(&rows));
    EXPECT_FALSE(TableBlocks::FamilyName(bytes).has_value());
  }
}

}  // namespace
}  // namespace tsdb::storage
