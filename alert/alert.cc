#include "alert/alert.h"

#include <cstdio>

#include "base/coding.h"
#include "base/json.h"

namespace tsdb::alert {

std::string EncodeTexts(const TextMap& texts) {
  std::string out;
  for (const auto& [name, text] : texts) {
    PutBytes(&out, name);
    PutBytes(&out, text);
  }
  return out;
}

Result<TextMap> DecodeTexts(std::string_view bytes) {
  TextMap texts;
  while (!bytes.empty()) {
    std::string_view name, text;
    if (!GetBytes(&bytes, &name) || !GetBytes(&bytes, &text) || name.empty())
      return DataLoss("encoded texts are cut short");
    texts.insert_or_assign(std::string(name), std::string(text));
  }
  return texts;
}

void WriteTexts(JsonWriter* json, const TextMap& texts) {
  json->BeginObject();
  for (const auto& [name, text] : texts) json->Key(name).String(text);
  json->EndObject();
}

void WriteLabels(JsonWriter* json, const Labels& labels) {
  json->BeginObject();
  for (const Label& label : labels) json->Key(label.name).String(label.value);
  json->EndObject();
}

Labels ToLabels(const TextMap& texts) {
  Labels labels;
  for (const auto& [name, text] : texts) labels.Set(name, text);
  return labels;
}

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
