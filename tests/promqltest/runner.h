// Runs PromQL test files against the engine, on samples in memory, exactly as Prometheus' own
// runner does: every instant query several ways (../shared/promqltest/README.md, section 7), all
// features on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::promqltest {

struct Failure {
  size_t line = 0;    // of the command, from 1
  std::string query;  // empty for other commands than eval
  std::string message;
};

struct FileReport {
  size_t passed = 0;              // eval commands whose every run held
  std::vector<Failure> failures;  // one for each other eval command, load or unreadable file
};

// Commands after a failing one are still run.
FileReport RunTestText(std::string_view text);

}  // namespace tsdb::promqltest
