#include "alert/template/lexer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr int kEndOfInput = -1;

bool IsSpace(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool IsDigit(int c) { return c >= '0' && c <= '9'; }
// Letters beyond ASCII are taken as they are: a name may contain any byte of a UTF-8 sequence.
bool IsNameByte(int c) {
  return c == '_' || IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

constexpr std::array<std::pair<std::string_view, TokenKind>, 11> kKeywords = {{
    {"block", TokenKind::kBlock},
    {"break", TokenKind::kBreak},
    {"continue", TokenKind::kContinue},
    {"define", TokenKind::kDefine},
    {"else", TokenKind::kElse},
    {"end", TokenKind::kEnd},
    {"if", TokenKind::kIf},
    {"range", TokenKind::kRange},
    {"nil", TokenKind::kNil},
    {"template", TokenKind::kTemplate},
    {"with", TokenKind::kWith},
}};

// A character as Go's %#U: U+0041 'A'.
std::string DescribeByte(int c) {
  char buffer[32];
  if (c == kEndOfInput) return "U+FFFFFFFFFFFFFFFF";
  if (c >= 0x20 && c < 0x7f) {
    std::snprintf(buffer, sizeof buffer, "U+%04X '%c'", static_cast<unsigned>(c), c);
  } else {
    std::snprintf(buffer, sizeof buffer, "U+%04X", static_cast<unsigned>(c));
  }
  return buffer;
}

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  std::vector<Token> Run() {
    while (!done_) {
      if (inside_action_) {
        LexInsideAction();
      } else {
        LexText();
      }
    }
    return std::move(tokens_);
  }

 private:
  int Peek(size_t ahead = 0) const {
    return pos_ + ahead < input_.size() ? static_cast<unsigned char>(input_[pos_ + ahead])
                                        : kEndOfInput;
  }
  bool StartsWith(std::string_view prefix, size_t at) const {
    return at <= input_.size() && input_.substr(at).starts_with(prefix);
  }
  bool TrimMarkerAfterDelimiter(size_t at) const {
    return at + 1 < input_.size() && input_[at] == '-' &&
           IsSpace(static_cast<unsigned char>(input_[at + 1]));
  }
  bool TrimMarkerBeforeDelimiter(size_t at) const {
    return at + 1 < input_.size() && IsSpace(static_cast<unsigned char>(input_[at])) &&
           input_[at + 1] == '-' && StartsWith("}}", at + 2);
  }

  void CountLines(size_t from, size_t to) {
    line_ +=
        static_cast<int32_t>(std::count(input_.begin() + static_cast<std::ptrdiff_t>(from),
                                        input_.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
  }
  void Emit(TokenKind kind) {
    const int32_t start_line = line_;
    CountLines(start_, pos_);
    // Text counts its own lines before it is handed on, other tokens stand on the line they begin.
    tokens_.push_back({kind, static_cast<int32_t>(start_),
                       kind == TokenKind::kText ? line_ : start_line,
                       std::string(input_.substr(start_, pos_ - start_))});
    start_ = pos_;
  }
  void Ignore() {
    CountLines(start_, pos_);
    start_ = pos_;
  }
  // An error stands on the line where what is wrong begins.
  void Fail(std::string message) {
    tokens_.push_back({TokenKind::kError, static_cast<int32_t>(start_), line_, std::move(message)});
    done_ = true;
  }

  void LexText() {
    const size_t open = input_.find("{{", pos_);
    if (open == std::string_view::npos) {
      pos_ = input_.size();
      if (pos_ > start_) Emit(TokenKind::kText);
      tokens_.push_back({TokenKind::kEof, static_cast<int32_t>(pos_), line_, ""});
      done_ = true;
      return;
    }
    pos_ = open;
    if (TrimMarkerAfterDelimiter(open + 2)) {
      while (pos_ > start_ && kSpaces.find(input_[pos_ - 1]) != std::string_view::npos) --pos_;
    }
    if (pos_ > start_) Emit(TokenKind::kText);
    pos_ = open;
    Ignore();
    LexLeftDelimiter();
  }

  void LexLeftDelimiter() {
    pos_ += 2;
    const size_t marker = TrimMarkerAfterDelimiter(pos_) ? 2 : 0;
    if (StartsWith("/*", pos_ + marker)) {
      pos_ += marker;
      Ignore();
      return LexComment();
    }
    Emit(TokenKind::kLeftDelimiter);
    pos_ += marker;
    Ignore();
    inside_action_ = true;
    paren_depth_ = 0;
  }

  void LexComment() {
    pos_ += 2;
    const size_t close = input_.find("*/", pos_);
    if (close == std::string_view::npos) return Fail("unclosed comment");
    pos_ = close + 2;
    bool trim = TrimMarkerBeforeDelimiter(pos_);
    if (!trim && !StartsWith("}}", pos_)) return Fail("comment ends before closing delimiter");
    pos_ += trim ? 4 : 2;
    if (trim) SkipSpaces();
    Ignore();
  }

  void SkipSpaces() {
    while (IsSpace(Peek())) ++pos_;
  }

  void LexRightDelimiter(bool trim) {
    if (trim) {
      pos_ += 2;
      Ignore();
    }
    pos_ += 2;
    Emit(TokenKind::kRightDelimiter);
    if (trim) {
      SkipSpaces();
      Ignore();
    }
    inside_action_ = false;
  }

  void LexInsideAction() {
    const bool trim = TrimMarkerBeforeDelimiter(pos_);
    if (trim || StartsWith("}}", pos_)) {
      if (paren_depth_ > 0) return Fail("unclosed left paren");
      return LexRightDelimiter(trim);
    }
    const int c = Peek();
    if (c == kEndOfInput) return Fail("unclosed action");
    if (IsSpace(c)) return LexSpace();
    if (IsDigit(c) || c == '+' || c == '-') return LexNumber();
    if (c == '.' && IsDigit(Peek(1))) return LexNumber();
    if (c == '.') return LexName(TokenKind::kField, TokenKind::kDot);
    if (c == '$') return LexName(TokenKind::kVariable, TokenKind::kVariable);
    if (IsNameByte(c)) return LexIdentifier();
    ++pos_;
    switch (c) {
      case '=':
        return Emit(TokenKind::kAssign);
      case ':':
        if (Peek() != '=') return Fail("expected :=");
        ++pos_;
        return Emit(TokenKind::kDeclare);
      case '|':
        return Emit(TokenKind::kPipe);
      case '"':
        return LexQuoted('"', TokenKind::kString, "unterminated quoted string");
      case '\'':
        return LexQuoted('\'', TokenKind::kCharacter, "unterminated character constant");
      case '`':
        return LexRawQuoted();
      case '(':
        ++paren_depth_;
        return Emit(TokenKind::kLeftParen);
      case ')':
        if (--paren_depth_ < 0) return Fail("unexpected right paren");
        return Emit(TokenKind::kRightParen);
      default:
        if (c > 0x20 && c < 0x7f) return Emit(TokenKind::kPunctuation);
        return Fail("unrecognized character in action: " + DescribeByte(c));
    }
  }

  // A run of spaces, short of the one that belongs to " -}}".
  void LexSpace() {
    while (IsSpace(Peek()) && !TrimMarkerBeforeDelimiter(pos_)) ++pos_;
    Emit(TokenKind::kSpace);
  }

  bool AtTerminator() const {
    const int c = Peek();
    if (c == kEndOfInput || IsSpace(c)) return true;
    return std::string_view(".,|:)(").find(static_cast<char>(c)) != std::string_view::npos ||
           StartsWith("}}", pos_);
  }

  void LexName(TokenKind kind, TokenKind alone) {
    ++pos_;
    if (AtTerminator()) return Emit(alone);
    while (IsNameByte(Peek())) ++pos_;
    if (!AtTerminator()) return Fail("bad character " + DescribeByte(Peek()));
    Emit(kind);
  }

  void LexIdentifier() {
    while (IsNameByte(Peek())) ++pos_;
    if (!AtTerminator()) return Fail("bad character " + DescribeByte(Peek()));
    const std::string_view word = input_.substr(start_, pos_ - start_);
    for (const auto& [keyword, kind] : kKeywords) {
      if (word == keyword) return Emit(kind);
    }
    Emit(word == "true" || word == "false" ? TokenKind::kBool : TokenKind::kIdentifier);
  }

  void LexQuoted(char quote, TokenKind kind, std::string_view unterminated) {
    for (;;) {
      int c = Peek();
      if (c == '\\') {
        ++pos_;
        c = Peek() == '\n' ? '\n' : Peek() == kEndOfInput ? kEndOfInput : 0;
      }
      if (c == kEndOfInput || c == '\n') return Fail(std::string(unterminated));
      ++pos_;
      if (c == quote) return Emit(kind);
    }
  }

  void LexRawQuoted() {
    const size_t close = input_.find('`', pos_);
    if (close == std::string_view::npos) {
      pos_ = input_.size();
      return Fail("unterminated raw quoted string");
    }
    pos_ = close + 1;
    Emit(TokenKind::kRawString);
  }

  void SkipRun(std::string_view allowed) {
    while (Peek() != kEndOfInput &&
           allowed.find(static_cast<char>(Peek())) != std::string_view::npos)
      ++pos_;
  }
  bool Accept(std::string_view allowed) {
    if (Peek() == kEndOfInput || allowed.find(static_cast<char>(Peek())) == std::string_view::npos)
      return false;
    ++pos_;
    return true;
  }

  void LexNumber() {
    Accept("+-");
    std::string_view digits = "0123456789_";
    if (Accept("0")) {
      if (Accept("xX")) {
        digits = "0123456789abcdefABCDEF_";
      } else if (Accept("oO")) {
        digits = "01234567_";
      } else if (Accept("bB")) {
        digits = "01_";
      }
    }
    SkipRun(digits);
    if (Accept(".")) SkipRun(digits);
    const std::string_view exponent = digits.size() == 11 ? "eE" : digits.size() == 23 ? "pP" : "";
    if (!exponent.empty() && Accept(exponent)) {
      Accept("+-");
      SkipRun("0123456789_");
    }
    const auto bad = [&] {
      Fail("bad number syntax: " + GoQuote(input_.substr(start_, pos_ - start_)));
    };
    if (IsNameByte(Peek())) {
      ++pos_;
      return bad();
    }
    // Only a complex number may go on with a sign, and those are of no use here.
    if (Accept("+-")) {
      SkipRun("0123456789_");
      return bad();
    }
    Emit(TokenKind::kNumber);
  }

  std::string_view input_;
  size_t start_ = 0;
  size_t pos_ = 0;
  int32_t line_ = 1;
  int paren_depth_ = 0;
  bool inside_action_ = false;
  bool done_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

std::string Token::ToString() const {
  if (kind == TokenKind::kEof) return "EOF";
  if (kind == TokenKind::kError) return text;
  if (kind >= TokenKind::kBlock || kind == TokenKind::kNil || kind == TokenKind::kDot)
    return "<" + text + ">";
  if (text.size() > 10) return GoQuote(std::string_view(text).substr(0, 10)) + "...";
  return GoQuote(text);
}

std::vector<Token> LexTemplate(std::string_view text) { return Lexer(text).Run(); }

}  // namespace tsdb::gotemplate
