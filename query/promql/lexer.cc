#include "query/promql/lexer.h"

#include <array>
#include <cstdio>
#include <optional>

#include "base/printable.h"
#include "base/text.h"

namespace tsdb::promql {
namespace {

constexpr int32_t kReplacementRune = 0xFFFD;
constexpr std::string_view kDecimalDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

struct Word {
  std::string_view text;
  TokenType type;
};

constexpr Word kWords[] = {
    {"and", TokenType::kAnd},
    {"or", TokenType::kOr},
    {"unless", TokenType::kUnless},
    {"atan2", TokenType::kAtan2},
    {"sum", TokenType::kSum},
    {"avg", TokenType::kAvg},
    {"count", TokenType::kCount},
    {"min", TokenType::kMin},
    {"max", TokenType::kMax},
    {"group", TokenType::kGroup},
    {"stddev", TokenType::kStddev},
    {"stdvar", TokenType::kStdvar},
    {"topk", TokenType::kTopK},
    {"bottomk", TokenType::kBottomK},
    {"count_values", TokenType::kCountValues},
    {"quantile", TokenType::kQuantile},
    {"limitk", TokenType::kLimitK},
    {"limit_ratio", TokenType::kLimitRatio},
    {"offset", TokenType::kOffset},
    {"smoothed", TokenType::kSmoothed},
    {"anchored", TokenType::kAnchored},
    {"by", TokenType::kBy},
    {"without", TokenType::kWithout},
    {"on", TokenType::kOn},
    {"ignoring", TokenType::kIgnoring},
    {"group_left", TokenType::kGroupLeft},
    {"group_right", TokenType::kGroupRight},
    {"fill", TokenType::kFill},
    {"fill_left", TokenType::kFillLeft},
    {"fill_right", TokenType::kFillRight},
    {"bool", TokenType::kBool},
    {"start", TokenType::kStart},
    {"end", TokenType::kEndWord},
    {"step", TokenType::kStep},
    {"range", TokenType::kRange},
    {"max_of", TokenType::kMaxOf},
    {"min_of", TokenType::kMinOf},
    {"inf", TokenType::kNumber},
    {"nan", TokenType::kNumber},
};
constexpr size_t kWordSizeMax = 12;

std::optional<TokenType> FindWord(std::string_view text) {
  if (text.size() > kWordSizeMax) return std::nullopt;
  const std::string lower = ToLower(text);
  for (const Word& word : kWords) {
    if (word.text == lower) return word.type;
  }
  return std::nullopt;
}

bool IsSpace(int32_t rune) { return rune == ' ' || rune == '\t' || rune == '\n' || rune == '\r'; }
bool IsDigit(int32_t rune) { return rune >= '0' && rune <= '9'; }
bool IsAlpha(int32_t rune) {
  return rune == '_' || (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z');
}
bool IsAlphaNumeric(int32_t rune) { return IsAlpha(rune) || IsDigit(rune); }

// step, range, max_of, min_of.
bool BeginsDurationWord(int32_t rune) {
  return rune > 0 && rune < 128 &&
         std::string_view("srmSRM").find(static_cast<char>(rune)) != std::string_view::npos;
}

int DigitValue(int32_t rune) {
  if (IsDigit(rune)) return rune - '0';
  if (rune >= 'a' && rune <= 'f') return rune - 'a' + 10;
  if (rune >= 'A' && rune <= 'F') return rune - 'A' + 10;
  return 16;
}

struct Rune {
  int32_t value;
  size_t size;
};

// REQUIRES: offset < text.size().
Rune DecodeRune(std::string_view text, size_t offset) {
  const auto lead = static_cast<uint8_t>(text[offset]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const std::string_view bytes = text.substr(offset, size);
  if (lead < 0xC2 || bytes.size() < size || !IsValidUtf8(bytes)) return {kReplacementRune, 1};
  int32_t value = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) value = (value << 6) | (static_cast<uint8_t>(bytes[i]) & 0x3F);
  return {value, size};
}

std::string EncodeRune(int32_t rune) {
  const auto byte = [](int32_t value) { return static_cast<char>(static_cast<uint8_t>(value)); };
  if (rune < 0) rune = kReplacementRune;
  if (rune < 0x80) return {byte(rune)};
  if (rune < 0x800) return {byte(0xC0 | (rune >> 6)), byte(0x80 | (rune & 0x3F))};
  if (rune < 0x10000) {
    return {byte(0xE0 | (rune >> 12)), byte(0x80 | ((rune >> 6) & 0x3F)),
            byte(0x80 | (rune & 0x3F))};
  }
  return {byte(0xF0 | (rune >> 18)), byte(0x80 | ((rune >> 12) & 0x3F)),
          byte(0x80 | ((rune >> 6) & 0x3F)), byte(0x80 | (rune & 0x3F))};
}

// Go's %q of a rune.
std::string QuoteRune(int32_t rune) {
  if (rune == '\'') return "'\\''";
  if (rune == '"') return "'\"'";
  const std::string quoted = GoQuote(EncodeRune(rune));
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

// Go's %#U.
std::string UnicodeName(int32_t rune) {
  char code[16];
  std::snprintf(code, sizeof(code), "U+%04X", static_cast<unsigned>(rune));
  if (!IsPrintable(static_cast<char32_t>(rune))) return code;
  return std::string(code) + " '" + EncodeRune(rune) + "'";
}

std::string FirstRunes(std::string_view text, int count) {
  size_t end = 0;
  for (int i = 0; i < count && end < text.size(); ++i) end += DecodeRune(text, end).size;
  return std::string(text.substr(0, end));
}

}  // namespace

std::string Token::Description() const {
  switch (type) {
    case TokenType::kEnd:
      return "end of input";
    case TokenType::kError:
      return error;
    case TokenType::kIdentifier:
      return "identifier " + GoQuote(text);
    case TokenType::kMetricIdentifier:
      return "metric identifier " + GoQuote(text);
    default:
      break;
  }
  if (IsKeywordToken(type)) return "<" + std::string(text) + ">";
  if (IsOperatorToken(type)) return "<op:" + std::string(text) + ">";
  if (IsAggregateToken(type)) return "<aggr:" + std::string(text) + ">";
  const std::string quoted =
      text.size() > 10 ? GoQuote(FirstRunes(text, 10)) + "..." : GoQuote(text);
  if (type == TokenType::kString) return "string " + quoted;
  if (type == TokenType::kNumber) return "number " + quoted;
  if (type == TokenType::kDuration) return "duration " + quoted;
  return quoted;
}

// ---------------------------------------------------------------------------------------------------
// Runes

int32_t Lexer::Peek() const {
  return position_ < input_.size() ? DecodeRune(input_, position_).value : kEndOfInput;
}

int32_t Lexer::Take() {
  if (position_ >= input_.size()) return kEndOfInput;
  const Rune rune = DecodeRune(input_, position_);
  position_ += rune.size;
  return rune.value;
}

bool Lexer::PeekIsOneOf(std::string_view set) const {
  return position_ < input_.size() && set.find(input_[position_]) != std::string_view::npos;
}

bool Lexer::Accept(std::string_view set) {
  if (!PeekIsOneOf(set)) return false;
  ++position_;
  return true;
}

void Lexer::AcceptRun(std::string_view set) {
  while (Accept(set)) {
  }
}

void Lexer::SkipSpace() {
  while (IsSpace(Peek())) ++position_;
}

void Lexer::SkipComment() {
  while (position_ < input_.size() && input_[position_] != '\n' && input_[position_] != '\r') {
    ++position_;
  }
}

bool Lexer::ParenthesisFollows() const {
  size_t i = position_;
  while (i < input_.size() && IsSpace(input_[i])) ++i;
  return i < input_.size() && input_[i] == '(';
}

Token Lexer::Emit(TokenType type) const {
  return {type, static_cast<int32_t>(start_), input_.substr(start_, position_ - start_), ""};
}

Token Lexer::Fail(std::string message) {
  state_ = State::kDone;
  return {TokenType::kError, static_cast<int32_t>(start_), input_.substr(start_, 0),
          std::move(message)};
}

Token Lexer::FailAtEnd(std::string message) {
  start_ = position_;
  return Fail(std::move(message));
}

// ---------------------------------------------------------------------------------------------------
// States

Token Lexer::Next() {
  while (true) {
    if (state_ == State::kStatements && brace_open_) state_ = State::kBraces;
    SkipSpace();
    if (state_ == State::kDone || state_ == State::kDuration || Peek() != '#') break;
    SkipComment();
  }
  start_ = position_;
  switch (state_) {
    case State::kStatements:
      return LexStatement();
    case State::kBraces:
      return LexInsideBraces();
    case State::kDuration:
      return LexDuration();
    case State::kDone:
      break;
  }
  return {TokenType::kEnd, static_cast<int32_t>(input_.size()), input_.substr(input_.size()), ""};
}

Token Lexer::LexStatement() {
  const int32_t rune = Take();
  switch (rune) {
    case kEndOfInput:
      if (paren_depth_ != 0) return Fail("unclosed left parenthesis");
      if (bracket_open_) return Fail("unclosed left bracket");
      state_ = State::kDone;
      return Emit(TokenType::kEnd);
    case ',':
      return Emit(TokenType::kComma);
    case '*':
      return Emit(TokenType::kMul);
    case '/':
      return Emit(TokenType::kDiv);
    case '%':
      return Emit(TokenType::kMod);
    case '+':
      return Emit(TokenType::kAdd);
    case '-':
      return Emit(TokenType::kSub);
    case '^':
      return Emit(TokenType::kPow);
    case '@':
      return Emit(TokenType::kAt);
    case '=':
    case '!':
    case '<':
    case '>':
      return LexComparison(rune);
    case '"':
    case '\'':
    case '`':
      return LexString(rune);
    default:
      break;
  }
  if (IsDigit(rune) || (rune == '.' && IsDigit(Peek()))) {
    position_ = start_;
    return LexNumberOrDuration();
  }
  if (IsAlpha(rune) || rune == ':') {
    if (bracket_open_) return LexWordInBrackets(rune);
    position_ = start_;
    return LexKeywordOrIdentifier();
  }
  return LexDelimiter(rune);
}

Token Lexer::LexComparison(int32_t rune) {
  const int32_t next = Peek();
  switch (rune) {
    case '=':
      if (next == '~') return Fail("unexpected character after '=': '~'");
      if (next != '=') return Emit(TokenType::kAssign);
      ++position_;
      return Emit(TokenType::kEqual);
    case '!':
      if (next != '=') return Fail("unexpected character after '!': " + QuoteRune(next));
      ++position_;
      return Emit(TokenType::kNotEqual);
    default:
      break;
  }
  const bool less = rune == '<';
  if (next == '=') {
    ++position_;
    return Emit(less ? TokenType::kLessEqual : TokenType::kGreaterEqual);
  }
  if (next == '/') {
    ++position_;
    return Emit(less ? TokenType::kTrimUpper : TokenType::kTrimLower);
  }
  return Emit(less ? TokenType::kLess : TokenType::kGreater);
}

Token Lexer::LexParenthesis(int32_t rune) {
  if (rune == '(') {
    ++paren_depth_;
    return Emit(TokenType::kLeftParen);
  }
  if (--paren_depth_ < 0) return FailAtEnd("unexpected right parenthesis ')'");
  return Emit(TokenType::kRightParen);
}

Token Lexer::LexDelimiter(int32_t rune) {
  switch (rune) {
    case '(':
    case ')':
      return LexParenthesis(rune);
    case '{':
      brace_open_ = true;
      return Emit(TokenType::kLeftBrace);
    case '[':
      if (bracket_open_) return Fail("unexpected left bracket '['");
      bracket_open_ = true;
      got_colon_ = false;
      state_ = State::kDuration;
      return Emit(TokenType::kLeftBracket);
    case ']':
      if (!bracket_open_) return Fail("unexpected right bracket ']'");
      bracket_open_ = false;
      return Emit(TokenType::kRightBracket);
    default:
      return Fail("unexpected character: " + QuoteRune(rune));
  }
}

// After a number in brackets: the colon of a subquery, or a word as in [5m + step()].
Token Lexer::LexWordInBrackets(int32_t rune) {
  if (rune == ':') {
    if (got_colon_) return Fail("unexpected colon ':'");
    got_colon_ = true;
    return Emit(TokenType::kColon);
  }
  TokenType type;
  if (BeginsDurationWord(rune) && TakeDurationWord(&type)) return Emit(type);
  return Fail("unexpected character: " + QuoteRune(rune) + ", expected ':'");
}

Token Lexer::LexInsideBraces() {
  const int32_t rune = Take();
  if (IsAlpha(rune)) {
    while (IsAlphaNumeric(Peek())) ++position_;
    return Emit(TokenType::kIdentifier);
  }
  switch (rune) {
    case kEndOfInput:
      return Fail("unexpected end of input inside braces");
    case ',':
      return Emit(TokenType::kComma);
    case '"':
    case '\'':
    case '`':
      return LexString(rune);
    case '=':
      return Emit(Accept("~") ? TokenType::kRegexMatch : TokenType::kAssign);
    case '!': {
      const int32_t next = Take();
      if (next == '~') return Emit(TokenType::kRegexNoMatch);
      if (next == '=') return Emit(TokenType::kNotEqual);
      return Fail("unexpected character after '!' inside braces: " + QuoteRune(next));
    }
    case '{':
      return Fail("unexpected left brace '{'");
    case '}':
      brace_open_ = false;
      state_ = State::kStatements;
      return Emit(TokenType::kRightBrace);
    default:
      return Fail("unexpected character inside braces: " + QuoteRune(rune));
  }
}

// Between '[' and the first number after it or after the last operator: only what begins a
// duration.
Token Lexer::LexDuration() {
  const int32_t rune = Take();
  switch (rune) {
    case kEndOfInput:
      return Fail("unexpected end of input in duration expression");
    case ']':
      bracket_open_ = false;
      got_colon_ = false;
      state_ = State::kStatements;
      return Emit(TokenType::kRightBracket);
    case ':':
      if (!got_duration_) {
        return FailAtEnd("unexpected colon before duration in duration expression");
      }
      if (got_colon_) return FailAtEnd("unexpected repeated colon in duration expression");
      got_colon_ = true;
      return Emit(TokenType::kColon);
    case '(':
    case ')':
      return LexParenthesis(rune);
    case '+':
      return Emit(TokenType::kAdd);
    case '-':
      return Emit(TokenType::kSub);
    case '*':
      return Emit(TokenType::kMul);
    case '/':
      return Emit(TokenType::kDiv);
    case '%':
      return Emit(TokenType::kMod);
    case '^':
      return Emit(TokenType::kPow);
    case ',':
      return Emit(TokenType::kComma);
    default:
      break;
  }
  TokenType type;
  if (BeginsDurationWord(rune) && TakeDurationWord(&type)) return Emit(type);
  if (IsDigit(rune) || (rune == '.' && IsDigit(Peek()))) {
    position_ = start_;
    got_duration_ = true;
    state_ = State::kStatements;
    return LexNumberOrDuration();
  }
  return Fail("unexpected character in duration expression: " + QuoteRune(rune));
}

// ---------------------------------------------------------------------------------------------------
// Words

bool Lexer::TakeDurationWord(TokenType* type) {
  while (IsAlpha(Peek())) ++position_;
  const std::optional<TokenType> word = FindWord(input_.substr(start_, position_ - start_));
  if (!word.has_value()) return false;
  *type = *word;
  return *word == TokenType::kStep || *word == TokenType::kRange || *word == TokenType::kMaxOf ||
         *word == TokenType::kMinOf;
}

Token Lexer::LexKeywordOrIdentifier() {
  while (IsAlphaNumeric(Peek()) || Peek() == ':') ++position_;
  const std::string_view text = input_.substr(start_, position_ - start_);
  const std::optional<TokenType> word = FindWord(text);
  if (!word.has_value()) {
    return Emit(text.find(':') == std::string_view::npos ? TokenType::kIdentifier
                                                         : TokenType::kMetricIdentifier);
  }
  // Metrics of these names are older than the modifiers, which always have a parenthesis.
  const bool fill =
      *word == TokenType::kFill || *word == TokenType::kFillLeft || *word == TokenType::kFillRight;
  if (fill && !ParenthesisFollows()) return Emit(TokenType::kIdentifier);
  return Emit(*word);
}

// ---------------------------------------------------------------------------------------------------
// Strings

Token Lexer::LexString(int32_t quote) {
  while (true) {
    const int32_t rune = Take();
    if (rune == quote) return Emit(TokenType::kString);
    if (rune == kReplacementRune) return Fail("invalid UTF-8 rune");
    if (rune == kEndOfInput) {
      return Fail(quote == '`' ? "unterminated raw string" : "unterminated quoted string");
    }
    if (quote == '`') continue;
    if (rune == '\n') return Fail("unterminated quoted string");
    std::string error;
    if (rune == '\\' && !TakeEscape(quote, &error)) return Fail(std::move(error));
  }
}

bool Lexer::TakeEscape(int32_t quote, std::string* error) {
  int digits = 0;
  int base = 16;
  uint32_t max = 0x10FFFF;
  int32_t rune = Take();
  if (rune == quote) return true;
  switch (rune) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
      return true;
    case 'x':
      digits = 2;
      max = 255;
      break;
    case 'u':
      digits = 4;
      break;
    case 'U':
      digits = 8;
      break;
    case kEndOfInput:
      *error = "escape sequence not terminated";
      return false;
    default:
      if (rune < '0' || rune > '7') {
        *error = "unknown escape sequence " + UnicodeName(rune);
        return false;
      }
      digits = 3;
      base = 8;
      max = 255;
  }
  if (base == 16) rune = Take();
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    if (i > 0) rune = Take();
    const int digit = DigitValue(rune);
    if (digit >= base) {
      *error = rune == kEndOfInput
                   ? "escape sequence not terminated"
                   : "illegal character " + UnicodeName(rune) + " in escape sequence";
      return false;
    }
    value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
  }
  if (value > max || (value >= 0xD800 && value < 0xE000)) {
    *error = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

// ---------------------------------------------------------------------------------------------------
// Numbers

Token Lexer::LexNumberOrDuration() {
  if (TakeNumber()) return Emit(TokenType::kNumber);
  if (TakeDurationUnits()) return Emit(TokenType::kDuration);
  return Fail("bad number or duration syntax: " +
              GoQuote(input_.substr(start_, position_ - start_)));
}

// Takes what looks like a number; its value is checked later. False when something else follows
// directly, with the position behind what was looked at.
bool Lexer::TakeNumber() {
  const size_t begin = position_;
  bool hexadecimal = false;
  if (Accept("0") && Accept("xX")) {
    Accept("_");
    hexadecimal = true;
  }
  const std::string_view digits = hexadecimal ? kHexDigits : kDecimalDigits;
  Accept(".");
  Accept(digits);
  if (!TakeNumberTail(digits, hexadecimal)) return false;
  return position_ != begin && !IsAlphaNumeric(Peek());
}

bool Lexer::TakeNumberTail(std::string_view digits, bool hexadecimal) {
  constexpr std::string_view kNotAfterDot = "_.";
  constexpr std::string_view kNotAfterExponent = "._eE";
  bool got_dot = false;
  bool got_exponent = false;
  while (PeekIsOneOf(digits) || PeekIsOneOf("._eE")) {
    if (Accept(".")) {
      if (got_dot || Accept(kNotAfterDot) || hexadecimal) return false;
      got_dot = true;
    } else if (!hexadecimal && Accept("eE")) {
      if (got_exponent) return false;
      got_exponent = true;
      Accept("+-");
      if (Accept(kNotAfterExponent) || position_ == input_.size()) return false;
    } else if (Accept("_")) {
      if (Accept(kNotAfterExponent) || position_ == input_.size()) return false;
    } else {
      AcceptRun(digits);
    }
  }
  return true;
}

// After the digits of a number: a unit, then more numbers with units. Order and repetition of the
// units are checked when the duration is evaluated.
bool Lexer::TakeDurationUnits() {
  if (!Accept("smhdwy")) return false;
  Accept("s");  // ms
  while (Accept(kDecimalDigits)) {
    AcceptRun(kDecimalDigits);
    if (!Accept("smhdw")) return false;
    Accept("s");
  }
  if (!IsAlphaNumeric(Peek())) return true;
  Take();
  return false;
}

}  // namespace tsdb::promql
