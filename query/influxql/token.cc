#include "query/influxql/token.h"

#include <array>
#include <unordered_map>

#include "base/text.h"

namespace tsdb::influxql {
namespace {

constexpr auto kTexts = std::to_array<std::string_view>({
    "ILLEGAL",
    "EOF",
    "WS",
    "",
    "IDENT",
    "BOUNDPARAM",
    "NUMBER",
    "INTEGER",
    "DURATIONVAL",
    "STRING",
    "BADSTRING",
    "BADESCAPE",
    "TRUE",
    "FALSE",
    "REGEX",
    "BADREGEX",
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "AND",
    "OR",
    "=",
    "!=",
    "=~",
    "!~",
    "<",
    "<=",
    ">",
    ">=",
    "(",
    ")",
    ",",
    ":",
    "::",
    ";",
    ".",
    "ALL",
    "ALTER",
    "ANALYZE",
    "ANY",
    "AS",
    "ASC",
    "BEGIN",
    "BY",
    "CARDINALITY",
    "CONTINUOUS",
    "CREATE",
    "DATABASE",
    "DATABASES",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DESTINATIONS",
    "DIAGNOSTICS",
    "DISTINCT",
    "DROP",
    "DURATION",
    "END",
    "EVERY",
    "EXACT",
    "EXPLAIN",
    "FIELD",
    "FOR",
    "FROM",
    "GRANT",
    "GRANTS",
    "GROUP",
    "GROUPS",
    "IN",
    "INF",
    "INSERT",
    "INTO",
    "KEY",
    "KEYS",
    "KILL",
    "LIMIT",
    "MEASUREMENT",
    "MEASUREMENTS",
    "NAME",
    "OFFSET",
    "ON",
    "ORDER",
    "PASSWORD",
    "POLICIES",
    "POLICY",
    "PRIVILEGES",
    "QUERIES",
    "QUERY",
    "READ",
    "REPLICATION",
    "RESAMPLE",
    "RETENTION",
    "REVOKE",
    "SELECT",
    "SERIES",
    "SET",
    "SHARD",
    "SHARDS",
    "SHOW",
    "SLIMIT",
    "SOFFSET",
    "STATS",
    "SUBSCRIPTION",
    "SUBSCRIPTIONS",
    "TAG",
    "TO",
    "USER",
    "USERS",
    "VALUES",
    "WHERE",
    "WITH",
    "WRITE",
});
static_assert(kTexts.size() == static_cast<size_t>(Token::kWrite) + 1);

std::unordered_map<std::string_view, Token> MakeKeywords() {
  std::unordered_map<std::string_view, Token> words;
  for (auto i = static_cast<size_t>(Token::kAll); i < kTexts.size(); ++i) {
    words.emplace(kTexts[i], static_cast<Token>(i));
  }
  for (const Token token : {Token::kAnd, Token::kOr, Token::kTrue, Token::kFalse}) {
    words.emplace(TokenText(token), token);
  }
  return words;
}

}  // namespace

std::string_view TokenText(Token token) { return kTexts[static_cast<size_t>(token)]; }

Token KeywordOf(std::string_view word) {
  static const auto& words = *new std::unordered_map<std::string_view, Token>(MakeKeywords());
  constexpr size_t kLongest = 13;
  if (word.size() > kLongest) return Token::kIdent;
  const auto found = words.find(ToUpper(word));
  return found == words.end() ? Token::kIdent : found->second;
}

int Precedence(Token op) {
  switch (op) {
    case Token::kOr:
      return 1;
    case Token::kAnd:
      return 2;
    case Token::kEq:
    case Token::kNotEq:
    case Token::kEqRegex:
    case Token::kNotEqRegex:
    case Token::kLess:
    case Token::kLessEq:
    case Token::kGreater:
    case Token::kGreaterEq:
      return 3;
    case Token::kAdd:
    case Token::kSub:
    case Token::kBitOr:
    case Token::kBitXor:
      return 4;
    case Token::kMul:
    case Token::kDiv:
    case Token::kMod:
    case Token::kBitAnd:
      return 5;
    default:
      return 0;
  }
}

}  // namespace tsdb::influxql
