#include "server/api/name_escaping.h"

#include <gtest/gtest.h>

namespace tsdb::server {
namespace {

TEST(NameEscaping, WritesEverySchemeAsPrometheusDoes) {
  const auto check = [](const char* name, const char* underscores, const char* dots,
                        const char* values) {
    SCOPED_TRACE(name);
    EXPECT_EQ(EscapeName(name, NameEscaping::kNone), name);
    EXPECT_EQ(EscapeName(name, NameEscaping::kUnderscores), underscores);
    EXPECT_EQ(EscapeName(name, NameEscaping::kDots), dots);
    EXPECT_EQ(EscapeName(name, NameEscaping::kValues), values);
  };
  // The cases of prometheus/common's own documentation, run there.
  check("mysystem_prod_west_cpu_load", "mysystem_prod_west_cpu_load",
        "mysystem__prod__west__cpu__load", "mysystem_prod_west_cpu_load");
  check("mysystem.prod.west.cpu.load", "mysystem_prod_west_cpu_load",
        "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
        "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load");
  check("http.status:sum", "http_status:sum", "http_dot_status:sum", "U__http_2e_status:sum");
  check("label with 😱", "label_with__", "label__with____", "U__label_20_with_20__1f631_");
  check("1abc", "_abc", "__abc", "U___31_abc");
  check("", "", "", "");
}

TEST(NameEscaping, UndoesTheSchemeValues) {
  for (const char* name : {"job.name", "a/b", "ü", "label with 😱", "a_b.c", "__x y__"}) {
    EXPECT_EQ(UnescapeLabelName(EscapeName(name, NameEscaping::kValues)), name);
  }
}

TEST(NameEscaping, TakesANameThatIsNoEscapeForItself) {
  for (const char* name : {"job", "U_", "U__bla_", "U__bla_zz_", "U__bla_1234567_", "U__bla_d800_",
                           "U__bla_110000_", "U__bla_2"}) {
    EXPECT_EQ(UnescapeLabelName(name), name);
  }
  EXPECT_EQ(UnescapeLabelName("U__"), "");
}

}  // namespace
}  // namespace tsdb::server
