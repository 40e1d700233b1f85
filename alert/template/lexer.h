// Cuts a template text into tokens. The last token is kEof or kError (whose text says what is
// wrong).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::gotemplate {

enum class TokenKind : uint8_t {
  kError,
  kEof,
  kText,
  kLeftDelimiter,
  kRightDelimiter,
  kSpace,
  kAssign,
  kDeclare,
  kPipe,
  kLeftParen,
  kRightParen,
  kString,
  kRawString,
  kCharacter,
  kNumber,
  kBool,
  kNil,
  kDot,
  kField,
  kVariable,
  kIdentifier,
  kPunctuation,
  // Keywords.
  kBlock,
  kBreak,
  kContinue,
  kDefine,
  kElse,
  kEnd,
  kIf,
  kRange,
  kTemplate,
  kWith,
};

struct Token {
  TokenKind kind = TokenKind::kEof;
  int32_t position = 0;
  int32_t line = 1;
  std::string text;

  // As error messages show it: EOF, <end>, "x".
  std::string ToString() const;
};

std::vector<Token> LexTemplate(std::string_view text);

}  // namespace tsdb::gotemplate
