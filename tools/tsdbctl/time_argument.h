// Times on a command line: what the HTTP API takes (RFC 3339, seconds), and times relative to now.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tsdb::tsdbctl {

// "now", "now-1h30m", "now+5m", "2026-01-02T15:04:05Z" or seconds since the epoch. Returns
// milliseconds.
Result<int64_t> ParseTimeArgument(std::string_view text, int64_t now_ms);

}  // namespace tsdb::tsdbctl
