// Whose a series is. A database is the unit of isolation, retention and budgets. A policy is one
// retention policy of one database ("autogen" of "flink"); its id is part of every stored key, so that
// the same labels in two policies are two series. Ids are persisted and never used again.
#pragma once

#include <compare>
#include <cstdint>

namespace tsdb {

struct DatabaseId {
  uint32_t value = 0;
  friend auto operator<=>(const DatabaseId&, const DatabaseId&) = default;
};

struct PolicyId {
  uint32_t value = 0;
  friend auto operator<=>(const PolicyId&, const PolicyId&) = default;
};

// The database `prometheus` and its only policy exist in every store.
inline constexpr DatabaseId kPrometheusDatabase{1};
inline constexpr PolicyId kPrometheusPolicy{1};

}  // namespace tsdb
