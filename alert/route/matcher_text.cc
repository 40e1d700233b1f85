#include "alert/route/matcher_text.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "base/text.h"
#include "model/labels.h"

namespace tsdb::alert {
namespace {

constexpr std::string_view kReserved = "{}!=~,\\\"'` \t\r\n\v\f";
constexpr size_t kMaxMatchers = 10'000;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Alertmanager's own errors show a pattern as it is compiled, with its anchors.
Result<Matcher> NewMatcher(MatchType type, const std::string& name, const std::string& value) {
  Result<Matcher> matcher = Matcher::Create(type, name, value);
  if (matcher.ok()) return matcher;
  std::string message = matcher.status().message();
  const size_t shown = message.find(": `");
  if (shown == std::string::npos || !message.ends_with("`")) return matcher;
  const bool whole =
      message.find("missing closing )") < shown || message.find("unexpected )") < shown;
  if (whole) message = message.substr(0, shown) + ": `^(?:" + value + ")$`";
  if (message.find("missing closing ]") < shown) message.insert(message.size() - 1, ")$");
  return InvalidArgument(std::move(message));
}

// The UTF-8 grammar: name op value, each bare (without reserved characters) or in double quotes.
class MatcherParser {
 public:
  explicit MatcherParser(std::string_view text) : text_(text), rest_(text) {}

  Result<Matchers> Run() {
    Matchers out;
    SkipSpace();
    const bool braces = Take('{');
    for (;;) {
      SkipSpace();
      if (braces && Take('}')) {
        SkipSpace();
        if (!rest_.empty()) return Bad("unexpected input after close brace");
        return out;
      }
      if (rest_.empty()) {
        if (braces) return Bad("expected close brace");
        return out;
      }
      if (out.size() >= kMaxMatchers) return Bad("too many matchers");
      ASSIGN_OR_RETURN(Matcher matcher, One());
      out.push_back(std::move(matcher));
      SkipSpace();
      if (Take(',')) continue;
      if (!rest_.empty() && !(braces && rest_[0] == '}')) return Bad("expected a comma");
    }
  }

 private:
  Status Bad(std::string_view why) const {
    return InvalidArgument("bad matcher format: " + std::string(text_) + ": " + std::string(why));
  }
  void SkipSpace() {
    while (!rest_.empty() && IsSpace(rest_[0])) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string> Word() {
    SkipSpace();
    if (rest_.empty()) return std::nullopt;
    if (rest_[0] == '"') {
      size_t end = 1;
      while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
      if (end >= rest_.size()) return std::nullopt;
      auto text = GoUnquote(rest_.substr(0, end + 1));
      rest_.remove_prefix(end + 1);
      return text;
    }
    const size_t end = std::min(rest_.find_first_of(kReserved), rest_.size());
    if (end == 0) return std::nullopt;
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return text;
  }

  Result<Matcher> One() {
    const auto name = Word();
    if (!name.has_value()) return Bad("no label name");
    SkipSpace();
    MatchType type = MatchType::kEqual;
    if (rest_.starts_with("=~")) {
      type = MatchType::kRegex;
    } else if (rest_.starts_with("!=")) {
      type = MatchType::kNotEqual;
    } else if (rest_.starts_with("!~")) {
      type = MatchType::kNotRegex;
    } else if (!rest_.starts_with("=")) {
      return Bad("no operator");
    }
    rest_.remove_prefix(type == MatchType::kEqual ? 1 : 2);
    const auto value = Word();
    if (!value.has_value()) return Bad("no label value");
    if (name->empty() || !IsValidUtf8(*name) || !IsValidUtf8(*value)) return Bad("not valid UTF-8");
    return NewMatcher(type, *name, *value);
  }

  std::string_view text_, rest_;
};

// The classic grammar's value: escapes \n \" \\; quotes around it are optional, but both or none.
Result<std::string> ClassicValue(const std::string& raw) {
  const Status bad_quote = InvalidArgument("matcher value contains unescaped double quote: " + raw);
  const bool quoted = raw.starts_with("\"");
  const std::string_view text = std::string_view(raw).substr(quoted ? 1 : 0);
  if (!IsValidUtf8(text)) return InvalidArgument("matcher value not valid UTF-8: " + raw);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (!quoted || i + 1 != text.size()) return bad_quote;
      return out;
    }
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    ++i;
    if (text[i] != 'n' && text[i] != '"' && text[i] != '\\') out += '\\';
    out += text[i] == 'n' ? '\n' : text[i];
  }
  return quoted ? Result<std::string>(bad_quote) : out;
}

Result<Matcher> ParseClassic(std::string_view text) {
  const Status bad = InvalidArgument("bad matcher format: " + std::string(text));
  std::string_view rest = TrimSpace(text);
  size_t end = 0;
  while (end < rest.size() && (IsLegacyMetricName(rest.substr(0, end + 1)))) ++end;
  if (end == 0) return bad;
  const std::string name(rest.substr(0, end));
  rest = TrimSpace(rest.substr(end));
  MatchType type = MatchType::kEqual;
  if (rest.starts_with("=~")) {
    type = MatchType::kRegex;
  } else if (rest.starts_with("!=")) {
    type = MatchType::kNotEqual;
  } else if (rest.starts_with("!~")) {
    type = MatchType::kNotRegex;
  } else if (!rest.starts_with("=")) {
    return bad;
  }
  rest = TrimSpace(rest.substr(type == MatchType::kEqual ? 1 : 2));
  ASSIGN_OR_RETURN(const std::string value, ClassicValue(std::string(rest)));
  return NewMatcher(type, name, value);
}

// Pieces between commas that stand outside quotes.
std::vector<std::string_view> SplitClassic(std::string_view text) {
  text = TrimSpace(text);
  if (text.starts_with("{")) text.remove_prefix(1);
  if (text.ends_with("}")) text.remove_suffix(1);
  std::vector<std::string_view> pieces;
  bool quoted = false;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      pieces.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  if (start < text.size() && !TrimSpace(text.substr(start)).empty())
    pieces.push_back(text.substr(start));
  return pieces;
}

}  // namespace

// As Alertmanager: text that both grammars read in different ways is read by the classic one, and
// what neither reads is refused in its words.
Result<Matchers> ParseMatchers(std::string_view text) {
  Result<Matchers> modern = MatcherParser(text).Run();
  Matchers classic;
  for (const std::string_view piece : SplitClassic(text)) {
    Result<Matcher> matcher = ParseClassic(piece);
    if (!matcher.ok()) return modern.ok() ? modern : matcher.status();
    classic.push_back(*std::move(matcher));
  }
  return classic;
}

Result<Matcher> ParseMatcher(std::string_view text) {
  if (text.starts_with("{") || text.ends_with("}"))
    return InvalidArgument("unexpected open or close brace: " + std::string(text));
  Result<Matchers> modern = MatcherParser(text).Run();
  Result<Matcher> classic = ParseClassic(text);
  if (!classic.ok() && modern.ok() && modern->size() == 1) return std::move(modern->front());
  return classic;
}

std::string MatchersToString(const Matchers& matchers) {
  std::string out = "{";
  for (size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& name = matchers[i].name();
    out += name.find_first_of(kReserved) == std::string::npos ? name : GoQuote(name);
    out += MatchOperator(matchers[i].type());
    out += '"';
    for (char c : matchers[i].value()) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

void SortMatchers(Matchers* matchers) {
  std::sort(matchers->begin(), matchers->end(), [](const Matcher& a, const Matcher& b) {
    return std::tie(a.name(), a.value()) == std::tie(b.name(), b.value())
               ? a.type() < b.type()
               : std::tie(a.name(), a.value()) < std::tie(b.name(), b.value());
  });
}

}  // namespace tsdb::alert
