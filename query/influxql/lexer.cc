#include "query/influxql/lexer.h"

#include "base/text.h"
#include "base/utf8.h"

namespace tsdb::influxql {
namespace {

bool IsSpace(char32_t c) { return c == ' ' || c == '\t' || c == '\n'; }
bool IsDigit(char32_t c) { return c >= '0' && c <= '9'; }
bool IsLetter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsWordChar(char32_t c) { return IsLetter(c) || IsDigit(c) || c == '_'; }
constexpr char32_t kMicro = 0xB5;  // 'µ', a unit of durations

// The first character of valid UTF-8, which is removed.
char32_t TakeUtf8(std::string_view* text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  const uint8_t lead = byte(0);
  size_t size = 1;
  char32_t c = lead;
  if (lead >= 0xF0) {
    size = 4;
    c = lead & 0x07;
  } else if (lead >= 0xE0) {
    size = 3;
    c = lead & 0x0F;
  } else if (lead >= 0xC0) {
    size = 2;
    c = lead & 0x1F;
  }
  for (size_t i = 1; i < size; ++i) c = (c << 6) | (byte(i) & 0x3F);
  text->remove_prefix(size);
  return c;
}

}  // namespace

Lexer::Lexer(std::string_view text) {
  std::string repaired;
  if (!IsValidUtf8(text)) {
    repaired = ToValidUtf8(text);
    text = repaired;
  }
  Position position;
  while (!text.empty()) {
    char32_t c = TakeUtf8(&text);
    if (c == '\r') {
      if (!text.empty() && text.front() == '\n') text.remove_prefix(1);
      c = '\n';
    }
    runes_.push_back(c);
    positions_.push_back(position);
    if (c == '\n') {
      ++position.line;
      position.column = 0;
    } else {
      ++position.column;
    }
  }
  positions_.push_back(position);
}

Position Lexer::PositionOf(size_t index, bool before_start) const {
  if (before_start) return {};
  if (index < positions_.size()) return positions_[index];
  Position end = positions_.back();  // the end counts as one character once it has been read
  ++end.column;
  return end;
}

Lexeme Lexer::Next() {
  const char32_t c = Read();
  const Position position = Current();
  if (c == 0) return {Token::kEof, position, ""};
  if (IsSpace(c)) {
    Unread();
    return Space();
  }
  if (IsLetter(c) || c == '_' || c == '"') {
    Unread();
    return Word(true);
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Peek()))) {
    Unread();
    return Number();
  }
  if (c == '\'') return Quoted();
  if (c == '$') {
    Lexeme word = Word(false);
    if (word.token == Token::kIdent) word.token = Token::kBoundParam;
    word.position = position;
    word.text.insert(0, 1, '$');
    return word;
  }
  return Operator(c, position);
}

Lexeme Lexer::Space() {
  Lexeme space{Token::kSpace, PositionOf(at_, false), ""};
  while (IsSpace(Peek())) AppendUtf8(&space.text, Read());
  if (Peek() == 0) Read();  // as in Word(): the end counts as read
  return space;
}

Lexeme Lexer::Word(bool keywords) {
  Lexeme word{Token::kIdent, PositionOf(at_, false), ""};
  while (true) {
    const char32_t c = Read();
    if (c == 0) break;  // the end stays read, which shifts the position of what is said of it
    if (c == '"') {
      Lexeme quoted = Quoted();
      if (quoted.token != Token::kString) return quoted;
      word.text = std::move(quoted.text);
      return word;
    }
    if (!IsWordChar(c)) {
      Unread();
      break;
    }
    AppendUtf8(&word.text, c);
  }
  if (keywords) word.token = KeywordOf(word.text);
  if (word.token != Token::kIdent) word.text.clear();
  return word;
}

Lexeme Lexer::Quoted() {
  Unread();
  Lexeme lexeme{Token::kString, Current(), ""};
  Token problem = Token::kString;
  if (!Delimited(&lexeme.text, &problem)) {
    lexeme.token = problem;
    if (problem == Token::kBadEscape) lexeme.position = Current();
  }
  return lexeme;
}

bool Lexer::Delimited(std::string* out, Token* problem) {
  const char32_t quote = Read();
  while (true) {
    const char32_t c = Read();
    if (c == quote) return true;
    if (c == 0 || c == '\n') {
      *problem = Token::kBadString;
      return false;
    }
    if (c != '\\') {
      AppendUtf8(out, c);
      continue;
    }
    const char32_t escaped = Read();
    if (escaped == 'n') {
      out->push_back('\n');
    } else if (escaped == '\\' || escaped == '"' || escaped == '\'') {
      AppendUtf8(out, escaped);
    } else {
      out->assign(1, '\\');
      if (escaped != 0) AppendUtf8(out, escaped);
      *problem = Token::kBadEscape;
      return false;
    }
  }
}

Lexeme Lexer::NextRegex() {
  Lexeme lexeme{Token::kRegex, Current(), ""};
  Read();  // the slash
  while (true) {
    const char32_t c = Read();
    if (c == '/') return lexeme;
    if (c == 0 || c == '\n') {
      lexeme.token = Token::kBadRegex;
      lexeme.text.clear();
      return lexeme;
    }
    if (c == '\\' && Peek() == '/') {
      AppendUtf8(&lexeme.text, Read());
      continue;
    }
    AppendUtf8(&lexeme.text, c);
  }
}

void Lexer::AppendDigits(std::string* out) {
  while (IsDigit(Peek())) AppendUtf8(out, Read());
}

Lexeme Lexer::Number() {
  Lexeme number{Token::kInteger, PositionOf(at_, false), ""};
  AppendDigits(&number.text);
  if (Peek() == '.') {
    Read();
    number.token = Token::kNumber;
    if (IsDigit(Peek())) {
      number.text += '.';
      AppendDigits(&number.text);
    }
    return number;
  }
  if (!IsLetter(Peek()) && Peek() != kMicro) return number;
  number.token = Token::kDurationValue;
  while (IsLetter(Peek()) || Peek() == kMicro || IsDigit(Peek())) AppendUtf8(&number.text, Read());
  return number;
}

Lexeme Lexer::Slash(Position position) {
  if (Peek() != '*') return {Token::kDiv, position, ""};
  Read();
  for (char32_t c = Read(); c != 0; c = Read()) {
    if (c == '*' && Peek() == '/') {
      Read();
      return {Token::kComment, position, ""};
    }
  }
  return {Token::kIllegal, position, ""};
}

Lexeme Lexer::Operator(char32_t first, Position position) {
  const auto either = [&](char32_t second, Token both, Token one) -> Lexeme {
    if (Peek() != second) return {one, position, ""};
    Read();
    return {both, position, ""};
  };
  switch (first) {
    case '.':
      return {Token::kDot, position, ""};
    case '+':
      return {Token::kAdd, position, ""};
    case '-':
      if (Peek() != '-') return {Token::kSub, position, ""};
      while (Peek() != 0 && Peek() != '\n') Read();
      Read();
      return {Token::kComment, position, ""};
    case '*':
      return {Token::kMul, position, ""};
    case '/':
      return Slash(position);
    case '%':
      return {Token::kMod, position, ""};
    case '&':
      return {Token::kBitAnd, position, ""};
    case '|':
      return {Token::kBitOr, position, ""};
    case '^':
      return {Token::kBitXor, position, ""};
    case '=':
      return either('~', Token::kEqRegex, Token::kEq);
    case '!':
      if (Peek() == '=') return either('=', Token::kNotEq, Token::kIllegal);
      if (Peek() == '~') return either('~', Token::kNotEqRegex, Token::kIllegal);
      break;
    case '>':
      return either('=', Token::kGreaterEq, Token::kGreater);
    case '<':
      if (Peek() == '>') return either('>', Token::kNotEq, Token::kLess);
      return either('=', Token::kLessEq, Token::kLess);
    case '(':
      return {Token::kLeftParen, position, ""};
    case ')':
      return {Token::kRightParen, position, ""};
    case ',':
      return {Token::kComma, position, ""};
    case ';':
      return {Token::kSemicolon, position, ""};
    case ':':
      return either(':', Token::kDoubleColon, Token::kColon);
    default:
      break;
  }
  Lexeme illegal{Token::kIllegal, position, ""};
  AppendUtf8(&illegal.text, first);
  return illegal;
}

}  // namespace tsdb::influxql
