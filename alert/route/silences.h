// Silences: who asked for quiet about which alerts, and when. Thread-compatible; durability is the
// caller's, who stores what Encode gives before a change counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/matcher.h"

namespace tsdb::alert {

struct Silence {
  std::string id;
  Matchers matchers;
  int64_t starts_at_ns = 0;
  int64_t ends_at_ns = 0;
  int64_t updated_at_ns = 0;
  std::string created_by;
  std::string comment;
  std::vector<std::pair<std::string, std::string>> annotations;

  // "pending", "active" or "expired".
  std::string_view State(int64_t now_ns) const;

  std::string Encode() const;
  static Result<Silence> Decode(std::string_view bytes);
};

class SilenceSet {
 public:
  // What a new or changed silence makes of the set: silences to put, the last of them the one asked
  // for. kNotFound for an unknown id, kInvalidArgument for one that makes no sense; nothing is
  // changed yet.
  Result<std::vector<Silence>> Plan(Silence wanted, int64_t now_ns) const;
  // The silence as it is after being ended now. kNotFound; an expired one is given back unchanged.
  Result<Silence> PlanExpire(std::string_view id, int64_t now_ns) const;
  void Put(Silence silence);

  const Silence* Find(std::string_view id) const;
  size_t size() const { return silences_.size(); }
  const std::map<std::string, Silence, std::less<>>& all() const { return silences_; }

  // Ids of the active silences that match.
  std::vector<std::string> MutedBy(const Labels& labels, int64_t now_ns) const;

  // Removes what ended more than `retention_ns` ago and returns the ids.
  std::vector<std::string> Collect(int64_t now_ns, int64_t retention_ns);

 private:
  std::map<std::string, Silence, std::less<>> silences_;
};

// A random UUID, version 4.
std::string NewUuid();

}  // namespace tsdb::alert
