#include "query/influxql/privileges.h"

#include <gtest/gtest.h>

#include "query/influxql/parser.h"

namespace tsdb::influxql {
namespace {

std::vector<std::string> DatabasesToRead(const std::string& text) {
  const auto statements = ParseQuery(text, {});
  EXPECT_TRUE(statements.ok()) << statements.status().ToString();
  std::vector<std::string> databases;
  for (const RequiredPrivilege& one : RequiredPrivileges((*statements)[0])) {
    EXPECT_EQ(one.privilege, Privilege::kRead);
    databases.push_back(one.database);
  }
  return databases;
}

TEST(InfluxPrivileges, ShowNeedsTheRightToReadTheDatabaseInFrom) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(DatabasesToRead("SHOW SERIES ON a FROM b..cpu"), (Names{"a", "b"}));
  EXPECT_EQ(DatabasesToRead("SHOW FIELD KEYS ON a FROM b..cpu"), (Names{"a", "b"}));
  EXPECT_EQ(DatabasesToRead("SHOW FIELD KEYS ON a FROM cpu"), Names{"a"});
  EXPECT_EQ(DatabasesToRead("SHOW TAG KEYS ON a FROM b..cpu"), Names{"a"});
  EXPECT_EQ(DatabasesToRead("SHOW TAG KEY EXACT CARDINALITY ON a FROM b..cpu"), Names{"b"});
}

}  // namespace
}  // namespace tsdb::influxql
