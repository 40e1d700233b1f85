#include <utility>

#include "query/influxql/parser_core.h"

namespace tsdb::influxql {

using SchemaKind = ShowSchemaStatement::Kind;
using ListKind = ShowListStatement::Kind;

Result<Statement> Parser::Show() {
  const Lexeme what = Next();
  switch (what.token) {
    case Token::kContinuous:
      RETURN_IF_ERROR(Expect(Token::kQueries));
      return ShowList(ListKind::kContinuousQueries);
    case Token::kDatabases:
      return ShowList(ListKind::kDatabases);
    case Token::kDiagnostics:
      return ShowModules(false);
    case Token::kField: {
      const Lexeme key = Next();
      if (key.token == Token::kKeys) return ShowSchema(SchemaKind::kFieldKeys);
      if (key.token != Token::kKey) return Unexpected(key, "KEY, KEYS");
      return ShowCardinality(SchemaKind::kFieldKeys);
    }
    case Token::kGrants: {
      RETURN_IF_ERROR(Expect(Token::kFor));
      ShowGrantsStatement grants;
      ASSIGN_OR_RETURN(grants.user, Ident());
      return Statement(std::move(grants));
    }
    case Token::kMeasurement:
      return ShowCardinality(SchemaKind::kMeasurements);
    case Token::kMeasurements:
      return ShowMeasurements();
    case Token::kQueries:
      return ShowList(ListKind::kQueries);
    case Token::kRetention: {
      RETURN_IF_ERROR(Expect(Token::kPolicies));
      ShowPoliciesStatement policies;
      RETURN_IF_ERROR(OnDatabase(&policies.database));
      return Statement(std::move(policies));
    }
    case Token::kSeries:
      return ShowSchema(SchemaKind::kSeries);
    case Token::kShard:
      RETURN_IF_ERROR(Expect(Token::kGroups));
      return ShowList(ListKind::kShardGroups);
    case Token::kShards:
      return ShowList(ListKind::kShards);
    case Token::kStats:
      return ShowModules(true);
    case Token::kSubscriptions:
      return ShowList(ListKind::kSubscriptions);
    case Token::kTag:
      return ShowTag();
    case Token::kUsers:
      return ShowList(ListKind::kUsers);
    default:
      return Unexpected(what,
                        "CONTINUOUS, DATABASES, DIAGNOSTICS, FIELD, GRANTS, MEASUREMENT, "
                        "MEASUREMENTS, QUERIES, RETENTION, SERIES, SHARD, SHARDS, STATS, "
                        "SUBSCRIPTIONS, TAG, USERS");
  }
}

Result<Statement> Parser::ShowList(ListKind kind) { return Statement(ShowListStatement{kind}); }

Result<Statement> Parser::ShowModules(bool stats) {
  ShowModulesStatement show;
  show.stats = stats;
  if (Accept(Token::kFor)) {
    ASSIGN_OR_RETURN(show.module, String());
  }
  return Statement(std::move(show));
}

Result<Statement> Parser::ShowTag() {
  const Lexeme what = Next();
  switch (what.token) {
    case Token::kKeys:
      return ShowSchema(SchemaKind::kTagKeys);
    case Token::kKey:
      return ShowCardinality(SchemaKind::kTagKeys);
    case Token::kValues:
      return ShowSchema(SchemaKind::kTagValues);
    default:
      return Unexpected(what, "KEY, KEYS, VALUES");
  }
}

// SERIES and TAG VALUES have their cardinality under the same first words.
Result<Statement> Parser::ShowSchema(SchemaKind kind) {
  ShowSchemaStatement show;
  show.kind = kind;
  if (kind == SchemaKind::kSeries || kind == SchemaKind::kTagValues) {
    const Lexeme next = Next();
    Unscan();
    if (next.token == Token::kExact || next.token == Token::kCardinality) {
      return ShowCardinality(kind);
    }
  }
  RETURN_IF_ERROR(OnDatabase(&show.database));
  if (Accept(Token::kFrom)) {
    ASSIGN_OR_RETURN(show.sources, SourceList(false));
  }
  if (kind == SchemaKind::kTagValues) RETURN_IF_ERROR(KeyCondition(&show));
  if (kind != SchemaKind::kFieldKeys) {
    ASSIGN_OR_RETURN(show.condition, Condition());
  }
  RETURN_IF_ERROR(ShowTail(&show));
  return Statement(std::move(show));
}

Status Parser::ShowTail(ShowSchemaStatement* show) {
  RETURN_IF_ERROR(OrderBy(&show->has_order, &show->order_names_time, &show->ascending));
  ASSIGN_OR_RETURN(show->limit, OptionalCount(Token::kLimit));
  ASSIGN_OR_RETURN(show->offset, OptionalCount(Token::kOffset));
  if (show->kind == SchemaKind::kTagKeys) {
    ASSIGN_OR_RETURN(show->slimit, OptionalCount(Token::kSlimit));
    ASSIGN_OR_RETURN(show->soffset, OptionalCount(Token::kSoffset));
  }
  return Status::Ok();
}

Result<Statement> Parser::ShowCardinality(SchemaKind kind) {
  ShowSchemaStatement show;
  show.kind = kind;
  show.cardinality = true;
  const Lexeme first = Next();
  show.exact = first.token == Token::kExact;
  if (show.exact) {
    RETURN_IF_ERROR(Expect(Token::kCardinality));
  } else if (first.token != Token::kCardinality) {
    return Unexpected(first, "EXACT, CARDINALITY");
  }
  RETURN_IF_ERROR(OnDatabase(&show.database));
  if (Accept(Token::kFrom)) {
    ASSIGN_OR_RETURN(show.sources, SourceList(false));
  }
  if (show.kind == SchemaKind::kTagValues) RETURN_IF_ERROR(KeyCondition(&show));
  ASSIGN_OR_RETURN(show.condition, Condition());
  ASSIGN_OR_RETURN(show.dimensions, Dimensions());
  ASSIGN_OR_RETURN(show.limit, OptionalCount(Token::kLimit));
  ASSIGN_OR_RETURN(show.offset, OptionalCount(Token::kOffset));
  return Statement(std::move(show));
}

Result<Statement> Parser::ShowMeasurements() {
  ShowSchemaStatement show;
  RETURN_IF_ERROR(OnDatabase(&show.database));
  if (Accept(Token::kWith)) {
    RETURN_IF_ERROR(Expect(Token::kMeasurement));
    const Lexeme op = Next();
    if (op.token != Token::kEq && op.token != Token::kEqRegex) return Unexpected(op, "=, =~");
    ASSIGN_OR_RETURN(Source source, OneSource(false));
    show.sources.push_back(std::move(source));
  }
  ASSIGN_OR_RETURN(show.condition, Condition());
  RETURN_IF_ERROR(ShowTail(&show));
  return Statement(std::move(show));
}

Status Parser::KeyCondition(ShowSchemaStatement* show) {
  RETURN_IF_ERROR(ExpectAll({Token::kWith, Token::kKey}));
  const Lexeme op = Next();
  show->key_op = op.token;
  switch (op.token) {
    case Token::kIn: {
      RETURN_IF_ERROR(Expect(Token::kLeftParen));
      ASSIGN_OR_RETURN(show->key_names, IdentList());
      return Expect(Token::kRightParen);
    }
    case Token::kEq:
    case Token::kNotEq: {
      ASSIGN_OR_RETURN(std::string name, Ident());
      show->key_names.push_back(std::move(name));
      return Status::Ok();
    }
    case Token::kEqRegex:
    case Token::kNotEqRegex: {
      ASSIGN_OR_RETURN(show->key_regex, OptionalRegex());
      return show->key_regex ? Status::Ok() : Unexpected(Next(), "regex");
    }
    default:
      return Unexpected(op, "IN, =, =~");
  }
}

Status Parser::OnDatabase(std::string* database) {
  if (!Accept(Token::kOn)) return Status::Ok();
  ASSIGN_OR_RETURN(*database, Ident());
  return Status::Ok();
}

}  // namespace tsdb::influxql
