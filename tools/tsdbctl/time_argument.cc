#include "tools/tsdbctl/time_argument.h"

#include <string>

#include "base/duration.h"

namespace tsdb::tsdbctl {

Result<int64_t> ParseTimeArgument(std::string_view text, int64_t now_ms) {
  if (text == "now") return now_ms;
  if (text.starts_with("now-") || text.starts_with("now+")) {
    ASSIGN_OR_RETURN(const int64_t distance_ms, ParseDurationMs(text.substr(4)));
    return text[3] == '-' ? now_ms - distance_ms : now_ms + distance_ms;
  }
  Result<int64_t> time_ms = ParseTimestampMs(text);
  if (time_ms.ok()) return time_ms;
  return InvalidArgument("cannot read the time \"" + std::string(text) +
                         "\": RFC 3339, seconds since the epoch, now, or now-1h");
}

}  // namespace tsdb::tsdbctl
