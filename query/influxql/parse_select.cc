#include <utility>

#include "base/text.h"
#include "query/influxql/parser_core.h"

namespace tsdb::influxql {
namespace {

// Operators that make sense in WHERE only; nullptr when `expr` has none.
const Expr* FindComparison(const ExprPtr& expr) {
  const Expr* found = nullptr;
  Walk(expr, [&](const Expr& node) {
    if (found == nullptr && node.is(Expr::Kind::kBinary) && Precedence(node.op) <= 3) found = &node;
  });
  return found;
}

}  // namespace

Result<SelectStatement> Parser::Select(TargetRule target) {
  if (depth_ >= kMaxDepth) return InvalidArgument("too many nested subqueries");
  ++depth_;
  SelectStatement select;
  ASSIGN_OR_RETURN(select.fields, Fields());
  RETURN_IF_ERROR(Target(target, &select.target));
  RETURN_IF_ERROR(Expect(Token::kFrom));
  ASSIGN_OR_RETURN(select.sources, SourceList(true));
  ASSIGN_OR_RETURN(select.condition, Condition());
  ASSIGN_OR_RETURN(select.dimensions, Dimensions());
  RETURN_IF_ERROR(Fill(&select));
  RETURN_IF_ERROR(OrderBy(&select.has_order, &select.order_names_time, &select.ascending));
  ASSIGN_OR_RETURN(select.limit, OptionalCount(Token::kLimit));
  ASSIGN_OR_RETURN(select.offset, OptionalCount(Token::kOffset));
  ASSIGN_OR_RETURN(select.slimit, OptionalCount(Token::kSlimit));
  ASSIGN_OR_RETURN(select.soffset, OptionalCount(Token::kSoffset));
  ASSIGN_OR_RETURN(select.zone, Zone());
  --depth_;
  return select;
}

Result<std::vector<SelectField>> Parser::Fields() {
  std::vector<SelectField> fields;
  while (true) {
    SelectField field;
    ASSIGN_OR_RETURN(field.expr, OptionalRegex());
    if (!field.expr) {
      const Position position = Next().position;
      Unscan();
      ASSIGN_OR_RETURN(field.expr, Expression());
      if (const Expr* wrong = FindComparison(field.expr)) {
        Status status =
            At("invalid operator " + std::string(TokenText(wrong->op)) + " in SELECT clause",
               position);
        return InvalidArgument(status.message() + "; operator is intended for WHERE clause");
      }
    }
    if (Accept(Token::kAs)) {
      ASSIGN_OR_RETURN(field.alias, Ident());
    }
    fields.push_back(std::move(field));
    // Here InfluxDB does not look past a comment.
    Lexeme next = Scan();
    if (next.token == Token::kSpace) next = Scan();
    if (next.token == Token::kComma) continue;
    Unscan();
    return fields;
  }
}

Status Parser::Target(TargetRule rule, std::optional<Source>* target) {
  const Lexeme next = Next();
  if (next.token != Token::kInto) {
    if (rule == TargetRule::kRequired) return Unexpected(next, "INTO");
    Unscan();
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(std::vector<std::string> segments, SegmentedIdents());
  if (segments.size() < 3 && PeekRune() == ':') {
    RETURN_IF_ERROR(ExpectAll({Token::kColon, Token::kMeasurement}));
    segments.emplace_back();
  }
  Source into;
  into.name = segments.back();
  if (segments.size() >= 2) into.policy = segments[segments.size() - 2];
  if (segments.size() >= 3) into.database = segments[0];
  *target = std::move(into);
  return Status::Ok();
}

Result<Sources> Parser::SourceList(bool subqueries) {
  Sources sources;
  do {
    ASSIGN_OR_RETURN(Source source, OneSource(subqueries));
    sources.push_back(std::move(source));
  } while (Accept(Token::kComma));
  return sources;
}

Result<Source> Parser::OneSource(bool subqueries) {
  Source source;
  ASSIGN_OR_RETURN(source.regex, OptionalRegex());
  if (source.regex) return source;
  if (subqueries && Accept(Token::kLeftParen)) {
    RETURN_IF_ERROR(Expect(Token::kSelect));
    ASSIGN_OR_RETURN(SelectStatement select, Select(TargetRule::kOptional));
    RETURN_IF_ERROR(Expect(Token::kRightParen));
    source.subquery = std::make_shared<const SelectStatement>(std::move(select));
    return source;
  }
  ASSIGN_OR_RETURN(std::vector<std::string> segments, SegmentedIdents());
  if (segments.size() < 3) {
    ASSIGN_OR_RETURN(source.regex, OptionalRegex());
  }
  if (source.regex) segments.emplace_back();
  source.name = segments.back();
  if (segments.size() >= 2) source.policy = segments[segments.size() - 2];
  if (segments.size() >= 3) source.database = segments[0];
  return source;
}

Result<ExprPtr> Parser::Condition() {
  if (!Accept(Token::kWhere)) return ExprPtr();
  return Expression();
}

Result<std::vector<ExprPtr>> Parser::Dimensions() {
  std::vector<ExprPtr> dimensions;
  if (!Accept(Token::kGroup)) return dimensions;
  RETURN_IF_ERROR(Expect(Token::kBy));
  do {
    ASSIGN_OR_RETURN(ExprPtr dimension, OptionalRegex());
    if (!dimension) {
      ASSIGN_OR_RETURN(dimension, Expression());
    }
    dimensions.push_back(std::move(dimension));
  } while (Accept(Token::kComma));
  return dimensions;
}

Status Parser::Fill(SelectStatement* select) {
  const Lexeme next = Next();
  Unscan();
  if (next.token != Token::kIdent || !EqualsIgnoreCase(next.text, "fill")) return Status::Ok();
  ASSIGN_OR_RETURN(const ExprPtr call, Expression());
  if (!call->is(Expr::Kind::kCall)) return InvalidArgument("fill must be a function call");
  if (call->args.size() != 1) {
    return InvalidArgument("fill requires an argument, e.g.: 0, null, none, previous, linear");
  }
  const ExprPtr& value = call->args[0];
  const std::string name = ToString(value);
  if (name == "null") {
    select->fill = FillOption::kNull;
  } else if (name == "none") {
    select->fill = FillOption::kNone;
  } else if (name == "previous") {
    select->fill = FillOption::kPrevious;
  } else if (name == "linear") {
    select->fill = FillOption::kLinear;
  } else if (value->is(Expr::Kind::kInteger) || value->is(Expr::Kind::kNumber)) {
    select->fill = FillOption::kNumber;
    select->fill_value = value;
  } else {
    return InvalidArgument("expected number argument in fill()");
  }
  return Status::Ok();
}

Status Parser::OrderBy(bool* has_order, bool* names_time, bool* ascending) {
  const auto only_time = [] {
    return InvalidArgument("only ORDER BY time supported at this time");
  };
  if (!Accept(Token::kOrder)) return Status::Ok();
  RETURN_IF_ERROR(Expect(Token::kBy));
  *has_order = true;
  const Lexeme first = Next();
  if (first.token == Token::kAsc || first.token == Token::kDesc) {
    *ascending = first.token == Token::kAsc;
  } else if (first.token == Token::kIdent) {
    if (!Accept(Token::kAsc)) *ascending = !Accept(Token::kDesc);
    if (first.text != "time") return only_time();
    *names_time = true;
  } else {
    return Unexpected(first, "identifier, ASC, DESC");
  }
  if (!Accept(Token::kComma)) return Status::Ok();
  do {
    RETURN_IF_ERROR(Ident().status());
    if (!Accept(Token::kAsc)) Accept(Token::kDesc);
  } while (Accept(Token::kComma));
  return only_time();
}

Result<std::shared_ptr<const TimeZone>> Parser::Zone() {
  const Lexeme next = Next();
  Unscan();
  if (next.token != Token::kIdent || !EqualsIgnoreCase(next.text, "tz")) {
    return std::shared_ptr<const TimeZone>();
  }
  ASSIGN_OR_RETURN(const ExprPtr call, Expression());
  if (!call->is(Expr::Kind::kCall)) return InvalidArgument("tz must be a function call");
  if (call->args.size() != 1) return InvalidArgument("tz requires exactly one argument");
  if (!call->args[0]->is(Expr::Kind::kString)) {
    return InvalidArgument("expected string argument in tz()");
  }
  return TimeZone::Load(call->args[0]->text);
}

Result<Statement> Parser::Explain() {
  ExplainStatement explain;
  explain.analyze = Accept(Token::kAnalyze);
  RETURN_IF_ERROR(Expect(Token::kSelect));
  ASSIGN_OR_RETURN(explain.select, Select(TargetRule::kOptional));
  return Statement(std::move(explain));
}

Result<Statement> Parser::Delete(bool drop_series) {
  DeleteStatement statement;
  statement.drop_series = drop_series;
  const Lexeme first = Next();
  if (first.token == Token::kFrom) {
    ASSIGN_OR_RETURN(statement.sources, SourceList(false));
    for (const Source& source : statement.sources) {
      if (!source.policy.empty()) return At("retention policy not supported", {});
      if (!source.database.empty()) return At("database not supported", {});
    }
  } else {
    Unscan();
  }
  ASSIGN_OR_RETURN(statement.condition, Condition());
  if (!statement.condition && statement.sources.empty()) return Unexpected(first, "FROM, WHERE");
  return Statement(std::move(statement));
}

}  // namespace tsdb::influxql
