#include "storage/index/index_key.h"

namespace tsdb::storage {
namespace {

constexpr char kEscape = '\0';
constexpr char kSeparator = '\x01';    // after kEscape: the name ends
constexpr char kEscapedZero = '\xff';  // after kEscape: a zero byte of the name

}  // namespace

void AppendValuesPrefix(std::string* out, std::string_view name) {
  for (char c : name) {
    out->push_back(c);
    if (c == kEscape) out->push_back(kEscapedZero);
  }
  out->push_back(kEscape);
  out->push_back(kSeparator);
}

void AppendPostingKey(std::string* out, std::string_view name, std::string_view value) {
  AppendValuesPrefix(out, name);
  out->append(value);
}

bool ParsePostingKey(std::string_view key, std::string* name, std::string_view* value) {
  name->clear();
  for (size_t i = 0; i < key.size(); ++i) {
    if (key[i] != kEscape) {
      name->push_back(key[i]);
      continue;
    }
    if (++i == key.size()) return false;
    if (key[i] == kSeparator) {
      *value = key.substr(i + 1);
      return true;
    }
    if (key[i] != kEscapedZero) return false;
    name->push_back(kEscape);
  }
  return false;
}

std::string PrefixEnd(std::string_view prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.remove_suffix(1);
  std::string end(prefix);
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace tsdb::storage
