#include "query/promql/parser_core.h"

#include "base/duration.h"
#include "base/text.h"

namespace tsdb::promql {

Status ParseErrorAt(std::string_view query, int32_t position, std::string_view message) {
  return InvalidArgument(PositionText(query, position) + ": parse error: " + std::string(message));
}

bool CanNameMetric(TokenType type) {
  switch (type) {
    case TokenType::kIdentifier:
    case TokenType::kMetricIdentifier:
    case TokenType::kBy:
    case TokenType::kWithout:
    case TokenType::kFill:
    case TokenType::kFillLeft:
    case TokenType::kFillRight:
    case TokenType::kAnd:
    case TokenType::kOr:
    case TokenType::kUnless:
    case TokenType::kOffset:
    case TokenType::kAnchored:
    case TokenType::kSmoothed:
    case TokenType::kStart:
    case TokenType::kEndWord:
    case TokenType::kStep:
    case TokenType::kRange:
    case TokenType::kMaxOf:
    case TokenType::kMinOf:
      return true;
    default:
      return IsAggregateToken(type);
  }
}

bool CanNameLabel(TokenType type) {
  switch (type) {
    case TokenType::kAtan2:
    case TokenType::kBool:
    case TokenType::kGroupLeft:
    case TokenType::kGroupRight:
    case TokenType::kIgnoring:
    case TokenType::kOn:
      return true;
    case TokenType::kWithout:  // as in Prometheus' grammar, which leaves this one out
      return false;
    default:
      return CanNameMetric(type);
  }
}

const Token& ParserCore::Peek() {
  if (!peeked_.has_value()) {
    peeked_ = lexer_.Next();
    if (peeked_->type == TokenType::kError) Fail(peeked_->start, peeked_->error);
  }
  return *peeked_;
}

Token ParserCore::Take() {
  Token token = Peek();
  peeked_.reset();
  last_end_ = token.range().end;
  return token;
}

bool ParserCore::TakeIf(TokenType type) {
  if (!PeekIs(type)) return false;
  Take();
  return true;
}

bool ParserCore::Expect(TokenType type) {
  if (TakeIf(type)) return true;
  Unexpected();
  return false;
}

bool ParserCore::ExpectOr(TokenType type, Context context) {
  if (TakeIf(type)) return true;
  Unexpected(context);
  return false;
}

void ParserCore::Fail(int32_t position, std::string_view message) {
  if (!failed()) status_ = ParseErrorAt(query_, position, message);
}

void ParserCore::Unexpected(Context context) {
  std::string message = "unexpected " + Peek().Description();
  if (!context.where.empty()) message.append(" in ").append(context.where);
  if (!context.expected.empty()) message.append(", expected ").append(context.expected);
  Fail(Peek().start, message);
}

std::string ParserCore::Unquote(const Token& token) {
  std::optional<std::string> text = GoUnquote(token.text);
  if (text.has_value()) return *std::move(text);
  Fail(token.start, "error unquoting string " + GoQuote(token.text) + ": invalid syntax");
  return "";
}

double ParserCore::NumberOf(const Token& token) {
  if (token.type == TokenType::kDuration) {
    const Result<int64_t> duration_ms = ParseDurationMs(token.text);
    if (duration_ms.ok()) return static_cast<double>(*duration_ms) / 1000;
    Fail(token.start, duration_ms.status().message());
    return 0;
  }
  const Result<double> number = ParseNumberToken(token.text);
  if (number.ok()) return *number;
  Fail(token.start, number.status().message());
  return 0;
}

std::vector<Label> ParserCore::ParseMetricLabels(bool adjacent) {
  std::vector<Label> labels;
  std::optional<std::string> name;
  if (CanNameMetric(PeekType())) name = std::string(Take().text);
  const auto end = static_cast<size_t>(last_end_);
  const bool brace_may_follow =
      !name.has_value() || !adjacent || (end < query_.size() && query_[end] == '{');
  if (!failed() && brace_may_follow && TakeIf(TokenType::kLeftBrace) &&
      !TakeIf(TokenType::kRightBrace)) {
    while (ParseLabelItem(&labels)) {
      if (TakeIf(TokenType::kRightBrace)) break;
      if (!ExpectOr(TokenType::kComma, {"label set", "\",\" or \"}\""})) break;
      if (TakeIf(TokenType::kRightBrace)) break;
    }
  }
  if (name.has_value()) {
    std::erase_if(labels, [](const Label& label) { return label.name == kMetricName; });
    labels.push_back({std::string(kMetricName), *std::move(name)});
  }
  return labels;
}

bool ParserCore::ParseLabelItem(std::vector<Label>* labels) {
  const bool quoted = PeekIs(TokenType::kString);
  if (!quoted && !PeekIs(TokenType::kIdentifier)) {
    Unexpected({"label set", "identifier or \"}\""});
    return false;
  }
  const Token name_token = Take();
  std::string name = quoted ? Unquote(name_token) : std::string(name_token.text);
  if (quoted && !PeekIs(TokenType::kAssign)) {
    labels->push_back({std::string(kMetricName), std::move(name)});
    return !failed();
  }
  if (!ExpectOr(TokenType::kAssign, {"label set", "\"=\""})) return false;
  if (!PeekIs(TokenType::kString)) {
    Unexpected({"label set", "string"});
    return false;
  }
  labels->push_back({std::move(name), Unquote(Take())});
  return !failed();
}

}  // namespace tsdb::promql
