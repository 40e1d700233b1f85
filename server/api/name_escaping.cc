#include "server/api/name_escaping.h"

#include <cstdio>

#include "base/utf8.h"
#include "model/labels.h"

namespace tsdb::server {
namespace {

bool IsLegacyRune(uint32_t rune, bool is_first) {
  return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') || rune == '_' ||
         rune == ':' || (rune >= '0' && rune <= '9' && !is_first);
}

// The code point at the front of `text`, taken off; kReplacementCharacter for a byte that begins
// none.
uint32_t TakeRune(std::string_view* text) {
  const uint8_t lead = static_cast<uint8_t>(text->front());
  const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0x80 || (lead >= 0xc2 && lead < 0xf5 && size <= text->size())) {
    uint32_t rune = size == 1 ? lead : lead & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; ++i) {
      rune = rune << 6 | (static_cast<uint8_t>((*text)[i]) & 0x3f);
    }
    text->remove_prefix(size);
    return rune;
  }
  text->remove_prefix(1);
  return kReplacementCharacter;
}

void AppendEscapedRune(uint32_t rune, bool is_first, NameEscaping escaping, std::string* out) {
  if (escaping != NameEscaping::kUnderscores && rune == '_') {
    out->append("__");
  } else if (escaping == NameEscaping::kDots && rune == '.') {
    out->append("_dot_");
  } else if (IsLegacyRune(rune, is_first)) {
    out->push_back(static_cast<char>(rune));
  } else if (escaping == NameEscaping::kUnderscores) {
    out->push_back('_');
  } else if (escaping == NameEscaping::kDots) {
    out->append("__");
  } else {
    char code[16];
    std::snprintf(code, sizeof(code), "_%x_", rune);
    out->append(code);
  }
}

}  // namespace

std::optional<NameEscaping> ParseNameEscaping(std::string_view text) {
  for (const NameEscaping escaping : {NameEscaping::kNone, NameEscaping::kUnderscores,
                                      NameEscaping::kDots, NameEscaping::kValues}) {
    if (text == NameEscapingText(escaping)) return escaping;
  }
  return std::nullopt;
}

std::string_view NameEscapingText(NameEscaping escaping) {
  switch (escaping) {
    case NameEscaping::kNone:
      return "allow-utf-8";
    case NameEscaping::kUnderscores:
      return "underscores";
    case NameEscaping::kDots:
      return "dots";
    case NameEscaping::kValues:
      return "values";
  }
  return "";
}

std::string EscapeName(std::string_view name, NameEscaping escaping) {
  if (escaping == NameEscaping::kNone || name.empty()) return std::string(name);
  if (escaping != NameEscaping::kDots && IsLegacyMetricName(name)) return std::string(name);
  std::string out = escaping == NameEscaping::kValues ? "U__" : "";
  std::string_view rest = name;
  while (!rest.empty()) {
    const bool is_first = rest.size() == name.size();
    AppendEscapedRune(TakeRune(&rest), is_first, escaping, &out);
  }
  return out;
}

std::string UnescapeLabelName(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out.push_back(name[i]);
      continue;
    }
    if (++i == name.size()) return std::string(name);
    if (name[i] == '_') {
      out.push_back('_');
      continue;
    }
    uint32_t code_point = 0;
    const size_t begin = i;
    for (; i < name.size() && name[i] != '_'; ++i) {
      const char c = name[i];
      const bool digit = c >= '0' && c <= '9';
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if ((!digit && !letter) || i - begin >= 6) return std::string(name);
      code_point = code_point * 16 + static_cast<uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    // Unescaped names are printed to the client and looked up, so a code point is all we take.
    if (i == name.size() || i == begin || !IsCodePoint(code_point)) return std::string(name);
    AppendUtf8(&out, code_point);
  }
  return out;
}

}  // namespace tsdb::server
