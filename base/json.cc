#include "base/json.h"

#include <cmath>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "base/check.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb {
namespace {

constexpr size_t kDepthMax = 200;
constexpr char kHex[] = "0123456789abcdef";

// Whether a byte of valid UTF-8 text stands for itself inside a JSON string. 0xE2 begins U+2028 and
// U+2029.
bool IsPlain(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0x20 && c != '"' && c != '\\' && byte != 0xE2;
}

void AppendEscape(std::string* out, char c) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  out->append("\\u00");
  out->push_back(kHex[static_cast<uint8_t>(c) >> 4]);
  out->push_back(kHex[static_cast<uint8_t>(c) & 0xF]);
}

// REQUIRES: `text` is valid UTF-8.
void AppendEscaped(std::string* out, std::string_view text) {
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsPlain(text[i])) continue;
    if (static_cast<uint8_t>(text[i]) == 0xE2) {
      const std::string_view tail = text.substr(i + 1, 2);
      if (tail != "\x80\xA8" && tail != "\x80\xA9") continue;
      // The line separators U+2028 and U+2029, which JavaScript used to refuse in string literals.
      out->append(text.substr(begin, i - begin));
      out->append(tail[1] == '\xA8' ? "\\u2028" : "\\u2029");
      i += 2;
    } else {
      out->append(text.substr(begin, i - begin));
      AppendEscape(out, text[i]);
    }
    begin = i + 1;
  }
  out->append(text.substr(begin));
}

bool IsPlainInHtml(char c) {
  return static_cast<uint8_t>(c) < 0x80 && IsPlain(c) && c != '<' && c != '>' && c != '&';
}

// As JsonEscapes::kHtml tells.
void AppendHtmlEscaped(std::string* out, std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const size_t begin = i;
    while (i < text.size() && IsPlainInHtml(text[i])) ++i;
    out->append(text.substr(begin, i - begin));
    if (i == text.size()) return;
    const char c = text[i];
    if (c == '\b' || c == '\f') {
      out->append(c == '\b' ? "\\u0008" : "\\u000c");
      ++i;
    } else if (static_cast<uint8_t>(c) < 0x80) {
      AppendEscape(out, c);
      ++i;
    } else if (const size_t size = Utf8SizeAt(text, i); size == 0) {
      out->append("\\ufffd");
      ++i;
    } else {
      AppendEscaped(out, text.substr(i, size));
      i += size;
    }
  }
}

}  // namespace

void AppendJsonString(std::string* out, std::string_view text, JsonEscapes escapes) {
  out->push_back('"');
  if (escapes == JsonEscapes::kHtml) {
    AppendHtmlEscaped(out, text);
  } else if (IsValidUtf8(text)) {
    AppendEscaped(out, text);
  } else {
    AppendEscaped(out, ToValidUtf8(text));
  }
  out->push_back('"');
}

void JsonWriter::Separate() {
  if (need_comma_) out_->push_back(',');
  need_comma_ = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_->push_back('{');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  DCHECK(out_->empty() || (out_->back() != ':' && out_->back() != '['));
  out_->push_back('}');
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_->push_back('[');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  DCHECK(out_->empty() || (out_->back() != ':' && out_->back() != '{'));
  out_->push_back(']');
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  DCHECK(out_->empty() || (out_->back() != ':' && out_->back() != '['));
  Separate();
  AppendJsonString(out_, key, escapes_);
  out_->push_back(':');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendJsonString(out_, value, escapes_);
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) {
  Separate();
  AppendInt(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Uint(uint64_t value) {
  Separate();
  AppendUint(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Double(double value) {
  if (!std::isfinite(value)) return Null();
  Separate();
  AppendJsonFloat(out_, value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_->append(json);
  return *this;
}

// Boost.JSON's parser calls the handler below; it keeps open containers on a stack and moves each
// finished value into the container around it.
class JsonTreeBuilder {
 public:
  // Names that Boost.JSON asks for.  NOLINTBEGIN(readability-identifier-naming)
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);
  // NOLINTEND(readability-identifier-naming)

  using Text = boost::json::string_view;
  using Error = boost::json::error_code;

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }

  bool on_object_begin(Error&) { return Open(JsonValue::Kind::kObject); }
  bool on_object_end(size_t, Error&) { return Close(); }
  bool on_array_begin(Error&) { return Open(JsonValue::Kind::kArray); }
  bool on_array_end(size_t, Error&) { return Close(); }

  bool on_key_part(Text part, size_t, Error&) { return AddText(part); }
  bool on_key(Text part, size_t, Error&) {
    AddText(part);
    open_.back().object_.emplace_back(TakeText(), JsonValue());
    return true;
  }
  bool on_string_part(Text part, size_t, Error&) { return AddText(part); }
  bool on_string(Text part, size_t, Error&) { return AddScalar(JsonValue::Kind::kString, part); }

  bool on_number_part(Text part, Error&) { return AddText(part); }
  bool on_int64(int64_t, Text part, Error&) { return AddScalar(JsonValue::Kind::kNumber, part); }
  bool on_uint64(uint64_t, Text part, Error&) { return AddScalar(JsonValue::Kind::kNumber, part); }
  bool on_double(double, Text part, Error&) { return AddScalar(JsonValue::Kind::kNumber, part); }

  bool on_bool(bool value, Error&) {
    JsonValue node;
    node.kind_ = JsonValue::Kind::kBool;
    node.boolean_ = value;
    return Put(std::move(node));
  }
  bool on_null(Error&) { return Put(JsonValue()); }

  bool on_comment_part(Text, Error&) { return true; }
  bool on_comment(Text, Error&) { return true; }

  JsonValue Take() { return std::move(root_); }

 private:
  bool AddText(Text part) {
    text_.append(part.data(), part.size());
    return true;
  }

  std::string TakeText() { return std::exchange(text_, std::string()); }

  bool AddScalar(JsonValue::Kind kind, Text part) {
    AddText(part);
    JsonValue node;
    node.kind_ = kind;
    node.text_ = TakeText();
    return Put(std::move(node));
  }

  bool Open(JsonValue::Kind kind) {
    open_.emplace_back().kind_ = kind;
    return true;
  }

  bool Close() {
    JsonValue node = std::move(open_.back());
    open_.pop_back();
    return Put(std::move(node));
  }

  bool Put(JsonValue node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else if (open_.back().kind_ == JsonValue::Kind::kArray) {
      open_.back().array_.push_back(std::move(node));
    } else {
      open_.back().object_.back().second = std::move(node);
    }
    return true;
  }

  std::vector<JsonValue> open_;
  std::string text_;  // of a string or number that comes in parts
  JsonValue root_;
};

Result<JsonValue> JsonValue::Parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::basic_parser<JsonTreeBuilder> parser(options);
  boost::json::error_code error;
  const size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = boost::json::error::extra_data;
  if (error) {
    return InvalidArgument("cannot parse JSON at offset " + std::to_string(consumed) + ": " +
                           error.message());
  }
  return parser.handler().Take();
}

double JsonValue::number() const {
  DCHECK(is_number());
  return ParseFloat(text_).value_or(std::nan(""));
}

const JsonValue& JsonValue::Find(std::string_view key) const {
  static const JsonValue null;
  for (auto it = object_.rbegin(); it != object_.rend(); ++it) {
    if (it->first == key) return it->second;
  }
  return null;
}

std::string JsonValue::StringOr(std::string_view key, std::string_view fallback) const {
  const JsonValue& value = Find(key);
  return value.is_string() ? value.text() : std::string(fallback);
}

}  // namespace tsdb
