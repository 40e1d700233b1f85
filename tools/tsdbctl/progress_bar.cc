#include "tools/tsdbctl/progress_bar.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

#include "base/clock.h"

namespace tsdb::tsdbctl {
namespace {

constexpr size_t kWidth = 30;
constexpr int64_t kRedrawNs = 100'000'000;

}  // namespace

std::string ProgressLine(size_t done_bytes, size_t total_bytes, uint64_t count,
                         const std::string& unit, double seconds) {
  char text[96];
  const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
  std::snprintf(text, sizeof(text), "%llu %s  %.0f/s", static_cast<unsigned long long>(count),
                unit.c_str(), rate);
  if (total_bytes == 0) return text;
  const double share = static_cast<double>(done_bytes) / static_cast<double>(total_bytes);
  const size_t filled = std::min(kWidth, static_cast<size_t>(share * kWidth));
  char percent[32];
  std::snprintf(percent, sizeof(percent), "] %3.0f%%  ", share * 100);
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + percent + text;
}

ProgressBar::ProgressBar(size_t total_bytes, std::string unit)
    : total_bytes_(total_bytes),
      unit_(std::move(unit)),
      enabled_(isatty(STDERR_FILENO) == 1),
      start_ns_(Clock::Real().MonotonicNs()) {}

ProgressBar::~ProgressBar() {
  if (enabled_) std::fputc('\n', stderr);
}

void ProgressBar::Update(size_t done_bytes, uint64_t count) {
  const int64_t now_ns = Clock::Real().MonotonicNs();
  if (!enabled_ || (now_ns - drawn_ns_ < kRedrawNs && done_bytes != total_bytes_)) return;
  drawn_ns_ = now_ns;
  const double seconds = static_cast<double>(now_ns - start_ns_) / 1e9;
  std::fprintf(stderr, "\r%s",
               ProgressLine(done_bytes, total_bytes_, count, unit_, seconds).c_str());
}

}  // namespace tsdb::tsdbctl
