// An alert as it travels from rules, monitor items and POST /api/v2/alerts to the notification
// engine. Value type. Times are nanoseconds since the Unix epoch; 0 means "not set".
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/result.h"
#include "model/labels.h"

namespace tsdb {
class JsonWriter;
}

namespace tsdb::alert {

// Texts by name: annotations, and the labels of a rule before they are expanded. An empty text is
// one of them, where Labels have no empty value.
using TextMap = std::map<std::string, std::string>;

// As EncodeLabels() writes them; kDataLoss when bytes do not decode.
std::string EncodeTexts(const TextMap& texts);
Result<TextMap> DecodeTexts(std::string_view bytes);
// An object of them.
void WriteTexts(JsonWriter* json, const TextMap& texts);
void WriteLabels(JsonWriter* json, const Labels& labels);
// Those that are not empty.
Labels ToLabels(const TextMap& texts);

struct Alert {
  Labels labels;
  TextMap annotations;  // not part of the identity
  int64_t starts_at_ns = 0;
  int64_t ends_at_ns = 0;  // in the past: resolved; 0 or in the future: firing
  std::string generator_url;

  // Kept by the notification engine.
  int64_t updated_at_ns = 0;
  bool timeout = false;  // ends_at was made up from resolve_timeout

  // An alert counts as resolved from the instant it ends at.
  bool ResolvedAt(int64_t now_ns) const { return ends_at_ns != 0 && ends_at_ns <= now_ns; }
};

// Alertmanager's fingerprint: FNV-1a over name, 0xff, value, 0xff in order of names.
uint64_t Fingerprint(const Labels& labels);
std::string FingerprintHex(uint64_t fingerprint);  // 16 lower-case digits

}  // namespace tsdb::alert
