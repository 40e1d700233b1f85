// What the expression parser and the parser of series descriptions share: one token of look-ahead,
// the first error, labels and metric names. Private to this room's .cc files. Thread-compatible.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "query/promql/lexer.h"

namespace tsdb::promql {

// "LINE:COLUMN: parse error: message", as every error about a query text.
Status ParseErrorAt(std::string_view query, int32_t position, std::string_view message);

// Words that are also names of metrics, and of labels in lists such as by (...).
bool CanNameMetric(TokenType type);
bool CanNameLabel(TokenType type);

class ParserCore {
 public:
  explicit ParserCore(std::string_view query) : query_(query), lexer_(query) {}

  // Metric names and label sets: name{a="b"}, {"name", a="b"}; nothing may be there too.
  // `adjacent`: a brace belongs to the name before it only without space between.
  std::vector<Label> ParseMetricLabels(bool adjacent);

 protected:
  // Where in the grammar an unexpected token is reported to be: the innermost construct that can
  // say what it expects. A yacc grammar with error productions finds it by unwinding its stack;
  // here every such construct opens a scope.
  struct Context {
    std::string_view where;     // empty: none
    std::string_view expected;  // empty: nothing said
  };
  class ContextScope {
   public:
    ContextScope(ParserCore* core, Context context) : core_(core), outer_(core->context_) {
      core_->context_ = context;
    }
    ~ContextScope() { core_->context_ = outer_; }
    ContextScope(const ContextScope&) = delete;
    ContextScope& operator=(const ContextScope&) = delete;

   private:
    ParserCore* core_;
    Context outer_;
  };

  // The next token, not taken. Tokens are cut as late as possible: an error about what has been
  // read comes before one about the characters behind it.
  const Token& Peek();
  TokenType PeekType() { return Peek().type; }
  bool PeekIs(TokenType type) { return Peek().type == type; }
  Token Take();
  bool TakeIf(TokenType type);
  // Takes a token of this type, or reports the one that is there instead.
  bool Expect(TokenType type);
  // The same for one of a list's ends, with what the list expects in the message.
  bool ExpectOr(TokenType type, Context context);

  // Only the first error counts: parsing stops at it.
  void Fail(int32_t position, std::string_view message);
  void Unexpected() { Unexpected(context_); }
  void Unexpected(Context context);
  bool failed() const { return !status_.ok(); }

  // The text of a kString token without its quotes; fails on a malformed one.
  std::string Unquote(const Token& token);
  double NumberOf(const Token& token);  // of a kNumber or kDuration token, in seconds
  int32_t last_end() const { return last_end_; }

  const std::string_view query_;
  Status status_;
  Lexer lexer_;

 private:
  bool ParseLabelItem(std::vector<Label>* labels);

  Context context_;
  std::optional<Token> peeked_;
  int32_t last_end_ = 0;  // of the last token taken
};

}  // namespace tsdb::promql
