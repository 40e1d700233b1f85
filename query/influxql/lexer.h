// Cuts InfluxQL text into tokens. Positions are InfluxDB's, oddities included (a quoted text is
// said to be where the character before it is, and the end one further after it has been looked
// at), because clients see them in error texts; the tests of topic parse_errors pin them.
// Thread-compatible.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/influxql/token.h"

namespace tsdb::influxql {

struct Lexeme {
  Token token = Token::kEof;
  Position position;
  std::string text;  // of identifiers, numbers, strings, spaces; empty for keywords and operators
};

class Lexer {
 public:
  // Bytes that are not UTF-8 read as U+FFFD, "\r\n" and "\r" as a line break.
  explicit Lexer(std::string_view text);

  Lexeme Next();
  // What follows is a regular expression between slashes. "\/" stands for a slash.
  Lexeme NextRegex();
  // The next character without consuming it; 0 at the end, which then counts as read.
  char32_t PeekOrPassEnd() { return at_ < runes_.size() ? runes_[at_] : Read(); }

 private:
  // The next character without consuming it; 0 at the end.
  char32_t Peek() const { return at_ < runes_.size() ? runes_[at_] : 0; }
  char32_t Read() { return at_ < runes_.size() ? runes_[at_++] : (++at_, 0); }
  void Unread() { --at_; }
  // Of the character read last.
  Position Current() const { return PositionOf(at_ == 0 ? 0 : at_ - 1, at_ == 0); }
  Position PositionOf(size_t index, bool before_start) const;

  Lexeme Space();
  Lexeme Word(bool keywords);
  Lexeme Quoted();
  Lexeme Number();
  Lexeme Operator(char32_t first, Position position);
  Lexeme Slash(Position position);
  void AppendDigits(std::string* out);
  // The text between `quote` and the same again; false (and the token) when it is bad.
  bool Delimited(std::string* out, Token* problem);

  std::u32string runes_;
  std::vector<Position> positions_;  // of runes_, and of the end
  size_t at_ = 0;
};

}  // namespace tsdb::influxql
