#include <utility>

#include "query/influxql/parser_core.h"

namespace tsdb::influxql {

Result<Statement> Parser::CreateUser() {
  CreateUserStatement create;
  ASSIGN_OR_RETURN(create.name, Ident());
  RETURN_IF_ERROR(ExpectAll({Token::kWith, Token::kPassword}));
  ASSIGN_OR_RETURN(create.password, String());
  if (Accept(Token::kWith)) {
    RETURN_IF_ERROR(ExpectAll({Token::kAll, Token::kPrivileges}));
    create.admin = true;
  }
  return Statement(std::move(create));
}

Result<Statement> Parser::SetPassword() {
  SetPasswordStatement set;
  RETURN_IF_ERROR(Expect(Token::kFor));
  ASSIGN_OR_RETURN(set.name, Ident());
  RETURN_IF_ERROR(Expect(Token::kEq));
  ASSIGN_OR_RETURN(set.password, String());
  return Statement(std::move(set));
}

// GRANT <privilege> ON <database> TO <user>, GRANT ALL TO <user>; REVOKE likewise with FROM.
Result<Statement> Parser::GrantOrRevoke(bool revoke) {
  const Lexeme word = Next();
  Privilege privilege = Privilege::kNone;
  if (word.token == Token::kRead) {
    privilege = Privilege::kRead;
  } else if (word.token == Token::kWrite) {
    privilege = Privilege::kWrite;
  } else if (word.token == Token::kAll) {
    privilege = Privilege::kAll;
    Accept(Token::kPrivileges);
  } else {
    return Unexpected(word, "READ, WRITE, ALL [PRIVILEGES]");
  }
  const Token preposition = revoke ? Token::kFrom : Token::kTo;
  const Lexeme next = Next();
  if (next.token == Token::kOn) {
    GrantStatement grant;
    grant.revoke = revoke;
    grant.privilege = privilege;
    ASSIGN_OR_RETURN(grant.database, Ident());
    RETURN_IF_ERROR(Expect(preposition));
    ASSIGN_OR_RETURN(grant.user, Ident());
    return Statement(std::move(grant));
  }
  if (privilege != Privilege::kAll) return Unexpected(next, "ON");
  if (next.token != preposition) return Unexpected(next, revoke ? "ON, FROM" : "ON, TO");
  GrantAdminStatement grant;
  grant.revoke = revoke;
  ASSIGN_OR_RETURN(grant.user, Ident());
  return Statement(std::move(grant));
}

}  // namespace tsdb::influxql
