#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "query/influxql/influx_duration.h"
#include "query/influxql/parser_core.h"

namespace tsdb::influxql {
namespace {

constexpr int64_t kMaxReplication = std::numeric_limits<int32_t>::max();

enum class IntervalState : uint8_t { kGood, kNone, kWrongCount, kNoDuration };

// Of GROUP BY time(...).
IntervalState IntervalOf(const SelectStatement& select) {
  for (const ExprPtr& dimension : select.dimensions) {
    if (!dimension->is(Expr::Kind::kCall) || dimension->text != "time") continue;
    if (dimension->args.empty() || dimension->args.size() > 2) return IntervalState::kWrongCount;
    if (!dimension->args[0]->is(Expr::Kind::kDuration)) return IntervalState::kNoDuration;
    return dimension->args[0]->integer != 0 ? IntervalState::kGood : IntervalState::kNone;
  }
  return IntervalState::kNone;
}

// What is computed anew must reach back over an interval at least.
Status CheckResampleFor(const CreateContinuousQueryStatement& query) {
  if (query.resample_for_ns == 0) return Status::Ok();
  int64_t least = query.resample_every_ns;
  for (const ExprPtr& dimension : query.select.dimensions) {
    if (!dimension->is(Expr::Kind::kCall) || dimension->text != "time") continue;
    if (!dimension->args.empty()) least = std::max(least, dimension->args[0]->integer);
  }
  if (least <= query.resample_for_ns) return Status::Ok();
  return InvalidArgument("FOR duration must be >= GROUP BY time duration: must be a minimum of " +
                         FormatInfluxDuration(least) + ", got " +
                         FormatInfluxDuration(query.resample_for_ns));
}

bool HasCall(const SelectStatement& select) {
  bool found = false;
  for (const SelectField& field : select.fields) {
    Walk(field.expr, [&](const Expr& node) { found = found || node.is(Expr::Kind::kCall); });
  }
  return found;
}

}  // namespace

Result<Statement> Parser::Create() {
  const Lexeme what = Next();
  switch (what.token) {
    case Token::kContinuous:
      RETURN_IF_ERROR(Expect(Token::kQuery));
      return CreateContinuousQuery();
    case Token::kDatabase:
      return CreateDatabase();
    case Token::kUser:
      return CreateUser();
    case Token::kRetention:
      RETURN_IF_ERROR(Expect(Token::kPolicy));
      return CreatePolicy();
    case Token::kSubscription:
      return CreateSubscription();
    default:
      return Unexpected(what, "CONTINUOUS, DATABASE, USER, RETENTION, SUBSCRIPTION");
  }
}

Result<Statement> Parser::Drop() {
  const Lexeme what = Next();
  switch (what.token) {
    case Token::kContinuous: {
      RETURN_IF_ERROR(Expect(Token::kQuery));
      DropContinuousQueryStatement drop;
      ASSIGN_OR_RETURN(drop.name, Ident());
      RETURN_IF_ERROR(Expect(Token::kOn));
      ASSIGN_OR_RETURN(drop.database, Ident());
      return Statement(std::move(drop));
    }
    case Token::kDatabase: {
      DropDatabaseStatement drop;
      ASSIGN_OR_RETURN(drop.name, Ident());
      return Statement(std::move(drop));
    }
    case Token::kMeasurement: {
      DropMeasurementStatement drop;
      ASSIGN_OR_RETURN(drop.name, Ident());
      return Statement(std::move(drop));
    }
    case Token::kRetention:
      RETURN_IF_ERROR(Expect(Token::kPolicy));
      return DropPolicy();
    case Token::kSeries:
      return Delete(true);
    case Token::kShard: {
      DropShardStatement drop;
      ASSIGN_OR_RETURN(drop.id, Unsigned());
      return Statement(drop);
    }
    case Token::kSubscription:
      return DropSubscription();
    case Token::kUser: {
      DropUserStatement drop;
      ASSIGN_OR_RETURN(drop.name, Ident());
      return Statement(std::move(drop));
    }
    default:
      return Unexpected(
          what, "CONTINUOUS, DATABASE, MEASUREMENT, RETENTION, SERIES, SHARD, SUBSCRIPTION, USER");
  }
}

Result<Statement> Parser::CreateDatabase() {
  CreateDatabaseStatement create;
  ASSIGN_OR_RETURN(create.name, Ident());
  if (!Accept(Token::kWith)) return Statement(std::move(create));
  const Lexeme first = Next();
  Unscan();
  if (first.token != Token::kDuration && first.token != Token::kName &&
      first.token != Token::kReplication && first.token != Token::kShard) {
    return Unexpected(first, "DURATION, NAME, REPLICATION, SHARD");
  }
  create.has_policy = true;
  if (Accept(Token::kDuration)) {
    ASSIGN_OR_RETURN(create.policy.duration_ns, Duration());
  }
  if (Accept(Token::kReplication)) {
    ASSIGN_OR_RETURN(create.policy.replication, Integer(1, kMaxReplication));
  }
  if (Accept(Token::kShard)) {
    ASSIGN_OR_RETURN(create.policy.shard_duration_ns, ShardDuration());
  }
  if (Accept(Token::kName)) {
    ASSIGN_OR_RETURN(create.policy_name, Ident());
  }
  return Statement(std::move(create));
}

Result<int64_t> Parser::ShardDuration() {
  RETURN_IF_ERROR(Expect(Token::kDuration));
  const Lexeme next = Next();
  Unscan();
  if (next.token == Token::kInf) {
    return At("invalid duration INF for shard duration", next.position);
  }
  return Duration();
}

Result<Statement> Parser::CreatePolicy() {
  CreatePolicyStatement create;
  ASSIGN_OR_RETURN(create.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, Ident());
  RETURN_IF_ERROR(Expect(Token::kDuration));
  ASSIGN_OR_RETURN(create.options.duration_ns, Duration());
  RETURN_IF_ERROR(Expect(Token::kReplication));
  ASSIGN_OR_RETURN(create.options.replication, Integer(1, kMaxReplication));
  if (Accept(Token::kShard)) {
    ASSIGN_OR_RETURN(create.options.shard_duration_ns, ShardDuration());
  }
  create.make_default = Accept(Token::kDefault);
  return Statement(std::move(create));
}

Result<Statement> Parser::AlterPolicy() {
  AlterPolicyStatement alter;
  const Lexeme name = Next();
  if (name.token != Token::kIdent && name.token != Token::kDefault) {
    return Unexpected(name, "identifier");
  }
  alter.name = name.token == Token::kDefault ? "default" : name.text;
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(alter.database, Ident());
  std::set<Token> seen;
  while (true) {
    const Lexeme option = Next();
    if (seen.contains(option.token)) {
      return At("found duplicate " + std::string(TokenText(option.token)) + " option",
                option.position);
    }
    if (option.token == Token::kDuration) {
      ASSIGN_OR_RETURN(alter.options.duration_ns, Duration());
    } else if (option.token == Token::kReplication) {
      ASSIGN_OR_RETURN(alter.options.replication, Integer(1, kMaxReplication));
    } else if (option.token == Token::kShard) {
      ASSIGN_OR_RETURN(alter.options.shard_duration_ns, ShardDuration());
    } else if (option.token == Token::kDefault) {
      alter.make_default = true;
    } else if (seen.empty()) {
      return Unexpected(option, "DURATION, REPLICATION, SHARD, DEFAULT");
    } else {
      Unscan();
      return Statement(std::move(alter));
    }
    seen.insert(option.token);
  }
}

Result<Statement> Parser::DropPolicy() {
  DropPolicyStatement drop;
  ASSIGN_OR_RETURN(drop.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(drop.database, Ident());
  return Statement(std::move(drop));
}

Status Parser::Resample(CreateContinuousQueryStatement* query) {
  const auto duration = [&](int64_t* ns) -> Status {
    const Lexeme found = Next();
    if (found.token != Token::kDurationValue) return Unexpected(found, "duration");
    const Result<int64_t> parsed = ParseInfluxDuration(found.text);
    if (!parsed.ok()) return At(parsed.status().message(), found.position);
    *ns = *parsed;
    return Status::Ok();
  };
  if (Accept(Token::kEvery)) RETURN_IF_ERROR(duration(&query->resample_every_ns));
  if (Accept(Token::kFor)) RETURN_IF_ERROR(duration(&query->resample_for_ns));
  if (query->resample_every_ns == 0 && query->resample_for_ns == 0) {
    return Unexpected(Next(), "EVERY, FOR");
  }
  return Status::Ok();
}

Result<Statement> Parser::CreateContinuousQuery() {
  CreateContinuousQueryStatement create;
  ASSIGN_OR_RETURN(create.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, Ident());
  if (Accept(Token::kResample)) RETURN_IF_ERROR(Resample(&create));
  RETURN_IF_ERROR(ExpectAll({Token::kBegin, Token::kSelect}));
  ASSIGN_OR_RETURN(create.select, Select(TargetRule::kRequired));
  if (HasCall(create.select)) {
    const IntervalState interval = IntervalOf(create.select);
    if (interval != IntervalState::kGood) {
      Unscan();  // InfluxDB names what stands before the place
      Unscan();
      const std::string expected = "GROUP BY time(...)";
      if (interval == IntervalState::kNone) return Unexpected(Next(), expected);
      return Unexpected(Next(), expected + (interval == IntervalState::kWrongCount
                                                ? ", time dimension expected 1 or 2 arguments"
                                                : ", time dimension must have duration argument"));
    }
  }
  RETURN_IF_ERROR(Expect(Token::kEnd));
  RETURN_IF_ERROR(CheckResampleFor(create));
  return Statement(std::move(create));
}

Result<Statement> Parser::CreateSubscription() {
  CreateSubscriptionStatement create;
  ASSIGN_OR_RETURN(create.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(create.database, Ident());
  if (const Lexeme dot = Scan(); dot.token != Token::kDot) return Unexpected(dot, ".");
  ASSIGN_OR_RETURN(create.policy, Ident());
  RETURN_IF_ERROR(Expect(Token::kDestinations));
  const Lexeme mode = Next();
  if (mode.token != Token::kAll && mode.token != Token::kAny) return Unexpected(mode, "ALL, ANY");
  create.mode = TokenText(mode.token);
  do {
    ASSIGN_OR_RETURN(std::string destination, String());
    create.destinations.push_back(std::move(destination));
  } while (Accept(Token::kComma));
  return Statement(std::move(create));
}

Result<Statement> Parser::DropSubscription() {
  DropSubscriptionStatement drop;
  ASSIGN_OR_RETURN(drop.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kOn));
  ASSIGN_OR_RETURN(drop.database, Ident());
  if (const Lexeme dot = Scan(); dot.token != Token::kDot) return Unexpected(dot, ".");
  ASSIGN_OR_RETURN(drop.policy, Ident());
  return Statement(std::move(drop));
}

Result<Statement> Parser::Kill() {
  KillQueryStatement kill;
  ASSIGN_OR_RETURN(kill.id, Unsigned());
  if (Accept(Token::kOn)) {
    ASSIGN_OR_RETURN(kill.host, Ident());
  }
  return Statement(std::move(kill));
}

}  // namespace tsdb::influxql
