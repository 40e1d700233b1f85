// Which alerts keep others quiet: inhibit_rules applied to the alerts of one instant. Immutable.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alert/alert.h"
#include "alert/notify/config.h"

namespace tsdb::alert {

class Inhibitor {
 public:
  // `rules` is borrowed. Alerts that have ended by `now_ns` are no sources.
  explicit Inhibitor(const std::vector<InhibitRule>& rules)
      : rules_(rules), sources_(rules.size()) {}
  void AddSource(const Alert& alert, int64_t now_ns);

  // The fingerprint of a source that mutes an alert with these labels.
  std::optional<uint64_t> MutedBy(const Labels& target) const;

 private:
  struct Source {
    Labels labels;
    int64_t ends_at_ns = 0;
  };
  static std::string EqualKey(const InhibitRule& rule, const Labels& labels);

  const std::vector<InhibitRule>& rules_;
  // For each rule, by the values of its `equal` labels: the source that ends last.
  std::vector<std::map<std::string, Source>> sources_;
};

}  // namespace tsdb::alert
