// The tokens of InfluxQL, as InfluxDB 1.x names them in its error texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tsdb::influxql {

enum class Token : uint8_t {
  kIllegal,
  kEof,
  kSpace,
  kComment,
  kIdent,
  kBoundParam,
  kNumber,
  kInteger,
  kDurationValue,
  kString,
  kBadString,
  kBadEscape,
  kTrue,
  kFalse,
  kRegex,
  kBadRegex,

  // operators
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kBitAnd,
  kBitOr,
  kBitXor,
  kAnd,
  kOr,
  kEq,
  kNotEq,
  kEqRegex,
  kNotEqRegex,
  kLess,
  kLessEq,
  kGreater,
  kGreaterEq,

  kLeftParen,
  kRightParen,
  kComma,
  kColon,
  kDoubleColon,
  kSemicolon,
  kDot,

  // keywords, in alphabetical order
  kAll,
  kAlter,
  kAnalyze,
  kAny,
  kAs,
  kAsc,
  kBegin,
  kBy,
  kCardinality,
  kContinuous,
  kCreate,
  kDatabase,
  kDatabases,
  kDefault,
  kDelete,
  kDesc,
  kDestinations,
  kDiagnostics,
  kDistinct,
  kDrop,
  kDuration,
  kEnd,
  kEvery,
  kExact,
  kExplain,
  kField,
  kFor,
  kFrom,
  kGrant,
  kGrants,
  kGroup,
  kGroups,
  kIn,
  kInf,
  kInsert,
  kInto,
  kKey,
  kKeys,
  kKill,
  kLimit,
  kMeasurement,
  kMeasurements,
  kName,
  kOffset,
  kOn,
  kOrder,
  kPassword,
  kPolicies,
  kPolicy,
  kPrivileges,
  kQueries,
  kQuery,
  kRead,
  kReplication,
  kResample,
  kRetention,
  kRevoke,
  kSelect,
  kSeries,
  kSet,
  kShard,
  kShards,
  kShow,
  kSlimit,
  kSoffset,
  kStats,
  kSubscription,
  kSubscriptions,
  kTag,
  kTo,
  kUser,
  kUsers,
  kValues,
  kWhere,
  kWith,
  kWrite,
};

// As error texts and printed queries spell it: "SELECT", "!=", "EOF".
std::string_view TokenText(Token token);

// The keyword that a word is, in any case; kIdent for another word.
Token KeywordOf(std::string_view word);

inline bool IsOperator(Token token) { return token >= Token::kAdd && token <= Token::kGreaterEq; }
// 5 binds tightest; 0 for what is no operator.
int Precedence(Token op);

// A place in the query, from 0; error texts count from 1.
struct Position {
  int line = 0;
  int column = 0;
};

}  // namespace tsdb::influxql
