#include "alert/template/parser.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "alert/template/lexer.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

using NodePtr = std::unique_ptr<Node>;
using NodeList = std::vector<NodePtr>;

NodePtr NewNode(NodeKind kind, int32_t position) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->position = position;
  return node;
}

// An integer in Go's literal syntax: base prefixes and underscores between digits.
std::optional<uint64_t> ParseMagnitude(std::string_view text) {
  int base = 10;
  bool prefix = false;
  if (text.size() > 1 && text[0] == '0') {
    const char c = static_cast<char>(text[1] | 0x20);
    base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 8;
    prefix = c == 'x' || c == 'o' || c == 'b';
    text.remove_prefix(prefix ? 2 : 1);
  }
  if (text.empty() || text.back() == '_' || (text.front() == '_' && !prefix && base == 10))
    return std::nullopt;
  uint64_t value = 0;
  bool last_was_underscore = false;
  for (char c : text) {
    if (c == '_') {
      if (last_was_underscore) return std::nullopt;
      last_was_underscore = true;
      continue;
    }
    last_was_underscore = false;
    const int digit = c >= '0' && c <= '9'                     ? c - '0'
                      : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                               : 99;
    if (digit >= base) return std::nullopt;
    if (__builtin_mul_overflow(value, static_cast<uint64_t>(base), &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<uint64_t>(digit), &value)) return std::nullopt;
  }
  return value;
}

std::string WithoutUnderscores(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

bool SetFloat(Node* node, const std::string& text) {
  const auto parsed = ParseFloat(WithoutUnderscores(text));
  if (!parsed.has_value() || text.find_first_of("0123456789") == std::string::npos) return false;
  // Out of range, or hexadecimal without the exponent that Go asks for.
  if (std::isinf(*parsed)) return false;
  if (text.find_first_of("xX") != std::string::npos &&
      text.find_first_of("pP") == std::string::npos)
    return false;
  node->is_float = true;
  node->floating = *parsed;
  // A float that is a whole number may be passed where an integer is wanted.
  if (!node->is_int && std::abs(*parsed) < 9e18 && std::trunc(*parsed) == *parsed) {
    node->is_int = true;
    node->integer = static_cast<int64_t>(*parsed);
  }
  if (!node->is_uint && *parsed >= 0 && *parsed < 1.8e19 && std::trunc(*parsed) == *parsed) {
    node->is_uint = true;
    node->unsigned_integer = static_cast<uint64_t>(*parsed);
  }
  return true;
}

// Fills in every numeric form the literal can take. False with the reason when it has none.
bool SetNumber(Node* node, std::string* why) {
  const std::string& text = node->text;
  const bool negative = text[0] == '-';
  const std::string_view digits = std::string_view(text).substr(negative || text[0] == '+' ? 1 : 0);
  if (const auto magnitude = ParseMagnitude(digits)) {
    if (!negative) {
      node->is_uint = true;
      node->unsigned_integer = *magnitude;
    }
    const uint64_t limit = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
    if (*magnitude <= limit) {
      node->is_int = true;
      node->integer = static_cast<int64_t>(negative ? ~*magnitude + 1 : *magnitude);
      if (node->integer == 0) node->is_uint = true;
    }
    if (node->is_int || node->is_uint) {
      node->is_float = true;
      node->floating = node->is_int ? static_cast<double>(node->integer)
                                    : static_cast<double>(node->unsigned_integer);
      return true;
    }
  }
  if (text.find_first_of(".eEpP") == std::string::npos) {
    const bool all_digits =
        digits.find_first_not_of("0123456789") == std::string_view::npos && !digits.empty();
    *why = (all_digits ? "integer overflow: " : "illegal number syntax: ") + GoQuote(text);
    return false;
  }
  if (SetFloat(node, text)) return true;
  *why = "illegal number syntax: " + GoQuote(text);
  return false;
}

// The first code point of UTF-8 text.
int64_t FirstRune(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<int64_t>(static_cast<unsigned char>(text[i]));
  };
  if (text.empty()) return 0;
  const int64_t lead = byte(0);
  if (lead < 0x80) return lead;
  if (lead < 0xe0 && text.size() >= 2) return (lead & 0x1f) << 6 | (byte(1) & 0x3f);
  if (lead < 0xf0 && text.size() >= 3)
    return (lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
  if (text.size() >= 4) {
    return (lead & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  }
  return 0xfffd;
}

// Why quoted text is no character: it is empty, has an unknown escape, or more than one character.
// Empty: it is one.
std::string CharacterError(std::string_view quoted, const std::optional<std::string>& text) {
  if (!text.has_value() || text->empty()) return "invalid syntax";
  const auto lead = static_cast<unsigned char>(text->front());
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text->size() <= length) return "";
  return "malformed character constant: " + std::string(quoted);
}

// Recursive descent with one member function a construct. The first error is kept in status_ and
// makes every function return quickly.
class Parser {
 public:
  Parser(std::string_view name, std::string_view text,
         const std::function<bool(std::string_view)>& has_function)
      : name_(name),
        text_(std::make_shared<const std::string>(text)),
        has_function_(has_function) {}

  Result<TreeSet> Run() {
    tokens_ = LexTemplate(*text_);
    auto root = NewTree(name_);
    while (ok() && Peek().kind != TokenKind::kEof) {
      if (Peek().kind == TokenKind::kLeftDelimiter && AfterDelimiter() == TokenKind::kDefine) {
        ParseDefine();
        continue;
      }
      NodePtr node = TextOrAction();
      if (!ok()) break;
      if (node == nullptr) {
        Fail("unexpected " + StopText());
        break;
      }
      root->body.push_back(std::move(node));
    }
    if (ok()) Add(std::move(root));
    if (!ok()) return status_;
    return std::move(trees_);
  }

 private:
  enum class Stop : uint8_t { kNone, kEnd, kElse };

  bool ok() const { return status_.ok(); }

  void Fail(const std::string& message) {
    if (ok())
      status_ =
          InvalidArgument("template: " + name_ + ":" + std::to_string(last_line_) + ": " + message);
  }
  void Unexpected(const Token& token, std::string_view context) {
    if (token.kind != TokenKind::kError)
      return Fail("unexpected " + token.ToString() + " in " + std::string(context));
    std::string extra;
    if (action_line_ != 0 && action_line_ != token.line) {
      extra = (token.text.ends_with(" action") ? " started at " : " in action started at ") +
              name_ + ":" + std::to_string(action_line_);
    }
    Fail(token.text + extra);
  }
  std::string StopText() const { return stop_ == Stop::kElse ? "{{else}}" : "{{end}}"; }

  const Token& Peek() {
    last_line_ = tokens_[index_].line;
    return tokens_[index_];
  }
  const Token& PeekNonSpace() {
    while (tokens_[index_].kind == TokenKind::kSpace) ++index_;
    return Peek();
  }
  // The last token, EOF or an error, is never left behind.
  Token Next() {
    const Token token = Peek();
    if (index_ + 1 < tokens_.size()) ++index_;
    return token;
  }
  Token NextNonSpace() {
    PeekNonSpace();
    return Next();
  }
  bool Expect(TokenKind kind, std::string_view context) {
    const Token token = NextNonSpace();
    if (token.kind == kind) return true;
    Unexpected(token, context);
    return false;
  }
  TokenKind AfterDelimiter() const {
    size_t i = index_ + 1;
    while (i + 1 < tokens_.size() && tokens_[i].kind == TokenKind::kSpace) ++i;
    return tokens_[i].kind;
  }

  std::shared_ptr<Tree> NewTree(std::string name) {
    auto tree = std::make_shared<Tree>();
    tree->name = std::move(name);
    tree->parse_name = name_;
    tree->text = text_;
    return tree;
  }
  void Add(std::shared_ptr<Tree> tree) {
    auto& slot = trees_[tree->name];
    if (slot == nullptr || slot->IsEmpty()) {
      slot = std::move(tree);
    } else if (!tree->IsEmpty()) {
      Fail("template: multiple definition of template " + GoQuote(tree->name));
    }
  }

  // A definition of its own variables: `define` and `block` see none of the text around them.
  void ParseDefinitionBody(const std::string& name, std::string_view context) {
    auto tree = NewTree(name);
    std::vector<std::string> outer = {"$"};
    std::swap(outer, variables_);
    const int outer_ranges = std::exchange(range_depth_, 0);
    ItemList(&tree->body);
    std::swap(outer, variables_);
    range_depth_ = outer_ranges;
    if (ok() && stop_ == Stop::kElse) Fail("unexpected {{else}} in " + std::string(context));
    if (ok()) Add(std::move(tree));
  }

  void ParseDefine() {
    Next();
    NextNonSpace();
    const Token token = NextNonSpace();
    if (token.kind != TokenKind::kString && token.kind != TokenKind::kRawString) {
      return Unexpected(token, "define clause");
    }
    const std::string name = Unquote(token);
    if (!ok() || !Expect(TokenKind::kRightDelimiter, "define clause")) return;
    ParseDefinitionBody(name, "define clause");
  }

  std::string Unquote(const Token& token) {
    auto text = GoUnquote(token.text);
    if (!text.has_value()) Fail("invalid syntax");
    return text.value_or("");
  }

  // Statements up to an {{end}} or {{else}}, which is left in stop_.
  void ItemList(NodeList* list) {
    stop_ = Stop::kNone;
    while (ok()) {
      if (PeekNonSpace().kind == TokenKind::kEof) return Fail("unexpected EOF");
      NodePtr node = TextOrAction();
      if (!ok() || node == nullptr) return;
      list->push_back(std::move(node));
    }
  }

  // Null at an {{end}} or {{else}}.
  NodePtr TextOrAction() {
    const Token token = NextNonSpace();
    if (token.kind == TokenKind::kText) {
      NodePtr node = NewNode(NodeKind::kText, token.position);
      node->text = token.text;
      return node;
    }
    if (token.kind != TokenKind::kLeftDelimiter) {
      Unexpected(token, "input");
      return nullptr;
    }
    action_line_ = token.line;
    NodePtr node = Action();
    action_line_ = 0;
    return node;
  }

  NodePtr Action() {
    const Token token = PeekNonSpace();
    switch (token.kind) {
      case TokenKind::kBlock:
        Next();
        return Block();
      case TokenKind::kBreak:
        Next();
        return LoopControl(NodeKind::kBreak, token, "{{break}}");
      case TokenKind::kContinue:
        Next();
        return LoopControl(NodeKind::kContinue, token, "{{continue}}");
      case TokenKind::kElse:
        Next();
        return Else();
      case TokenKind::kEnd:
        Next();
        Expect(TokenKind::kRightDelimiter, "end");
        stop_ = Stop::kEnd;
        return nullptr;
      case TokenKind::kIf:
        Next();
        return Branch(NodeKind::kIf, "if");
      case TokenKind::kRange:
        Next();
        return Branch(NodeKind::kRange, "range");
      case TokenKind::kWith:
        Next();
        return Branch(NodeKind::kWith, "with");
      case TokenKind::kTemplate:
        Next();
        return TemplateCall();
      default:
        break;
    }
    NodePtr node = NewNode(NodeKind::kAction, token.position);
    node->pipe = Pipeline("command", TokenKind::kRightDelimiter);
    return node;
  }

  NodePtr LoopControl(NodeKind kind, const Token& at, const std::string& what) {
    const Token token = NextNonSpace();
    if (token.kind != TokenKind::kRightDelimiter) Unexpected(token, what);
    if (ok() && range_depth_ == 0) Fail(what + " outside {{range}}");
    return NewNode(kind, at.position);
  }

  NodePtr Else() {
    stop_ = Stop::kElse;
    const TokenKind next = PeekNonSpace().kind;
    // {{else if x}} is {{else}}{{if x}} with one {{end}} for both; the keyword stays for Branch.
    if (next != TokenKind::kIf && next != TokenKind::kWith)
      Expect(TokenKind::kRightDelimiter, "else");
    return nullptr;
  }

  NodePtr Branch(NodeKind kind, std::string_view context) {
    const size_t variable_count = variables_.size();
    NodePtr node = NewNode(kind, 0);
    if (++nesting_ > kMaxNesting) Fail("max expression depth exceeded");
    if (ok()) node->pipe = Pipeline(context, TokenKind::kRightDelimiter);
    if (ok()) {
      node->position = node->pipe->position;
      range_depth_ += kind == NodeKind::kRange;
      ItemList(&node->body);
      range_depth_ -= kind == NodeKind::kRange;
    }
    if (ok() && stop_ == Stop::kElse) ElseBranch(kind, node.get());
    --nesting_;
    variables_.resize(variable_count);
    if (ok()) stop_ = Stop::kNone;
    return node;
  }

  void ElseBranch(NodeKind kind, Node* node) {
    node->has_else = true;
    const TokenKind next = Peek().kind;
    if ((kind == NodeKind::kIf && next == TokenKind::kIf) ||
        (kind == NodeKind::kWith && next == TokenKind::kWith)) {
      Next();
      NodePtr nested = Branch(kind, kind == NodeKind::kIf ? "if" : "with");
      if (ok()) node->else_body.push_back(std::move(nested));
      return;
    }
    ItemList(&node->else_body);
    if (ok() && stop_ == Stop::kElse) Fail("expected end; found {{else}}");
  }

  std::string TemplateName(const Token& token, std::string_view context) {
    if (token.kind == TokenKind::kString || token.kind == TokenKind::kRawString)
      return Unquote(token);
    Unexpected(token, context);
    return "";
  }

  NodePtr Block() {
    const Token token = NextNonSpace();
    NodePtr node = NewNode(NodeKind::kTemplate, token.position);
    node->text = TemplateName(token, "block clause");
    if (ok()) node->pipe = Pipeline("block clause", TokenKind::kRightDelimiter);
    if (++nesting_ > kMaxNesting) Fail("max expression depth exceeded");
    if (ok()) ParseDefinitionBody(node->text, "block clause");
    --nesting_;
    stop_ = Stop::kNone;
    return node;
  }

  NodePtr TemplateCall() {
    const Token token = NextNonSpace();
    NodePtr node = NewNode(NodeKind::kTemplate, token.position);
    node->text = TemplateName(token, "template clause");
    if (!ok()) return node;
    if (PeekNonSpace().kind == TokenKind::kRightDelimiter) {
      Next();
    } else {
      node->pipe = Pipeline("template clause", TokenKind::kRightDelimiter);
    }
    return node;
  }

  NodePtr Variable(const Token& token) {
    NodePtr node = NewNode(NodeKind::kVariable, token.position);
    node->fields = {token.text};
    return node;
  }

  // `$x :=`, `$x =` and, in range, `$i, $x :=`.
  void Declarations(Node* pipe, std::string_view context) {
    while (ok() && PeekNonSpace().kind == TokenKind::kVariable) {
      const size_t start = index_;
      const Token variable = Next();
      const Token next = PeekNonSpace();
      if (next.kind == TokenKind::kAssign || next.kind == TokenKind::kDeclare) {
        pipe->boolean = next.kind == TokenKind::kAssign;
        Next();
        pipe->variables.push_back(Variable(variable));
        variables_.push_back(variable.text);
        return;
      }
      if (next.kind != TokenKind::kPunctuation || next.text != ",") {
        index_ = start;
        return;
      }
      Next();
      pipe->variables.push_back(Variable(variable));
      variables_.push_back(variable.text);
      if (context != "range" || pipe->variables.size() >= 2) {
        return Fail("too many declarations in " + std::string(context));
      }
      const TokenKind after = PeekNonSpace().kind;
      if (after != TokenKind::kVariable && after != TokenKind::kRightDelimiter &&
          after != TokenKind::kRightParen) {
        return Fail("range can only initialize variables");
      }
    }
  }

  NodePtr Pipeline(std::string_view context, TokenKind end) {
    NodePtr pipe = NewNode(NodeKind::kPipe, PeekNonSpace().position);
    Declarations(pipe.get(), context);
    while (ok()) {
      const Token token = PeekNonSpace();
      if (token.kind == end) {
        Next();
        CheckPipeline(*pipe, context);
        break;
      }
      switch (token.kind) {
        case TokenKind::kBool:
        case TokenKind::kCharacter:
        case TokenKind::kDot:
        case TokenKind::kField:
        case TokenKind::kIdentifier:
        case TokenKind::kNumber:
        case TokenKind::kNil:
        case TokenKind::kRawString:
        case TokenKind::kString:
        case TokenKind::kVariable:
        case TokenKind::kLeftParen:
          pipe->children.push_back(Command());
          break;
        default:
          Next();
          Unexpected(token, context);
      }
    }
    return pipe;
  }

  void CheckPipeline(const Node& pipe, std::string_view context) {
    if (pipe.children.empty()) return Fail("missing value for " + std::string(context));
    for (size_t i = 1; i < pipe.children.size(); ++i) {
      switch (pipe.children[i]->children[0]->kind) {
        case NodeKind::kBool:
        case NodeKind::kDot:
        case NodeKind::kNil:
        case NodeKind::kNumber:
        case NodeKind::kString:
          return Fail("non executable command in pipeline stage " + std::to_string(i + 1));
        default:
          break;
      }
    }
  }

  NodePtr Command() {
    NodePtr command = NewNode(NodeKind::kCommand, PeekNonSpace().position);
    while (ok()) {
      PeekNonSpace();
      if (NodePtr operand = Operand()) command->children.push_back(std::move(operand));
      if (!ok()) return command;
      const Token token = Peek();
      if (token.kind == TokenKind::kSpace) {
        Next();
        continue;
      }
      if (token.kind == TokenKind::kPipe) {
        Next();
        break;
      }
      if (token.kind == TokenKind::kRightDelimiter || token.kind == TokenKind::kRightParen) break;
      Unexpected(token, "operand");
    }
    if (ok() && command->children.empty()) Fail("empty command");
    return command;
  }

  // A term and the fields behind it.
  NodePtr Operand() {
    NodePtr node = Term();
    if (!ok() || node == nullptr || Peek().kind != TokenKind::kField) return node;
    const int32_t position = Peek().position;
    std::vector<std::string> fields;
    while (Peek().kind == TokenKind::kField) fields.push_back(Next().text.substr(1));
    switch (node->kind) {
      case NodeKind::kField:
      case NodeKind::kVariable:
        node->position = position;
        node->fields.insert(node->fields.end(), fields.begin(), fields.end());
        return node;
      case NodeKind::kBool:
      case NodeKind::kString:
      case NodeKind::kNumber:
      case NodeKind::kNil:
      case NodeKind::kDot:
        Fail("unexpected . after term " + GoQuote(node->ToString()));
        return node;
      default:
        break;
    }
    NodePtr chain = NewNode(NodeKind::kChain, position);
    chain->fields = std::move(fields);
    chain->children.push_back(std::move(node));
    return chain;
  }

  // Null when the next token is not a term; it is left alone then.
  NodePtr Term() {
    const Token token = PeekNonSpace();
    switch (token.kind) {
      case TokenKind::kIdentifier: {
        Next();
        if (!has_function_(token.text)) Fail("function " + GoQuote(token.text) + " not defined");
        NodePtr node = NewNode(NodeKind::kIdentifier, token.position);
        node->text = token.text;
        return node;
      }
      case TokenKind::kDot:
        Next();
        return NewNode(NodeKind::kDot, token.position);
      case TokenKind::kNil:
        Next();
        return NewNode(NodeKind::kNil, token.position);
      case TokenKind::kVariable: {
        Next();
        bool known = false;
        for (const std::string& variable : variables_) known = known || variable == token.text;
        if (!known) Fail("undefined variable " + GoQuote(token.text));
        return Variable(token);
      }
      case TokenKind::kField: {
        Next();
        NodePtr node = NewNode(NodeKind::kField, token.position);
        node->fields = {token.text.substr(1)};
        return node;
      }
      case TokenKind::kBool: {
        Next();
        NodePtr node = NewNode(NodeKind::kBool, token.position);
        node->boolean = token.text == "true";
        return node;
      }
      case TokenKind::kNumber:
      case TokenKind::kCharacter:
        Next();
        return Number(token);
      case TokenKind::kLeftParen: {
        Next();
        if (++nesting_ > kMaxNesting) {
          Fail("max expression depth exceeded");
          return nullptr;
        }
        NodePtr node = Pipeline("parenthesized pipeline", TokenKind::kRightParen);
        --nesting_;
        return node;
      }
      case TokenKind::kString:
      case TokenKind::kRawString: {
        Next();
        NodePtr node = NewNode(NodeKind::kString, token.position);
        node->text = token.text;
        node->value = Unquote(token);
        return node;
      }
      default:
        return nullptr;
    }
  }

  NodePtr Number(const Token& token) {
    NodePtr node = NewNode(NodeKind::kNumber, token.position);
    node->text = token.text;
    if (token.kind == TokenKind::kCharacter) {
      const auto text = GoUnquote(token.text);
      if (std::string error = CharacterError(token.text, text); !error.empty()) {
        Fail(error);
        return node;
      }
      node->is_int = node->is_uint = node->is_float = true;
      node->integer = FirstRune(*text);
      node->unsigned_integer = static_cast<uint64_t>(node->integer);
      node->floating = static_cast<double>(node->integer);
      return node;
    }
    std::string why;
    if (!SetNumber(node.get(), &why)) Fail(why);
    return node;
  }

  std::string name_;
  std::shared_ptr<const std::string> text_;
  const std::function<bool(std::string_view)>& has_function_;
  std::vector<Token> tokens_;
  size_t index_ = 0;
  int32_t last_line_ = 1;
  int32_t action_line_ = 0;
  int range_depth_ = 0;
  int nesting_ = 0;
  Stop stop_ = Stop::kNone;
  std::vector<std::string> variables_ = {"$"};
  TreeSet trees_;
  Status status_;
};

}  // namespace

Result<TreeSet> ParseTemplate(std::string_view name, std::string_view text,
                              const std::function<bool(std::string_view)>& has_function) {
  if (text.size() > kMaxTemplateBytes) {
    return InvalidArgument("template: " + std::string(name) + ":1: text of " +
                           std::to_string(text.size()) + " bytes is longer than " +
                           std::to_string(kMaxTemplateBytes));
  }
  return Parser(name, text, has_function).Run();
}

}  // namespace tsdb::gotemplate
