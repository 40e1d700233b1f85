// The recursive-descent parser, one file per family of statements: parser_core.cc (tokens, names,
// numbers), parse_expr.cc, parse_select.cc, parse_show.cc, parse_admin.cc, parse_users.cc.
// Thread-compatible; used once.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/influxql/lexer.h"
#include "query/influxql/parser.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {

class Parser {
 public:
  Parser(std::string_view text, const BoundParameters& parameters)
      : lexer_(text), parameters_(parameters) {}

  Result<std::vector<Statement>> ParseStatements();
  Result<ExprPtr> ParseWholeExpr();

 private:
  // --- tokens (parser_core.cc)
  Lexeme Scan();             // spaces and comments are tokens
  Lexeme Next();             // skips them
  void Unscan();             // up to kHistory times in a row
  bool Accept(Token token);  // consumes it if it is next
  Status Expect(Token token);
  Status ExpectAll(std::initializer_list<Token> tokens);
  // The next character that no token was made of yet, whatever was unscanned.
  char32_t PeekRune() { return lexer_.PeekOrPassEnd(); }

  static Status At(std::string message, Position position);
  static Status Unexpected(const Lexeme& found, std::string_view expected);
  static std::string Found(const Lexeme& lexeme);

  Result<std::string> Ident();
  Result<std::vector<std::string>> IdentList();
  Result<std::vector<std::string>> SegmentedIdents();
  Result<std::string> String();
  Result<int64_t> Integer(int64_t min, int64_t max);
  Result<uint64_t> Unsigned();
  Result<int64_t> Duration();  // INF is 0
  Result<int64_t> OptionalCount(Token token);
  Result<Statement> ParseStatement();

  // --- expressions (parse_expr.cc)
  Result<ExprPtr> Expression();
  Result<ExprPtr> Climb(int min_precedence);
  Result<ExprPtr> Unary();
  Result<ExprPtr> Signed(Token sign);
  Result<ExprPtr> Primary(const Lexeme& lexeme);
  Result<ExprPtr> Variable();
  Result<ExprPtr> CallArguments(std::string name);
  Result<ExprPtr> DistinctExpr();
  Result<ExprPtr> WildcardExpr();
  Result<ExprPtr> BoundError(const Lexeme& lexeme);
  Result<ExprPtr> CompileRegex(const Lexeme& lexeme);
  // Null when no regex follows.
  Result<ExprPtr> OptionalRegex();

  // --- SELECT, DELETE and what they are made of (parse_select.cc)
  enum class TargetRule : uint8_t { kOptional, kRequired };
  Result<SelectStatement> Select(TargetRule target);
  Result<std::vector<SelectField>> Fields();
  Status Target(TargetRule rule, std::optional<Source>* target);
  Result<Sources> SourceList(bool subqueries);
  Result<Source> OneSource(bool subqueries);
  Result<ExprPtr> Condition();
  Result<std::vector<ExprPtr>> Dimensions();
  Status Fill(SelectStatement* select);
  Status OrderBy(bool* has_order, bool* names_time, bool* ascending);
  Result<std::shared_ptr<const TimeZone>> Zone();
  Result<Statement> Explain();
  Result<Statement> Delete(bool drop_series);

  // --- SHOW (parse_show.cc)
  Result<Statement> Show();
  Result<Statement> ShowTag();
  Result<Statement> ShowSchema(ShowSchemaStatement::Kind kind);
  Result<Statement> ShowCardinality(ShowSchemaStatement::Kind kind);
  Result<Statement> ShowMeasurements();
  Result<Statement> ShowModules(bool stats);
  Result<Statement> ShowList(ShowListStatement::Kind kind);
  Status KeyCondition(ShowSchemaStatement* show);
  Status OnDatabase(std::string* database);
  Status ShowTail(ShowSchemaStatement* show);

  // --- databases, policies, continuous queries, subscriptions (parse_admin.cc)
  Result<Statement> Create();
  Result<Statement> Drop();
  Result<Statement> CreateDatabase();
  Result<Statement> CreatePolicy();
  Result<Statement> AlterPolicy();
  Result<Statement> DropPolicy();
  Result<int64_t> ShardDuration();
  Result<Statement> CreateContinuousQuery();
  Status Resample(CreateContinuousQueryStatement* query);
  Result<Statement> CreateSubscription();
  Result<Statement> DropSubscription();
  Result<Statement> Kill();

  // --- users (parse_users.cc)
  Result<Statement> CreateUser();
  Result<Statement> SetPassword();
  Result<Statement> GrantOrRevoke(bool revoke);

  static constexpr size_t kHistory = 4;
  Lexer lexer_;
  const BoundParameters& parameters_;
  std::array<Lexeme, kHistory> history_;
  size_t last_ = 0;  // in history_
  size_t unscanned_ = 0;
  int depth_ = 0;
};

}  // namespace tsdb::influxql
