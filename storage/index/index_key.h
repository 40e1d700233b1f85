// The key of a posting list: label name, a separator, label value. Keys sort by name, then by
// value, in byte order, so the values of a label are the keys that begin with ValuesPrefix(name),
// and those that begin with some text are a prefix scan too. Callers put their own prefix
// (partition, policy) before it. In names 0x00 is written 0x00 0xff; the separator is 0x00 0x01;
// the value is written as it is.
#pragma once

#include <string>
#include <string_view>

namespace tsdb::storage {

void AppendPostingKey(std::string* out, std::string_view name, std::string_view value);
// Everything up to the value.
void AppendValuesPrefix(std::string* out, std::string_view name);
// False when malformed. `name` is overwritten, `value` points into `key`.
bool ParsePostingKey(std::string_view key, std::string* name, std::string_view* value);
// The smallest key that is greater than all keys that begin with `prefix`; empty when there is
// none.
std::string PrefixEnd(std::string_view prefix);

}  // namespace tsdb::storage
