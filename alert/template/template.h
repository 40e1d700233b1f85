// Go's text/template for the texts of rules and notifications: parse once, execute often.
//
//   Template set(functions);
//   RETURN_IF_ERROR(set.Parse("__alert_X", text));
//   ASSIGN_OR_RETURN(std::string out, set.Execute("__alert_X", data, nullptr));
//
// A Template is immutable after its last Parse and then thread-safe. Errors are kInvalidArgument
// with Go's wording. Output, depth and work of one execution are bounded, since templates come from
// users.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alert/template/parser.h"
#include "alert/template/value.h"
#include "base/result.h"

namespace tsdb::gotemplate {

using FunctionMap = std::map<std::string, Function, std::less<>>;

// What functions of one program find through Execution::context(): an interface of that program's
// own.
class Context {
 public:
  virtual ~Context() = default;
};

inline constexpr size_t kMaxOutputBytes = 8 << 20;
inline constexpr int kMaxTemplateDepth = 500;     // templates calling templates
inline constexpr uint64_t kMaxSteps = 5'000'000;  // statements executed

class Template {
 public:
  // `functions` besides Go's own; a function of the same name replaces Go's.
  explicit Template(std::shared_ptr<const FunctionMap> functions)
      : functions_(std::move(functions)) {}

  // Adds `text` under `name` with all that it defines. A definition replaces an earlier one of the
  // same name, unless it is blank and the earlier one is not.
  Status Parse(std::string_view name, std::string_view text);

  // `context` may be null; borrowed for the call.
  Result<std::string> Execute(std::string_view name, const Value& data, Context* context) const;

  // A text of its own that sees the templates of this set, executed with an empty name, as
  // Alertmanager executes the texts of a configuration.
  Result<std::string> ExecuteText(std::string_view text, const Value& data, Context* context) const;

  const Tree* Lookup(const std::string& name) const;
  const Function* FindFunction(std::string_view name) const;

 private:
  std::shared_ptr<const FunctionMap> functions_;
  TreeSet trees_;
};

// Go's own functions: and, or, not, len, index, slice, print ..., eq ... ge, html, js, urlquery,
// call.
const FunctionMap& BuiltinFunctions();

// One run of a template; functions get it to reach their program's context.
class Execution {
 public:
  Execution(const Template& set, Context* context) : set_(set), context_(context) {}

  Result<std::string> Run(const Tree& tree, const Value& data);

  Context* context() const { return context_; }

 private:
  enum class Flow : uint8_t { kNormal, kBreak, kContinue };
  using NodeList = std::vector<std::unique_ptr<Node>>;
  struct Variable {
    std::string name;
    Value value;
  };

  Status Error(const std::string& message) const;
  Status WalkList(const Value& dot, const NodeList& nodes);
  Status Walk(const Value& dot, const Node& node);
  Status WalkIfOrWith(const Value& dot, const Node& node);
  Status WalkRange(const Value& dot, const Node& node);
  Status Iterate(const Node& node, size_t mark, const Value& index, const Value& element);
  Status WalkTemplate(const Value& dot, const Node& node);
  Status Print(const Node& node, const Value& value);

  Result<Value> EvalPipeline(const Value& dot, const Node& pipe);
  Result<Value> EvalCommand(const Value& dot, const Node& command, const Value* last);
  Result<Value> EvalOperand(const Value& dot, const Node& node, const NodeList* arguments,
                            const Value* last);
  Result<Value> EvalFields(const Value& dot, const Value& receiver, const Node& node,
                           size_t first_field, const NodeList* arguments, const Value* last);
  Result<Value> EvalField(const Value& dot, const std::string& field, const Node& node,
                          const NodeList* arguments, const Value* last, const Value& receiver);
  Result<Value> EvalFunction(const Value& dot, const Node& node, const Node& command,
                             const NodeList* arguments, const Value* last);
  Result<Value> EvalCall(const Value& dot, const Function& function, const Value* receiver,
                         const Node& node, const NodeList* arguments, const Value* last);
  Result<Value> EvalAndOr(const Value& dot, const Function& function, const NodeList* arguments,
                          const Value* last);
  // `type` is a Go type, or empty for any.
  Result<Value> EvalArgument(const Value& dot, std::string_view type, const Node& node);
  Result<Value> EvalConstant(std::string_view type, const Node& node);
  Result<Value> ValidateType(const Value& value, std::string_view type) const;
  Status NotAFunction(const NodeList* arguments, const Value* last) const;
  Status SetVariable(const std::string& name, const Value& value);

  const Template& set_;
  Context* context_;
  const Tree* tree_ = nullptr;
  const Node* node_ = nullptr;  // what is being evaluated, for errors
  std::vector<Variable> variables_;
  std::string output_;
  Flow flow_ = Flow::kNormal;
  int depth_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace tsdb::gotemplate
