#include "query/influxql/influx_duration.h"

#include <array>
#include <utility>

#include "base/number.h"

namespace tsdb::influxql {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
// Those that begin like another one come first.
constexpr auto kUnits = std::to_array<Unit>({{"ns", 1},
                                             {"ms", 1'000'000},
                                             {"\xc2\xb5", 1'000},
                                             {"u", 1'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000},
                                             {"w", 604'800'000'000'000}});

const Unit* UnitAt(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

}  // namespace

Result<int64_t> ParseInfluxDuration(std::string_view text) {
  const auto invalid = [] { return InvalidArgument("invalid duration"); };
  const bool negative = text.starts_with('-');
  if (text.size() < 2) return invalid();
  if (negative) text.remove_prefix(1);
  uint64_t sum = 0;  // wraps around, as in Go
  std::string last;
  while (!text.empty()) {
    size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    const auto count = ParseInt64(text.substr(0, digits));
    const Unit* unit = UnitAt(text.substr(digits));
    if (!count.has_value() || unit == nullptr) return invalid();
    sum += static_cast<uint64_t>(*count) * static_cast<uint64_t>(unit->ns);
    last = std::to_string(*count) + std::string(unit->name);
    text.remove_prefix(digits + unit->name.size());
  }
  if (!negative && static_cast<int64_t>(sum) < 0) {
    return InvalidArgument("overflowed duration " + last + ": choose a smaller duration or INF");
  }
  return static_cast<int64_t>(negative ? -sum : sum);
}

std::string FormatInfluxDuration(int64_t ns) {
  if (ns == 0) return "0s";
  constexpr auto kLargestFirst = std::to_array<Unit>({{"w", 604'800'000'000'000},
                                                      {"d", 86'400'000'000'000},
                                                      {"h", 3'600'000'000'000},
                                                      {"m", 60'000'000'000},
                                                      {"s", 1'000'000'000},
                                                      {"ms", 1'000'000},
                                                      {"u", 1'000}});
  for (const Unit& unit : kLargestFirst) {
    if (ns % unit.ns == 0) return std::to_string(ns / unit.ns) + std::string(unit.name);
  }
  return std::to_string(ns) + "ns";
}

}  // namespace tsdb::influxql
