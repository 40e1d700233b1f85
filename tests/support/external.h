// What some tests need from outside the checkout: the recordings and harnesses in ../shared, a JDK,
// Go. Where it is absent such a test is skipped loudly; under CI=true it fails.
#pragma once

#include <string>

#include "base/result.h"

namespace tsdb::testing {

// The folder ../shared beside the checkout, or what TSDBD_SHARED names; empty when absent.
std::string SharedDirectory();
// The root of the checkout.
std::string SourceDirectory();
bool HasProgram(const std::string& name);  // on PATH
bool RunsInCi();                           // CI=true

// Runs `command` by /bin/sh in `directory`, output into `log_file`; the exit status.
Result<int> RunShell(const std::string& command, const std::string& directory,
                     const std::string& log_file, int64_t timeout_ms);

}  // namespace tsdb::testing

// In a TEST body: skips it, or fails it under CI=true, unless `condition` holds.
#define TSDB_REQUIRE_EXTERNAL(condition, what)                                              \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      if (::tsdb::testing::RunsInCi()) FAIL() << "needs " << (what) << ", which is absent"; \
      GTEST_SKIP() << "SKIPPED LOUDLY: needs " << (what) << ", which is absent";            \
    }                                                                                       \
  } while (false)
