// Cuts a PromQL text into tokens. What is a token depends on where it stands: braces hold no
// keywords, brackets hold only durations, numbers and four words. Thread-compatible; borrows the
// text.
//
// States and error texts follow Prometheus' promql/parser/lex.go, since clients see them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "query/promql/ast.h"

namespace tsdb::promql {

enum class TokenType : uint8_t {
  kEnd,
  kError,
  kIdentifier,
  kMetricIdentifier,
  kNumber,
  kDuration,
  kString,
  // Punctuation.
  kAssign,
  kColon,
  kComma,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kLeftParen,
  kRightParen,
  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kAtan2,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kAnd,
  kOr,
  kUnless,
  kTrimUpper,
  kTrimLower,
  kRegexMatch,
  kRegexNoMatch,
  kAt,
  // Aggregations.
  kAvg,
  kBottomK,
  kCount,
  kCountValues,
  kGroup,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopK,
  kLimitK,
  kLimitRatio,
  // Keywords.
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kSmoothed,
  kAnchored,
  kOn,
  kWithout,
  // Words that stand for values of the query: as functions, after @ and in durations.
  kStart,
  kEndWord,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

inline bool IsOperatorToken(TokenType type) {
  return type >= TokenType::kAdd && type <= TokenType::kAt;
}
inline bool IsAggregateToken(TokenType type) {
  return type >= TokenType::kAvg && type <= TokenType::kLimitRatio;
}
inline bool IsKeywordToken(TokenType type) {
  return type >= TokenType::kBool && type <= TokenType::kWithout;
}

struct Token {
  TokenType type = TokenType::kEnd;
  int32_t start = 0;
  std::string_view text;  // as written; of the query
  std::string error;      // kError: what is wrong

  PositionRange range() const { return {start, start + static_cast<int32_t>(text.size())}; }
  // How error messages name it: identifier "foo", <op:+>, ")", end of input.
  std::string Description() const;
};

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  // The next token, comments and white space left out. After kEnd or kError, kEnd for ever.
  Token Next();
  // Where the last token ended.
  size_t offset() const { return position_; }

 private:
  enum class State : uint8_t { kStatements, kBraces, kDuration, kDone };
  static constexpr int32_t kEndOfInput = -1;

  // Runes: the next code point, U+FFFD for a byte that is no UTF-8, or kEndOfInput.
  int32_t Peek() const;
  int32_t Take();
  bool Accept(std::string_view set);
  void AcceptRun(std::string_view set);
  bool PeekIsOneOf(std::string_view set) const;
  void SkipSpace();
  void SkipComment();
  bool ParenthesisFollows() const;

  Token Emit(TokenType type) const;
  Token Fail(std::string message);
  Token FailAtEnd(std::string message);  // positioned behind the bytes taken

  Token LexStatement();
  Token LexComparison(int32_t rune);
  Token LexDelimiter(int32_t rune);
  Token LexWordInBrackets(int32_t rune);
  Token LexInsideBraces();
  Token LexDuration();
  Token LexParenthesis(int32_t rune);
  Token LexKeywordOrIdentifier();
  Token LexNumberOrDuration();
  Token LexString(int32_t quote);
  bool TakeEscape(int32_t quote, std::string* error);
  bool TakeNumber();
  bool TakeNumberTail(std::string_view digits, bool hexadecimal);
  bool TakeDurationUnits();
  bool TakeDurationWord(TokenType* type);

  std::string_view input_;
  size_t position_ = 0;
  size_t start_ = 0;  // of the token being cut
  State state_ = State::kStatements;
  int paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool got_colon_ = false;
  bool got_duration_ = false;
};

// The value of a kNumber token by Go's rules: integers decimal, hexadecimal or octal ("017"), then
// floats; underscores between digits; "inf" and "nan" in any case. kInvalidArgument with Go's text.
Result<double> ParseNumberToken(std::string_view text);

}  // namespace tsdb::promql
