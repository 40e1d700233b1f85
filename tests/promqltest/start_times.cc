#include "tests/promqltest/start_times.h"

#include <string>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"
#include "query/promql/parser.h"

namespace tsdb::promqltest {
namespace {

constexpr std::string_view kSuffix = "@st";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUnitLetter(char c) { return c >= 'a' && c <= 'z' && c != 'x'; }

// Takes a duration with an optional sign off the front of *text.
Result<int64_t> TakeDuration(std::string_view* text) {
  const bool negative = text->starts_with('-');
  size_t end = negative || text->starts_with('+') ? 1 : 0;
  const size_t begin = end;
  while (end < text->size() && IsDigit((*text)[end])) ++end;
  while (end < text->size() && IsUnitLetter((*text)[end])) ++end;
  ASSIGN_OR_RETURN(const int64_t duration_ms, ParseDurationMs(text->substr(begin, end - begin)));
  text->remove_prefix(end);
  return negative ? -duration_ms : duration_ms;
}

Result<uint64_t> ParseCount(std::string_view text) {
  const std::optional<uint64_t> count =
      text.starts_with('x') ? ParseUint64(text.substr(1)) : std::nullopt;
  if (!count.has_value() || *count > promql::kMaxSequenceValues) {
    return InvalidArgument("invalid repeat count " + GoQuote(text));
  }
  return *count;
}

Status ParseItem(std::string_view item, std::vector<std::optional<int64_t>>* offsets) {
  if (item.starts_with('_')) {
    uint64_t count = 1;
    if (item.size() > 1) {
      ASSIGN_OR_RETURN(count, ParseCount(item.substr(1)));
    }
    offsets->insert(offsets->end(), count, std::nullopt);
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(int64_t offset_ms, TakeDuration(&item));
  int64_t delta_ms = 0;
  if (item.starts_with('+') || item.starts_with('-')) {
    const int64_t sign = item.starts_with('-') ? -1 : 1;
    item.remove_prefix(1);
    ASSIGN_OR_RETURN(delta_ms, TakeDuration(&item));
    delta_ms *= sign;
    if (item.empty()) return InvalidArgument("expected x and a count after the step");
  }
  uint64_t count = 0;
  if (!item.empty()) {
    ASSIGN_OR_RETURN(count, ParseCount(item));
  }
  for (uint64_t i = 0; i <= count; ++i, offset_ms += delta_ms) offsets->push_back(offset_ms);
  return Status::Ok();
}

}  // namespace

bool IsStartTimeLine(std::string_view line) {
  const size_t end = line.find_first_of(" \t");
  return end != std::string_view::npos && line.substr(0, end).ends_with(kSuffix);
}

Result<StartTimeLine> ParseStartTimeLine(std::string_view line) {
  const size_t end = line.find_first_of(" \t");
  const std::string_view metric = line.substr(0, end - kSuffix.size());
  StartTimeLine parsed;
  ASSIGN_OR_RETURN(parsed.labels, promql::ParseMetric(metric));
  std::string items(line.substr(end));
  for (char& c : items) {
    if (c == '\t') c = ' ';
  }
  for (const std::string_view item : Split(items, ' ')) {
    if (item.empty()) continue;
    if (Status status = ParseItem(item, &parsed.offsets_ms); !status.ok()) {
      return std::move(status).Annotate("invalid @st item " + GoQuote(item));
    }
  }
  return parsed;
}

}  // namespace tsdb::promqltest
