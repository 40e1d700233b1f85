// A progress bar on standard error, when that is a terminal; nothing otherwise. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tsdb::tsdbctl {

class ProgressBar {
 public:
  // `total_bytes` of input, 0 if that is not known: then there are numbers only; `unit` names what
  // is counted besides ("lines").
  ProgressBar(size_t total_bytes, std::string unit);
  // Ends the line that the bar stands on.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws at most ten times a second, and at the end.
  void Update(size_t done_bytes, uint64_t count);

 private:
  const size_t total_bytes_;
  const std::string unit_;
  const bool enabled_;
  const int64_t start_ns_;
  int64_t drawn_ns_ = 0;
};

// "[#####.....]  50%  12345 lines  4321/s"; what Update draws. Without a total "12345 lines
// 4321/s".
std::string ProgressLine(size_t done_bytes, size_t total_bytes, uint64_t count,
                         const std::string& unit, double seconds);

}  // namespace tsdb::tsdbctl
