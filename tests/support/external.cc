#include "tests/support/external.h"

#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "base/text.h"
#include "tests/support/child_process.h"

namespace tsdb::testing {

namespace fs = std::filesystem;

std::string SourceDirectory() { return fs::current_path().string(); }  // ctest runs tests there

std::string SharedDirectory() {
  const char* named = std::getenv("TSDBD_SHARED");
  const fs::path path = named != nullptr ? fs::path(named) : fs::current_path() / ".." / "shared";
  return fs::is_directory(path) ? fs::canonical(path).string() : "";
}

bool HasProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string_view directory : Split(path == nullptr ? "" : path, ':')) {
    if (access((std::string(directory) + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool RunsInCi() {
  const char* value = std::getenv("CI");
  return value != nullptr && std::string_view(value) == "true";
}

Result<int> RunShell(const std::string& command, const std::string& directory,
                     const std::string& log_file, int64_t timeout_ms) {
  ChildProcess::Options options;
  options.arguments = {"/bin/sh", "-c", command};
  options.working_directory = directory;
  options.log_file = log_file;
  ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Start(options));
  return process.Wait(timeout_ms);
}

}  // namespace tsdb::testing
