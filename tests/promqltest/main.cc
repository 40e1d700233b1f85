// promqltest [-q] FILE...: runs PromQL test files, prints every failure, the counts of each file
// and of all. Ends with 1 when something failed, with 2 when a file could not be read.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/promqltest/runner.h"

namespace {

bool ReadFile(const char* path, std::string* text) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  text->assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return !file.bad();
}

void PrintFailures(const char* path, const tsdb::promqltest::FileReport& report) {
  for (const tsdb::promqltest::Failure& failure : report.failures) {
    std::printf("%s:%zu: %s\n    %s\n", path, failure.line, failure.query.c_str(),
                failure.message.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool quiet = false;
  size_t passed = 0;
  size_t failed = 0;
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "-q") {
      quiet = true;
      continue;
    }
    std::string text;
    if (!ReadFile(argv[i], &text)) {
      std::fprintf(stderr, "promqltest: cannot read %s\n", argv[i]);
      return 2;
    }
    const tsdb::promqltest::FileReport report = tsdb::promqltest::RunTestText(text);
    if (!quiet) PrintFailures(argv[i], report);
    std::printf("%s: %zu passed, %zu failed\n", argv[i], report.passed, report.failures.size());
    std::fflush(stdout);
    passed += report.passed;
    failed += report.failures.size();
    ++files;
  }
  if (files == 0) {
    std::fprintf(stderr, "usage: promqltest [-q] FILE...\n");
    return 2;
  }
  std::printf("%zu passed, %zu failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
