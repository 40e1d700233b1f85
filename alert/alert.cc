#include "alert/alert.h"

#include <cstdio>

namespace tsdb::alert {

uint64_t Fingerprint(const Labels& labels) {
  constexpr std::string_view kSeparator = "\xff";
  uint64_t state = FnvHash64("");
  for (const Label& label : labels) {
    state = FnvHash64(label.name, state);
    state = FnvHash64(kSeparator, state);
    state = FnvHash64(label.value, state);
    state = FnvHash64(kSeparator, state);
  }
  return state;
}

std::string FingerprintHex(uint64_t fingerprint) {
  char buffer[20];
  std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(fingerprint));
  return buffer;
}

}  // namespace tsdb::alert
