#include "base/yaml.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <unordered_map>

#include <yaml-cpp/yaml.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb {
namespace {

constexpr int kDepthMax = 100;

// A comment put behind every text: yaml-cpp misses that a quoted text is not closed when a line end
// is the last thing there is.
constexpr std::string_view kLastLine = "\n#";

std::string LinePrefix(int line) { return line > 0 ? "line " + std::to_string(line) + ": " : ""; }

Status SyntaxError(int line, std::string_view reason) {
  return InvalidArgument(LinePrefix(line) + std::string(reason));
}

std::string_view KindName(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kAbsent:
      return "absent";
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      return "a scalar";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "unknown";
}

// "line 3: scrape_interval must be a duration, not a list".
Status WrongForm(const YamlNode& node, std::string_view what, std::string_view wanted) {
  if (node.absent()) return InvalidArgument(std::string(what) + " is missing");
  const std::string found = node.kind() == YamlNode::Kind::kScalar
                                ? GoQuote(node.scalar())
                                : std::string(KindName(node.kind()));
  return InvalidArgument(LinePrefix(node.line()) + std::string(what) + " must be " +
                         std::string(wanted) + ", not " + found);
}

std::string WithoutUnderscores(std::string_view text) {
  std::string out(text);
  std::erase(out, '_');
  return out;
}

// An integer in go-yaml's spellings: 42, -1_000, 0x1f, 0o17, 0b101 and YAML 1.1's octal 017.
std::optional<int64_t> ParseYamlInt(std::string_view text) {
  const std::string plain = WithoutUnderscores(text);
  std::string_view digits = plain;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const std::string_view prefix = digits.substr(0, 2);
    base = prefix == "0x" || prefix == "0X" ? 16 : prefix == "0b" || prefix == "0B" ? 2 : 8;
    const bool has_letter = base != 8 || prefix == "0o" || prefix == "0O";
    digits.remove_prefix(has_letter ? 2 : 1);
  }
  if (digits.starts_with('-') || digits.starts_with('+')) return std::nullopt;
  const std::string signed_digits = (negative ? "-" : "") + std::string(digits);
  int64_t value = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto read = std::from_chars(signed_digits.data(), end, value, base);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> ParseYamlDouble(std::string_view text) {
  if (const auto whole = ParseYamlInt(text)) return static_cast<double>(*whole);
  const std::string lower = ToLower(text);
  if (lower == ".inf" || lower == "+.inf") return std::numeric_limits<double>::infinity();
  if (lower == "-.inf") return -std::numeric_limits<double>::infinity();
  if (lower == ".nan") return ParseFloat("nan");
  return ParseFloat(WithoutUnderscores(text));
}

// YAML 1.1's booleans, which go-yaml reads too.
std::optional<bool> ParseYamlBool(std::string_view text) {
  const std::string lower = ToLower(text);
  const bool one_case = text == lower || text == ToUpper(text) || text.substr(1) == lower.substr(1);
  if (!one_case) return std::nullopt;
  for (const std::string_view yes : {"true", "yes", "on", "y"}) {
    if (lower == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "n"}) {
    if (lower == no) return false;
  }
  return std::nullopt;
}

}  // namespace

// Turns yaml-cpp's graph, in which aliases share nodes, into our tree. Both depth and size are
// limited, because an alias may contain itself or be repeated without end ("billion laughs").
class YamlTreeBuilder {
 public:
  explicit YamlTreeBuilder(size_t text_size_bytes) : nodes_left_(10'000 + text_size_bytes * 10) {}

  Result<YamlNode> Build(const YAML::Node& from, int parent_line, int depth) {
    const int line = LineOf(from, parent_line);
    if (depth > kDepthMax) return SyntaxError(line, "nested too deeply");
    if (nodes_left_ == 0) return SyntaxError(line, "aliases expand to too many nodes");
    --nodes_left_;
    YamlNode node;
    node.line_ = line;
    if (!from.IsNull() && from.Mark().column >= 0) node.column_ = from.Mark().column + 1;
    switch (from.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        node.kind_ = YamlNode::Kind::kNull;
        break;
      case YAML::NodeType::Scalar:
        node.kind_ = YamlNode::Kind::kScalar;
        node.scalar_ = from.Scalar();
        node.quoted_ = from.Tag() == "!" || from.Tag() == "tag:yaml.org,2002:str";
        break;
      case YAML::NodeType::Sequence:
        node.kind_ = YamlNode::Kind::kSequence;
        for (const YAML::Node& item : from) {
          ASSIGN_OR_RETURN(YamlNode built, Build(item, line, depth + 1));
          node.items_.push_back(std::move(built));
        }
        break;
      case YAML::NodeType::Map:
        RETURN_IF_ERROR(BuildMap(from, depth, &node));
        break;
    }
    return node;
  }

 private:
  // An empty value has yaml-cpp's mark of whatever follows it, so its key or list tells the line.
  static int LineOf(const YAML::Node& node, int parent_line) {
    const int line = node.Mark().line;
    return line < 0 || !node.IsDefined() || node.IsNull() ? parent_line : line + 1;
  }

  Status BuildMap(const YAML::Node& from, int depth, YamlNode* node) {
    node->kind_ = YamlNode::Kind::kMap;
    std::unordered_map<std::string, int> lines;
    std::vector<YamlNode> merged;
    for (const auto& entry : from) {
      const int line = LineOf(entry.first, node->line_);
      if (!entry.first.IsScalar() && !entry.first.IsNull()) {
        return SyntaxError(line, "a map key must be a scalar");
      }
      std::string key = entry.first.IsNull() ? "null" : entry.first.Scalar();
      const auto [first, is_new] = lines.emplace(key, line);
      if (!is_new) {
        return SyntaxError(line, "key " + GoQuote(key) + " is already set at line " +
                                     std::to_string(first->second));
      }
      ASSIGN_OR_RETURN(YamlNode value, Build(entry.second, line, depth + 1));
      if (key == "<<" && entry.first.Tag() == "?") {
        merged.push_back(std::move(value));
        continue;
      }
      node->entries_.emplace_back(std::move(key), std::move(value));
      node->key_lines_.push_back(line);
    }
    for (const YamlNode& value : merged) RETURN_IF_ERROR(Merge(value, node));
    return Status::Ok();
  }

  // Adds the entries of a merge key's map, or list of maps; what is there already wins.
  static Status Merge(const YamlNode& value, YamlNode* node) {
    if (value.kind_ == YamlNode::Kind::kSequence) {
      for (const YamlNode& item : value.items_) RETURN_IF_ERROR(Merge(item, node));
      return Status::Ok();
    }
    if (value.kind_ != YamlNode::Kind::kMap) {
      return SyntaxError(value.line_, "a merge key needs a map or a list of maps");
    }
    for (size_t i = 0; i < value.entries_.size(); ++i) {
      if (!(*node)[value.entries_[i].first].absent()) continue;
      node->entries_.push_back(value.entries_[i]);
      node->key_lines_.push_back(value.key_lines_[i]);
    }
    return Status::Ok();
  }

  size_t nodes_left_;
};

namespace {

// YAML is text: UTF-8, and no control characters but blanks and line ends.
Status CheckCharacters(std::string_view text) {
  const bool is_utf16 = text.starts_with("\xfe\xff") || text.starts_with("\xff\xfe");
  if (is_utf16) return Status::Ok();
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (is_control && c != '\n' && c != '\r' && c != '\t')
      return SyntaxError(line, "cannot parse YAML: control characters are not allowed");
  }
  if (!IsValidUtf8(text)) return InvalidArgument("cannot parse YAML: not valid UTF-8");
  return Status::Ok();
}

// The first document; what follows it may be anything.
YAML::Node LoadFirst(const std::string& text) {
  bool more = true;
  YAML::Node first;
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    more = documents.size() > 1;
    if (!documents.empty()) first = documents[0];
  } catch (const YAML::Exception&) {
    first = YAML::Load(text);
  }
  if (more) LogWarn("only the first of several YAML documents is read");
  return first;
}

}  // namespace

Result<YamlNode> YamlNode::Parse(std::string_view text) {
  RETURN_IF_ERROR(CheckCharacters(text));
  try {
    return YamlTreeBuilder(text.size())
        .Build(LoadFirst(std::string(text) + std::string(kLastLine)), 1, 0);
  } catch (const YAML::Exception& error) {
    // Lines from 1; the end of the text is on its last one.
    const auto line_count = 1 + std::count(text.begin(), text.end(), '\n') - text.ends_with('\n');
    const int line = std::min(error.mark.line + 1, static_cast<int>(line_count));
    return SyntaxError(error.mark.is_null() ? 0 : line, "cannot parse YAML: " + error.msg);
  }
}

const YamlNode& YamlNode::operator[](std::string_view key) const {
  static const YamlNode absent_node;
  for (const auto& [name, value] : entries_) {
    if (name == key) return value;
  }
  return absent_node;
}

Result<std::string> YamlNode::AsString(std::string_view what) const {
  if (kind_ == Kind::kNull) return std::string();
  if (kind_ != Kind::kScalar) return WrongForm(*this, what, "a string");
  return scalar_;
}

Result<bool> YamlNode::AsBool(std::string_view what) const {
  const auto value = kind_ == Kind::kScalar && !quoted_ ? ParseYamlBool(scalar_) : std::nullopt;
  if (!value) return WrongForm(*this, what, "true or false");
  return *value;
}

Result<int64_t> YamlNode::AsInt(std::string_view what) const {
  const bool plain = kind_ == Kind::kScalar && !quoted_;
  const auto value = plain ? ParseYamlInt(scalar_) : std::nullopt;
  if (value) return *value;
  // go-yaml cuts off what is behind the point.
  const auto number = plain ? ParseYamlDouble(scalar_) : std::nullopt;
  constexpr double kLimit = 9.2e18;
  if (number && *number<kLimit&& * number> - kLimit &&
      scalar_.find_first_of("xX") == std::string::npos)
    return static_cast<int64_t>(*number);
  return WrongForm(*this, what, "a whole number");
}

Result<double> YamlNode::AsDouble(std::string_view what) const {
  const auto value = kind_ == Kind::kScalar && !quoted_ ? ParseYamlDouble(scalar_) : std::nullopt;
  if (!value) return WrongForm(*this, what, "a number");
  return *value;
}

Result<int64_t> YamlNode::AsDurationMs(std::string_view what) const {
  if (kind_ != Kind::kScalar) return WrongForm(*this, what, "a duration");
  Result<int64_t> duration_ms = ParseDurationMs(scalar_);
  if (!duration_ms.ok())
    return duration_ms.status().Annotate(LinePrefix(line_) + std::string(what));
  return duration_ms;
}

Result<std::vector<std::string>> YamlNode::AsStringList(std::string_view what) const {
  std::vector<std::string> list;
  if (kind_ == Kind::kNull) return list;
  if (kind_ != Kind::kSequence) return WrongForm(*this, what, "a list of strings");
  for (const YamlNode& item : items_) {
    ASSIGN_OR_RETURN(std::string text, item.AsString("an item of " + std::string(what)));
    list.push_back(std::move(text));
  }
  return list;
}

Result<std::vector<std::pair<std::string, std::string>>> YamlNode::AsStringMap(
    std::string_view what) const {
  std::vector<std::pair<std::string, std::string>> map;
  if (kind_ == Kind::kNull) return map;
  if (kind_ != Kind::kMap) return WrongForm(*this, what, "a map of strings");
  for (const auto& [key, value] : entries_) {
    ASSIGN_OR_RETURN(std::string text, value.AsString(std::string(what) + "." + key));
    map.emplace_back(key, std::move(text));
  }
  return map;
}

Status YamlNode::RejectUnknownKeys(std::string_view where,
                                   std::initializer_list<std::string_view> known) const {
  if (empty()) return Status::Ok();
  RETURN_IF_ERROR(RequireMap(where));
  for (size_t i = 0; i < entries_.size(); ++i) {
    const std::string& key = entries_[i].first;
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    return InvalidArgument(LinePrefix(key_lines_[i]) + "field " + key + " not found in type " +
                           std::string(where));
  }
  return Status::Ok();
}

Status YamlNode::RequireMap(std::string_view what) const {
  return kind_ == Kind::kMap ? Status::Ok() : WrongForm(*this, what, "a map");
}

Status AtLine(const YamlNode& node, const std::string& message) {
  return InvalidArgument(LinePrefix(node.line()) + message);
}

Status ReadOptional(const YamlNode& node, std::string_view what, std::string* out) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(*out, node.AsString(what));
  return Status::Ok();
}

Status ReadOptional(const YamlNode& node, std::string_view what, bool* out) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(*out, node.AsBool(what));
  return Status::Ok();
}

Status ReadOptional(const YamlNode& node, std::string_view what, std::vector<std::string>* out) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(*out, node.AsStringList(what));
  return Status::Ok();
}

Status ReadOptionalDuration(const YamlNode& node, std::string_view what, int64_t* milliseconds) {
  if (node.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(*milliseconds, node.AsDurationMs(what));
  return Status::Ok();
}

namespace {

void Emit(const YamlNode& node, YAML::Emitter* out) {
  switch (node.kind()) {
    case YamlNode::Kind::kAbsent:
    case YamlNode::Kind::kNull:
      *out << YAML::Null;
      return;
    case YamlNode::Kind::kScalar:
      if (node.quoted()) *out << YAML::DoubleQuoted;
      *out << node.scalar();
      return;
    case YamlNode::Kind::kSequence:
      *out << YAML::BeginSeq;
      for (const YamlNode& item : node.items()) Emit(item, out);
      *out << YAML::EndSeq;
      return;
    case YamlNode::Kind::kMap:
      *out << YAML::BeginMap;
      for (const auto& [key, value] : node.entries()) {
        *out << YAML::Key << key << YAML::Value;
        Emit(value, out);
      }
      *out << YAML::EndMap;
      return;
  }
}

}  // namespace

std::string YamlNode::Dump() const {
  YAML::Emitter out;
  out.SetNullFormat(YAML::LowerNull);
  Emit(*this, &out);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace tsdb
