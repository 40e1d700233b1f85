#include "query/influxql/parser_core.h"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "query/influxql/influx_duration.h"

namespace tsdb::influxql {
namespace {

// Where Go's encoding/json would stop, in its words. It looks no further than the beginning: what
// follows is named as a whole.
std::string GoJsonError(std::string_view json) {
  constexpr std::string_view kSpace = " \t\r\n";
  size_t at = json.find_first_not_of(kSpace);
  const bool object = at != std::string_view::npos && json[at] == '{';
  if (object) at = json.find_first_not_of(kSpace, at + 1);
  if (at == std::string_view::npos) return "unexpected end of JSON input";
  const std::string invalid =
      "invalid character '" + std::string(1, json[at]) + "' looking for beginning of ";
  if (!object) return invalid + "value";
  if (json[at] != '"' && json[at] != '}') return invalid + "object key string";
  return "unexpected EOF";
}

// An object without what stands behind it, at which Go's decoder does not look.
std::string_view FirstDocument(std::string_view json) {
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && depth > 0 && --depth == 0) {
      return json.substr(0, i + 1);
    }
  }
  return json;
}

// A value that cannot be bound stays a parameter and is told of where it is used.
BoundValue Unbound(std::string why) { return {Token::kBoundParam, std::move(why)}; }

// Go reads digits with a point as a float, others as an int64. Its error otherwise.
Result<BoundValue> BoundNumber(const std::string& digits) {
  if (digits.find('.') != std::string::npos) {
    const auto number = ParseFloat(digits);
    if (number.has_value() && std::isfinite(*number))
      return BoundValue{Token::kNumber, FormatFloat(*number)};
    return InvalidArgument("strconv.ParseFloat: parsing " + GoQuote(digits) +
                           ": value out of range");
  }
  if (ParseInt64(digits).has_value()) return BoundValue{Token::kInteger, digits};
  const bool whole = digits.find_first_not_of("-0123456789") == std::string::npos;
  return InvalidArgument("strconv.ParseInt: parsing " + GoQuote(digits) + ": " +
                         (whole ? "value out of range" : "invalid syntax"));
}

BoundValue BoundObject(std::string_view type, const JsonValue& value) {
  std::optional<BoundValue> number;
  if (value.is_number()) {
    Result<BoundValue> read = BoundNumber(value.text());
    if (!read.ok()) return Unbound(read.status().message());
    number = *std::move(read);
  }
  if (type == "ident" || type == "identifier") {
    return value.is_string() ? BoundValue{Token::kIdent, value.text()}
                             : Unbound("identifier must be a string value");
  }
  if (type == "regex" || type == "string") {
    if (!value.is_string()) return Unbound(std::string(type) + " literal must be a string value");
    return {type == "regex" ? Token::kRegex : Token::kString, value.text()};
  }
  if (type == "float" || type == "number") {
    if (!number.has_value()) return Unbound("number literal must be a float value");
    return {Token::kNumber, number->text};
  }
  if (type == "int" || type == "integer") {
    const bool whole = number.has_value() && number->token == Token::kInteger;
    return whole ? *number : Unbound("integer literal must be an integer value");
  }
  if (type == "duration") {
    if (value.is_string()) return {Token::kDurationValue, value.text()};
    if (number.has_value() && number->token == Token::kInteger) {
      return {Token::kDurationValue, FormatInfluxDuration(ParseInt64(number->text).value_or(0))};
    }
    return Unbound("duration literal must be a string or integer value");
  }
  return Unbound("unknown bind object type: " + std::string(type));
}

Result<BoundValue> BoundFromJson(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kString:
      return BoundValue{Token::kString, value.text()};
    case JsonValue::Kind::kNumber: {
      Result<BoundValue> number = BoundNumber(value.text());
      if (number.ok()) return number;
      return InvalidArgument("error parsing json value: " + number.status().message());
    }
    case JsonValue::Kind::kBool:
      return BoundValue{value.boolean() ? Token::kTrue : Token::kFalse, ""};
    case JsonValue::Kind::kObject:
      break;
    case JsonValue::Kind::kNull:
      return Unbound("unable to bind parameter with type <nil>");
    default:
      return Unbound("unable to bind parameter with type []interface {}");
  }
  if (value.object().size() != 1) {
    return Unbound("bound object parameter value must have exactly one entry");
  }
  const auto& [type, inner] = value.object().front();
  return BoundObject(type, inner);
}

std::string_view GoKindOf(const JsonValue& value) {
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  return value.is_bool() ? "bool" : "number";
}

}  // namespace

Result<BoundParameters> ParseBoundParameters(std::string_view json) {
  constexpr std::string_view kTitle = "error parsing query parameters: ";
  json = FirstDocument(json);
  const auto document = JsonValue::Parse(json);
  if (!document.ok()) return InvalidArgument(std::string(kTitle) + GoJsonError(json));
  BoundParameters parameters;
  if (document->is_null()) return parameters;
  if (!document->is_object()) {
    return InvalidArgument(std::string(kTitle) + "json: cannot unmarshal " +
                           std::string(GoKindOf(*document)) +
                           " into Go value of type map[string]interface {}");
  }
  for (const auto& [name, value] : document->object()) {
    ASSIGN_OR_RETURN(parameters[name], BoundFromJson(value));
  }
  return parameters;
}

Result<std::vector<Statement>> ParseQuery(std::string_view text,
                                          const BoundParameters& parameters) {
  return Parser(text, parameters).ParseStatements();
}

Result<ExprPtr> ParseExpr(std::string_view text) {
  const BoundParameters none;
  return Parser(text, none).ParseWholeExpr();
}

Lexeme Parser::Scan() {
  if (unscanned_ > 0) {
    --unscanned_;
    return history_[(last_ + kHistory - unscanned_) % kHistory];
  }
  last_ = (last_ + 1) % kHistory;
  Lexeme lexeme = lexer_.Next();
  if (lexeme.token == Token::kBoundParam) {
    const auto found = parameters_.find(std::string_view(lexeme.text).substr(1));
    if (found != parameters_.end()) {
      lexeme.token = found->second.token;
      lexeme.text = found->second.text;
    }
  }
  history_[last_] = lexeme;
  return lexeme;
}

Lexeme Parser::Next() {
  Lexeme lexeme = Scan();
  while (lexeme.token == Token::kSpace || lexeme.token == Token::kComment) lexeme = Scan();
  return lexeme;
}

void Parser::Unscan() { ++unscanned_; }

bool Parser::Accept(Token token) {
  if (Next().token == token) return true;
  Unscan();
  return false;
}

Status Parser::Expect(Token token) {
  const Lexeme found = Next();
  return found.token == token ? Status::Ok() : Unexpected(found, TokenText(token));
}

Status Parser::ExpectAll(std::initializer_list<Token> tokens) {
  for (const Token token : tokens) RETURN_IF_ERROR(Expect(token));
  return Status::Ok();
}

Status Parser::At(std::string message, Position position) {
  return InvalidArgument(std::move(message) + " at line " + std::to_string(position.line + 1) +
                         ", char " + std::to_string(position.column + 1));
}

std::string Parser::Found(const Lexeme& lexeme) {
  return lexeme.text.empty() ? std::string(TokenText(lexeme.token)) : lexeme.text;
}

Status Parser::Unexpected(const Lexeme& found, std::string_view expected) {
  return At("found " + Found(found) + ", expected " + std::string(expected), found.position);
}

Result<std::string> Parser::Ident() {
  Lexeme found = Next();
  if (found.token != Token::kIdent) return Unexpected(found, "identifier");
  return std::move(found.text);
}

Result<std::vector<std::string>> Parser::IdentList() {
  std::vector<std::string> names;
  do {
    ASSIGN_OR_RETURN(std::string name, Ident());
    names.push_back(std::move(name));
  } while (Accept(Token::kComma));
  return names;
}

Result<std::vector<std::string>> Parser::SegmentedIdents() {
  std::vector<std::string> segments;
  ASSIGN_OR_RETURN(std::string first, Ident());
  segments.push_back(std::move(first));
  while (true) {
    if (Scan().token != Token::kDot) {
      Unscan();
      break;
    }
    const char32_t next = PeekRune();
    if (next == '/' || next == ':') break;  // a regex or :MEASUREMENT follows
    if (next == '.') {
      segments.emplace_back();
      continue;
    }
    ASSIGN_OR_RETURN(std::string segment, Ident());
    segments.push_back(std::move(segment));
  }
  if (segments.size() > 3) return At("too many segments in " + QuoteIdents(segments), {});
  return segments;
}

Result<std::string> Parser::String() {
  Lexeme found = Next();
  if (found.token != Token::kString) return Unexpected(found, "string");
  return std::move(found.text);
}

Result<int64_t> Parser::Integer(int64_t min, int64_t max) {
  const Lexeme found = Next();
  if (found.token != Token::kInteger) return Unexpected(found, "integer");
  const auto value = ParseInt64(found.text);
  if (!value.has_value()) {
    return At("strconv.Atoi: parsing \"" + found.text + "\": value out of range", found.position);
  }
  if (*value < min || *value > max) {
    return At("invalid value " + found.text + ": must be " + std::to_string(min) +
                  " <= n <= " + std::to_string(max),
              found.position);
  }
  return *value;
}

Result<uint64_t> Parser::Unsigned() {
  const Lexeme found = Next();
  if (found.token != Token::kInteger) return Unexpected(found, "integer");
  const auto value = ParseUint64(found.text);
  if (!value.has_value()) {
    return At("strconv.ParseUint: parsing \"" + found.text + "\": value out of range",
              found.position);
  }
  return *value;
}

Result<int64_t> Parser::Duration() {
  const Lexeme found = Next();
  if (found.token == Token::kInf) return int64_t{0};
  if (found.token != Token::kDurationValue) return Unexpected(found, "duration");
  Result<int64_t> ns = ParseInfluxDuration(found.text);
  if (!ns.ok()) return At(ns.status().message(), found.position);
  return ns;
}

Result<int64_t> Parser::OptionalCount(Token token) {
  if (!Accept(token)) return int64_t{0};
  const Lexeme found = Next();
  if (found.token != Token::kInteger) return Unexpected(found, "integer");
  // As in InfluxDB, a number beyond 63 bits is the largest one. A bound one may be negative.
  const int64_t count = ParseInt64(found.text).value_or(std::numeric_limits<int64_t>::max());
  if (count < 0) return At(std::string(TokenText(token)) + " must be >= 0", found.position);
  return count;
}

Result<std::vector<Statement>> Parser::ParseStatements() {
  std::vector<Statement> statements;
  bool separated = true;
  while (true) {
    const Lexeme next = Next();
    if (next.token == Token::kEof) return statements;
    if (next.token == Token::kSemicolon) {
      separated = true;
      continue;
    }
    if (!separated) return Unexpected(next, ";");
    if (statements.size() == kMaxStatements) {
      return At("more than " + std::to_string(kMaxStatements) + " statements", next.position);
    }
    Unscan();
    ASSIGN_OR_RETURN(Statement statement, ParseStatement());
    statements.push_back(std::move(statement));
    separated = false;
  }
}

Result<Statement> Parser::ParseStatement() {
  const Lexeme first = Next();
  switch (first.token) {
    case Token::kSelect: {
      ASSIGN_OR_RETURN(SelectStatement select, Select(TargetRule::kOptional));
      return Statement(std::move(select));
    }
    case Token::kDelete:
      return Delete(false);
    case Token::kShow:
      return Show();
    case Token::kCreate:
      return Create();
    case Token::kDrop:
      return Drop();
    case Token::kExplain:
      return Explain();
    case Token::kGrant:
      return GrantOrRevoke(false);
    case Token::kRevoke:
      return GrantOrRevoke(true);
    case Token::kAlter:
      RETURN_IF_ERROR(ExpectAll({Token::kRetention, Token::kPolicy}));
      return AlterPolicy();
    case Token::kSet:
      RETURN_IF_ERROR(Expect(Token::kPassword));
      return SetPassword();
    case Token::kKill:
      RETURN_IF_ERROR(Expect(Token::kQuery));
      return Kill();
    default:
      return Unexpected(first,
                        "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, "
                        "KILL");
  }
}

}  // namespace tsdb::influxql
