// The Label message of Prometheus' protocols: a name and a value.
#pragma once

#include <string>
#include <string_view>

#include "model/labels.h"
#include "proto/wire.h"

namespace tsdb::proto {

// False when malformed.
inline bool DecodeLabel(std::string_view bytes, Label* label) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      label->name = reader.Bytes();
    } else if (reader.Is(2, WireType::kBytes)) {
      label->value = reader.Bytes();
    } else {
      reader.SkipUnknown(0b110);
    }
  }
  return reader.ok();
}

inline void PutLabelField(std::string* out, uint32_t field, const Label& label) {
  std::string message;
  PutBytesField(&message, 1, label.name);
  PutBytesField(&message, 2, label.value);
  PutBytesField(out, field, message);
}

}  // namespace tsdb::proto
