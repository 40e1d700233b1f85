#include "base/regex.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <re2/re2.h>

#include "base/text.h"

namespace tsdb {
namespace {

constexpr int64_t kMemoryMaxBytes = int64_t{64} << 20;
constexpr size_t kAlternativesMax = 10'000;
constexpr size_t kAlternativesMaxBytes = size_t{1} << 20;
constexpr int kGroupDepthMax = 4;

bool IsAsciiAlnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }
bool IsQuantifier(char c) { return c == '*' || c == '+' || c == '?' || c == '{'; }

// The position after the escape, quotation (\Q..\E), character class or single byte at `i`.
size_t SkipUnit(std::string_view pattern, size_t i) {
  if (pattern[i] == '\\') {
    if (pattern.substr(i, 2) != "\\Q") return std::min(i + 2, pattern.size());
    const size_t end = pattern.find("\\E", i + 2);
    return end == std::string_view::npos ? pattern.size() : end + 2;
  }
  if (pattern[i] != '[') return i + 1;
  ++i;
  if (pattern.substr(i, 1) == "^") ++i;
  if (pattern.substr(i, 1) == "]") ++i;  // a bracket in the first place is an ordinary character
  while (i < pattern.size() && pattern[i] != ']') {
    if (pattern[i] == '\\') {
      i += 2;
    } else if (pattern.substr(i, 2) == "[:") {
      const size_t end = pattern.find(":]", i + 2);
      i = end == std::string_view::npos ? i + 1 : end + 2;
    } else {
      ++i;
    }
  }
  return std::min(i + 1, pattern.size());
}

// Go accepts (?<name>...) since 1.22; our RE2 knows only the older (?P<name>...).
std::string WithOldGroupNames(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    const size_t end = SkipUnit(pattern, i);
    out.append(pattern.substr(i, end - i));
    if (pattern.substr(i, 3) == "(?<") {
      out.append("?P");
      i += 2;
    } else {
      i = end;
    }
  }
  return out;
}

// Consumes one literal character from the front and appends it; false at anything with a meaning.
bool TakeLiteral(std::string_view* rest, std::string* out) {
  constexpr std::string_view kMeta = ".+*?()|[{^$";
  char c = rest->front();
  if (kMeta.find(c) != std::string_view::npos) return false;
  size_t size = 1;
  if (c == '\\') {
    if (rest->size() < 2) return false;
    c = (*rest)[1];
    size = 2;
    switch (c) {
      case 'n':
        c = '\n';
        break;
      case 'r':
        c = '\r';
        break;
      case 't':
        c = '\t';
        break;
      case 'f':
        c = '\f';
        break;
      case 'v':
        c = '\v';
        break;
      case 'a':
        c = '\a';
        break;
      default:
        if (IsAsciiAlnum(c) || static_cast<uint8_t>(c) >= 0x80) return false;
    }
  }
  out->push_back(c);
  rest->remove_prefix(size);
  while (!rest->empty() && IsContinuation(rest->front())) {
    out->push_back(rest->front());
    rest->remove_prefix(1);
  }
  return true;
}

// Reads patterns made of literals, '|' and groups, such as "a|b(c|d)", into the texts that they
// match as a whole. Anything else, and whatever would grow too large, is given up.
class AlternativesParser {
 public:
  static std::optional<std::vector<std::string>> Parse(std::string_view pattern) {
    AlternativesParser parser(pattern);
    auto texts = parser.Alternation(0);
    if (!texts || !parser.rest_.empty()) return std::nullopt;
    return texts;
  }

 private:
  using Texts = std::vector<std::string>;

  explicit AlternativesParser(std::string_view pattern) : rest_(pattern) {}

  bool AtEnd() const { return rest_.empty() || rest_.front() == '|' || rest_.front() == ')'; }

  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  std::optional<Texts> Alternation(int depth) {
    Texts all;
    do {
      auto branch = Branch(depth);
      if (!branch || all.size() + branch->size() > kAlternativesMax) return std::nullopt;
      std::move(branch->begin(), branch->end(), std::back_inserter(all));
    } while (Take("|"));
    return all;
  }

  std::optional<Texts> Branch(int depth) {
    Texts texts(1);
    // A whole match begins at ^ and ends at $ anyway.
    if (depth == 0) Take("^");
    while (!AtEnd()) {
      if (depth == 0 && Take("$")) {
        if (!AtEnd()) return std::nullopt;
        break;
      }
      auto next = rest_.front() == '(' ? Group(depth) : Literals();
      if (!next) return std::nullopt;
      auto product = Product(texts, *next);
      if (!product) return std::nullopt;
      texts = *std::move(product);
    }
    return texts;
  }

  std::optional<Texts> Group(int depth) {
    if (depth == kGroupDepthMax) return std::nullopt;
    Take("(");
    if (!Take("?:") && rest_.starts_with("?")) return std::nullopt;
    auto texts = Alternation(depth + 1);
    if (!texts || !Take(")") || FollowedByQuantifier()) return std::nullopt;
    return texts;
  }

  std::optional<Texts> Literals() {
    std::string text;
    while (!AtEnd() && TakeLiteral(&rest_, &text)) continue;
    if (text.empty() || FollowedByQuantifier()) return std::nullopt;
    return Texts{std::move(text)};
  }

  bool FollowedByQuantifier() const { return !rest_.empty() && IsQuantifier(rest_.front()); }

  static std::optional<Texts> Product(const Texts& heads, const Texts& tails) {
    if (heads.size() * tails.size() > kAlternativesMax) return std::nullopt;
    Texts all;
    size_t size_bytes = 0;
    for (const std::string& head : heads) {
      for (const std::string& tail : tails) {
        all.push_back(head + tail);
        size_bytes += all.back().size();
        if (size_bytes > kAlternativesMaxBytes && all.size() > 1) return std::nullopt;
      }
    }
    return all;
  }

  std::string_view rest_;
};

std::vector<std::string> WithoutRepeats(std::vector<std::string> texts) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> unique;
  for (std::string& text : texts) {
    if (seen.insert(text).second) unique.push_back(std::move(text));
  }
  return unique;
}

// Whether what a pattern begins with may be missing from a match: one side of a top-level '|', or
// flags, behind which a quantifier belongs to what stands before them ("c(?i)?" is "c?").
bool MayMissItsBegin(std::string_view pattern) {
  int depth = 0;
  for (size_t i = 0; i < pattern.size(); i = SkipUnit(pattern, i)) {
    if (pattern[i] == '(') ++depth;
    if (pattern[i] == ')') --depth;
    if (pattern[i] == '|' && depth == 0) return true;
    if (pattern.substr(i, 2) == "(?" && pattern.substr(i, 3) != "(?:") return true;
  }
  return false;
}

std::string LeadingLiteral(std::string_view pattern) {
  if (MayMissItsBegin(pattern)) return "";
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  std::string prefix;
  while (!pattern.empty()) {
    const size_t size_before = prefix.size();
    if (!TakeLiteral(&pattern, &prefix)) break;
    if (pattern.empty() || !IsQuantifier(pattern.front())) continue;
    if (pattern.front() != '+') prefix.resize(size_before);  // the character may be missing
    break;
  }
  return prefix;
}

std::string CommonPrefix(const std::vector<std::string>& texts) {
  std::string prefix = texts.front();
  for (const std::string& text : texts) {
    const auto end = std::mismatch(prefix.begin(), prefix.end(), text.begin(), text.end()).first;
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

// Patterns such as ".*", "api-.+" or ".*error.*", which need no automaton.
struct Wildcards {
  enum class End : uint8_t { kFixed, kAny, kSome };  // nothing, ".*", ".+"
  End left = End::kFixed;
  End right = End::kFixed;
  std::string middle;

  static End TakeEnd(std::string_view* rest) {
    if (!rest->starts_with(".*") && !rest->starts_with(".+")) return End::kFixed;
    const End end = (*rest)[1] == '*' ? End::kAny : End::kSome;
    rest->remove_prefix(2);
    return end;
  }

  static std::optional<Wildcards> Parse(std::string_view pattern) {
    Wildcards w;
    w.left = TakeEnd(&pattern);
    if (!pattern.empty() && IsQuantifier(pattern.front())) return std::nullopt;  // ".*?"
    while (!pattern.empty() && TakeLiteral(&pattern, &w.middle)) continue;
    w.right = TakeEnd(&pattern);
    if (!pattern.empty()) return std::nullopt;
    if (w.left == End::kFixed && w.right == End::kFixed) return std::nullopt;
    // ".+.+" counts characters, which this does not.
    if (w.middle.empty() && w.left != End::kFixed && w.right != End::kFixed) return std::nullopt;
    return w;
  }

  bool Match(std::string_view text) const {
    const size_t left_min = left == End::kSome ? 1 : 0;
    const size_t right_min = right == End::kSome ? 1 : 0;
    if (text.size() < left_min + middle.size() + right_min) return false;
    if (left == End::kFixed) return text.starts_with(middle);
    if (right == End::kFixed) return text.ends_with(middle);
    return text.substr(left_min, text.size() - left_min - right_min).find(middle) != text.npos;
  }
};

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

std::string_view View(const re2::StringPiece& piece) { return {piece.data(), piece.size()}; }

// The length of the letters, digits and underscores (of any script) that `text` begins with.
size_t GroupNameSize(std::string_view text) {
  size_t size = 0;
  while (size < text.size() && (IsAsciiAlnum(text[size]) || text[size] == '_')) ++size;
  if (size == text.size() || static_cast<uint8_t>(text[size]) < 0x80) return size;
  static const RE2 word("[\\pL\\p{Nd}_]+");
  re2::StringPiece match;
  if (!word.Match(Piece(text), 0, text.size(), RE2::ANCHOR_START, &match, 1)) return 0;
  return match.size();
}

// "$name" or "${name}" without its '$'.
struct Reference {
  std::string_view name;
  size_t size_bytes = 0;  // 0: no reference, the '$' stands for itself
};
Reference ReadReference(std::string_view text) {
  const bool braces = text.starts_with('{');
  const std::string_view inner = text.substr(braces ? 1 : 0);
  const size_t size = GroupNameSize(inner);
  if (size == 0) return {};
  if (!braces) return {inner.substr(0, size), size};
  if (inner.substr(size, 1) != "}") return {};
  return {inner.substr(0, size), size + 2};
}

// The group's number when the name is one: digits without a leading zero.
std::optional<size_t> GroupNumber(std::string_view name) {
  if (name.size() > 1 && name[0] == '0') return std::nullopt;
  size_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number >= 100'000'000) return std::nullopt;
    number = number * 10 + static_cast<size_t>(c - '0');
  }
  return number;
}

void Expand(std::string* out, std::string_view replacement, const RE2& re,
            const std::vector<re2::StringPiece>& groups) {
  while (true) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      out->push_back('$');
      replacement.remove_prefix(1);
      continue;
    }
    const Reference reference = ReadReference(replacement);
    if (reference.size_bytes == 0) {
      out->push_back('$');
      continue;
    }
    replacement.remove_prefix(reference.size_bytes);
    std::optional<size_t> group = GroupNumber(reference.name);
    if (!group) {
      const auto& names = re.NamedCapturingGroups();
      const auto named = names.find(std::string(reference.name));
      if (named != names.end()) group = static_cast<size_t>(named->second);
    }
    if (group && *group < groups.size()) out->append(View(groups[*group]));
  }
}

}  // namespace

struct Regex::Impl {
  Impl(std::string_view text, const RE2::Options& options) : re(Piece(text), options) {}

  static RE2::Options Options() {
    RE2::Options options;
    options.set_dot_nl(true);
    options.set_log_errors(false);
    options.set_max_mem(kMemoryMaxBytes);
    return options;
  }

  void Analyse() {
    auto texts = AlternativesParser::Parse(pattern);
    if (!texts) {
      prefix = LeadingLiteral(pattern);
      wildcards = Wildcards::Parse(pattern);
      return;
    }
    prefix = CommonPrefix(*texts);
    literals = WithoutRepeats(*std::move(texts));
    literal_set.insert(literals.begin(), literals.end());
    if (!literal_set.contains("")) alternatives = literals;
  }

  bool FullMatch(std::string_view text) const {
    if (literals.size() == 1) return text == literals.front();
    if (!literals.empty()) return literal_set.contains(text);
    if (wildcards) return wildcards->Match(text);
    return re.Match(Piece(text), 0, text.size(), RE2::ANCHOR_BOTH, nullptr, 0);
  }

  // Empty when there is no match.
  std::vector<re2::StringPiece> Groups(std::string_view text, size_t from,
                                       RE2::Anchor anchor) const {
    std::vector<re2::StringPiece> groups(static_cast<size_t>(re.NumberOfCapturingGroups()) + 1);
    const auto count = static_cast<int>(groups.size());
    if (!re.Match(Piece(text), from, text.size(), anchor, groups.data(), count)) groups.clear();
    return groups;
  }

  RE2 re;
  std::string pattern;
  std::string prefix;
  std::vector<std::string> alternatives;
  std::vector<std::string> literals;                 // the same, with the empty text
  std::unordered_set<std::string_view> literal_set;  // of `literals`
  std::optional<Wildcards> wildcards;
};

namespace {

// What Go's regexp/syntax says, which is what clients of Prometheus are used to.
std::string GoReason(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
      return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
      return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
      return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
      return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "internal error";
  }
}

}  // namespace

Regex::Regex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::Compile(std::string_view pattern) {
  auto impl = std::make_unique<Impl>(pattern, Impl::Options());
  if (!impl->re.ok() && pattern.find("(?<") != std::string_view::npos) {
    impl = std::make_unique<Impl>(WithOldGroupNames(pattern), Impl::Options());
  }
  if (!impl->re.ok()) {
    return InvalidArgument("error parsing regexp: " + GoReason(impl->re.error_code()) + ": `" +
                           impl->re.error_arg() + "`");
  }
  impl->pattern = pattern;
  impl->Analyse();
  return Regex(std::move(impl));
}

bool Regex::FullMatch(std::string_view text) const { return impl_->FullMatch(text); }

bool Regex::PartialMatch(std::string_view text) const {
  return impl_->re.Match(Piece(text), 0, text.size(), RE2::UNANCHORED, nullptr, 0);
}

namespace {

std::optional<std::vector<std::string_view>> ToViews(const std::vector<re2::StringPiece>& groups) {
  if (groups.empty()) return std::nullopt;
  std::vector<std::string_view> views;
  views.reserve(groups.size());
  for (const re2::StringPiece& group : groups) views.push_back(View(group));
  return views;
}

}  // namespace

std::optional<std::vector<std::string_view>> Regex::FullMatchGroups(std::string_view text) const {
  return ToViews(impl_->Groups(text, 0, RE2::ANCHOR_BOTH));
}

std::optional<std::vector<std::string_view>> Regex::PartialMatchGroups(
    std::string_view text) const {
  return ToViews(impl_->Groups(text, 0, RE2::UNANCHORED));
}

std::optional<std::string> Regex::FullMatchExpand(std::string_view text,
                                                  std::string_view replacement) const {
  const auto groups = impl_->Groups(text, 0, RE2::ANCHOR_BOTH);
  if (groups.empty()) return std::nullopt;
  std::string out;
  Expand(&out, replacement, impl_->re, groups);
  return out;
}

std::string Regex::ReplaceAll(std::string_view text, std::string_view replacement) const {
  std::string out;
  size_t copied = 0;  // the end of the last match
  size_t from = 0;
  while (from <= text.size()) {
    const auto groups = impl_->Groups(text, from, RE2::UNANCHORED);
    if (groups.empty()) break;
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = begin + groups[0].size();
    out.append(text.substr(copied, begin - copied));
    // An empty match right behind another match is none, as in Go.
    if (end > copied || begin == 0) Expand(&out, replacement, impl_->re, groups);
    copied = end;
    if (end > from) {
      from = end;
    } else {
      ++from;
      while (from < text.size() && IsContinuation(text[from])) ++from;
    }
  }
  out.append(text.substr(copied));
  return out;
}

const std::string& Regex::pattern() const { return impl_->pattern; }
const std::vector<std::string>& Regex::literal_alternatives() const { return impl_->alternatives; }
const std::string& Regex::required_prefix() const { return impl_->prefix; }

}  // namespace tsdb
