// A child process of a test: started, watched, signalled, and never left behind.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace tsdb::testing {

class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> arguments;                            // [0] is the program's path
    std::vector<std::pair<std::string, std::string>> environment;  // on top of ours
    std::string working_directory;                                 // empty: ours
    std::string log_file;  // standard output and error are appended here
  };

  static Result<ChildProcess> Start(const Options& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  // Kills and reaps a process that still runs, with the process group it leads.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  bool Running();
  void Signal(int signal) const;
  // The exit status, or -signal; nullopt-like kDeadlineExceeded when it has not ended in time.
  Result<int> Wait(int64_t timeout_ms);

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  bool ended_ = false;
  int exit_status_ = 0;
};

// A directory that is deleted with this object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// A TCP port on 127.0.0.1 that was free a moment ago.
int FreePort();

void WriteFile(const std::string& path, std::string_view text);
std::string ReadFile(const std::string& path);

// Waits until `condition` holds, asking every 50 ms; false when `timeout_ms` have passed.
template <typename Condition>
bool Eventually(int64_t timeout_ms, Condition condition);

void SleepMs(int64_t milliseconds);

template <typename Condition>
bool Eventually(int64_t timeout_ms, Condition condition) {
  for (int64_t waited_ms = 0;; waited_ms += 50) {
    if (condition()) return true;
    if (waited_ms >= timeout_ms) return false;
    SleepMs(50);
  }
}

}  // namespace tsdb::testing
