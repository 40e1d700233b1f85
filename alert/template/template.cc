#include "alert/template/template.h"

#include <utility>

#include "alert/template/format.h"
#include "alert/template/time_methods.h"
#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

using Kind = Value::Kind;

bool CanBeNil(std::string_view type) {
  return type == "interface {}" || type == "reflect.Value" || type.starts_with("[]") ||
         type.starts_with("map[") || type.starts_with("*");
}

const Function* FindMethod(const Value& receiver, const std::string& name) {
  const TypeInfo* info = receiver.type();
  const std::vector<Function>* methods = info != nullptr                      ? &info->methods
                                         : receiver.kind() == Kind::kTime     ? &TimeMethods()
                                         : receiver.kind() == Kind::kDuration ? &DurationMethods()
                                                                              : nullptr;
  if (methods == nullptr) return nullptr;
  for (const Function& method : *methods) {
    if (method.name == name) return &method;
  }
  return nullptr;
}

size_t ArgumentCount(const std::vector<std::unique_ptr<Node>>* arguments) {
  return arguments == nullptr || arguments->empty() ? 0 : arguments->size() - 1;
}

Value ZeroOf(const TypeInfo& type) {
  if (type.elements_are_interfaces()) return Value().WithInterface(true);
  return type.element == "string" ? Value::String("") : Value();
}

}  // namespace

Status Template::Parse(std::string_view name, std::string_view text) {
  ASSIGN_OR_RETURN(TreeSet trees, ParseTemplate(name, text, [this](std::string_view function) {
                     return FindFunction(function) != nullptr;
                   }));
  for (auto& [tree_name, tree] : trees) {
    auto& slot = trees_[tree_name];
    if (slot == nullptr || !tree->IsEmpty()) slot = std::move(tree);
  }
  return Status::Ok();
}

const Tree* Template::Lookup(const std::string& name) const {
  const auto found = trees_.find(name);
  return found == trees_.end() ? nullptr : found->second.get();
}

const Function* Template::FindFunction(std::string_view name) const {
  if (functions_ != nullptr) {
    if (const auto found = functions_->find(name); found != functions_->end())
      return &found->second;
  }
  const auto builtin = BuiltinFunctions().find(name);
  return builtin == BuiltinFunctions().end() ? nullptr : &builtin->second;
}

Result<std::string> Template::Execute(std::string_view name, const Value& data,
                                      Context* context) const {
  const Tree* tree = Lookup(std::string(name));
  if (tree == nullptr) {
    return InvalidArgument("template: no template " + GoQuote(name) + " associated with template");
  }
  return Execution(*this, context).Run(*tree, data);
}

Result<std::string> Template::ExecuteText(std::string_view text, const Value& data,
                                          Context* context) const {
  Template own = *this;
  own.trees_.erase("");
  RETURN_IF_ERROR(own.Parse("", text));
  return own.Execute("", data, context);
}

Result<std::string> Execution::Run(const Tree& tree, const Value& data) {
  tree_ = &tree;
  variables_ = {{"$", data}};
  RETURN_IF_ERROR(WalkList(data, tree.body));
  return std::move(output_);
}

Status Execution::Error(const std::string& message) const {
  std::string text = "template: ";
  if (node_ == nullptr) {
    text += tree_->name + ": ";
  } else {
    text += Location(*tree_, node_->position) + ": executing " + GoQuote(tree_->name) + " at <" +
            node_->ToString() + ">: ";
  }
  return InvalidArgument(text + message);
}

Status Execution::WalkList(const Value& dot, const NodeList& nodes) {
  for (const auto& node : nodes) {
    RETURN_IF_ERROR(Walk(dot, *node));
    if (flow_ != Flow::kNormal) break;
  }
  return Status::Ok();
}

Status Execution::Walk(const Value& dot, const Node& node) {
  node_ = &node;
  if (++steps_ > kMaxSteps) return Error("exceeded " + std::to_string(kMaxSteps) + " steps");
  switch (node.kind) {
    case NodeKind::kText:
      output_ += node.text;
      if (output_.size() > kMaxOutputBytes)
        return Error("output exceeds " + std::to_string(kMaxOutputBytes) + " bytes");
      return Status::Ok();
    case NodeKind::kAction: {
      ASSIGN_OR_RETURN(const Value value, EvalPipeline(dot, *node.pipe));
      return node.pipe->variables.empty() ? Print(node, value) : Status::Ok();
    }
    case NodeKind::kBreak:
      flow_ = Flow::kBreak;
      return Status::Ok();
    case NodeKind::kContinue:
      flow_ = Flow::kContinue;
      return Status::Ok();
    case NodeKind::kIf:
    case NodeKind::kWith:
      return WalkIfOrWith(dot, node);
    case NodeKind::kRange:
      return WalkRange(dot, node);
    case NodeKind::kTemplate:
      return WalkTemplate(dot, node);
    default:
      return Error("unknown node: " + node.ToString());
  }
}

Status Execution::Print(const Node& node, const Value& value) {
  node_ = &node;
  output_ += value.is_nil() ? "<no value>" : FormatValue(value);
  if (output_.size() > kMaxOutputBytes)
    return Error("output exceeds " + std::to_string(kMaxOutputBytes) + " bytes");
  return Status::Ok();
}

Status Execution::WalkIfOrWith(const Value& dot, const Node& node) {
  const size_t mark = variables_.size();
  ASSIGN_OR_RETURN(const Value value, EvalPipeline(dot, *node.pipe));
  if (value.Truth()) {
    RETURN_IF_ERROR(WalkList(node.kind == NodeKind::kWith ? value : dot, node.body));
  } else if (node.has_else) {
    RETURN_IF_ERROR(WalkList(dot, node.else_body));
  }
  variables_.resize(mark);
  return Status::Ok();
}

Status Execution::Iterate(const Node& node, size_t mark, const Value& index, const Value& element) {
  const Node& pipe = *node.pipe;
  const size_t count = pipe.variables.size();
  if (count > 0 && pipe.boolean) {
    if (count > 1) RETURN_IF_ERROR(SetVariable(pipe.variables[0]->fields[0], index));
    RETURN_IF_ERROR(SetVariable(pipe.variables[count - 1]->fields[0], element));
  } else if (count > 0) {
    variables_[variables_.size() - 1].value = element;
    if (count > 1) variables_[variables_.size() - 2].value = index;
  }
  if (++steps_ > kMaxSteps) return Error("exceeded " + std::to_string(kMaxSteps) + " steps");
  RETURN_IF_ERROR(WalkList(element, node.body));
  variables_.resize(mark);
  if (flow_ == Flow::kContinue) flow_ = Flow::kNormal;
  return Status::Ok();
}

Status Execution::WalkRange(const Value& dot, const Node& node) {
  const size_t outer_mark = variables_.size();
  ASSIGN_OR_RETURN(const Value value, EvalPipeline(dot, *node.pipe));
  const size_t mark = variables_.size();
  bool any = false;
  switch (value.kind()) {
    case Kind::kNil:
      break;
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDuration: {
      if (node.pipe->variables.size() > 1) {
        return Error("can't use " + FormatValue(value) + " to iterate over more than one variable");
      }
      const bool is_unsigned = value.kind() == Kind::kUint;
      const uint64_t count = is_unsigned ? value.unsigned_integer()
                             : value.kind() == Kind::kDuration
                                 ? static_cast<uint64_t>(std::max<int64_t>(value.duration_ns(), 0))
                                 : static_cast<uint64_t>(std::max<int64_t>(value.integer(), 0));
      for (uint64_t i = 0; i < count && flow_ == Flow::kNormal; ++i) {
        any = true;
        RETURN_IF_ERROR(
            Iterate(node, mark, Value(),
                    is_unsigned ? Value::Uint(i) : Value::Int(static_cast<int64_t>(i))));
      }
      break;
    }
    case Kind::kList: {
      const bool interfaces = value.list().type->elements_are_interfaces();
      int64_t index = 0;
      for (const Value& item : value.list().items) {
        if (flow_ != Flow::kNormal) break;
        any = true;
        RETURN_IF_ERROR(Iterate(node, mark, Value::Int(index++), item.WithInterface(interfaces)));
      }
      break;
    }
    case Kind::kMap: {
      const bool interfaces = value.map().type->elements_are_interfaces();
      for (const auto& [key, item] : value.map().items) {
        if (flow_ != Flow::kNormal) break;
        any = true;
        RETURN_IF_ERROR(Iterate(node, mark, Value::String(key), item.WithInterface(interfaces)));
      }
      break;
    }
    default:
      return Error("range can't iterate over " + FormatValue(value));
  }
  if (flow_ == Flow::kBreak) flow_ = Flow::kNormal;
  if (!any && node.has_else) RETURN_IF_ERROR(WalkList(dot, node.else_body));
  variables_.resize(outer_mark);
  return Status::Ok();
}

Status Execution::WalkTemplate(const Value& dot, const Node& node) {
  const Tree* tree = set_.Lookup(node.text);
  if (tree == nullptr) return Error("template " + GoQuote(node.text) + " not defined");
  if (depth_ >= kMaxTemplateDepth) {
    return Error("exceeded maximum template depth (" + std::to_string(kMaxTemplateDepth) + ")");
  }
  Value argument;
  if (node.pipe != nullptr) {
    ASSIGN_OR_RETURN(argument, EvalPipeline(dot, *node.pipe));
  }
  std::vector<Variable> inner = {{"$", argument}};
  std::swap(inner, variables_);
  const Tree* outer = std::exchange(tree_, tree);
  ++depth_;
  RETURN_IF_ERROR(WalkList(argument, tree->body));
  --depth_;
  tree_ = outer;
  std::swap(inner, variables_);
  return Status::Ok();
}

Status Execution::SetVariable(const std::string& name, const Value& value) {
  for (size_t i = variables_.size(); i-- > 0;) {
    if (variables_[i].name == name) {
      variables_[i].value = value;
      return Status::Ok();
    }
  }
  return Error("undefined variable: " + name);
}

Result<Value> Execution::EvalPipeline(const Value& dot, const Node& pipe) {
  node_ = &pipe;
  Value value;
  bool first = true;
  for (const auto& command : pipe.children) {
    ASSIGN_OR_RETURN(Value next, EvalCommand(dot, *command, first ? nullptr : &value));
    value = std::move(next).WithInterface(false);
    first = false;
  }
  for (const auto& variable : pipe.variables) {
    if (pipe.boolean) {
      RETURN_IF_ERROR(SetVariable(variable->fields[0], value));
    } else {
      variables_.push_back({variable->fields[0], value});
    }
  }
  return value;
}

Status Execution::NotAFunction(const NodeList* arguments, const Value* last) const {
  if (ArgumentCount(arguments) == 0 && last == nullptr) return Status::Ok();
  const std::string first =
      arguments != nullptr && !arguments->empty() ? (*arguments)[0]->ToString() : "";
  return Error("can't give argument to non-function " + first);
}

Result<Value> Execution::EvalCommand(const Value& dot, const Node& command, const Value* last) {
  const Node& first = *command.children[0];
  switch (first.kind) {
    case NodeKind::kIdentifier:
      return EvalFunction(dot, first, command, &command.children, last);
    case NodeKind::kField:
    case NodeKind::kChain:
    case NodeKind::kVariable:
      return EvalOperand(dot, first, &command.children, last);
    case NodeKind::kPipe:
      RETURN_IF_ERROR(NotAFunction(&command.children, last));
      return EvalPipeline(dot, first);
    default:
      break;
  }
  node_ = &first;
  RETURN_IF_ERROR(NotAFunction(&command.children, last));
  if (first.kind == NodeKind::kNil) return Error("nil is not a command");
  if (first.kind == NodeKind::kDot) return dot;
  return EvalConstant("interface {}", first);
}

// A field, chain or variable, with the arguments of a method at its end.
Result<Value> Execution::EvalOperand(const Value& dot, const Node& node, const NodeList* arguments,
                                     const Value* last) {
  node_ = &node;
  if (node.kind == NodeKind::kField) return EvalFields(dot, dot, node, 0, arguments, last);
  if (node.kind == NodeKind::kChain) {
    if (node.children[0]->kind == NodeKind::kNil)
      return Error("indirection through explicit nil in " + node.ToString());
    ASSIGN_OR_RETURN(const Value receiver, EvalArgument(dot, "", *node.children[0]));
    return EvalFields(dot, receiver, node, 0, arguments, last);
  }
  Value value;
  for (size_t i = variables_.size(); i-- > 0;) {
    if (variables_[i].name == node.fields[0]) {
      value = variables_[i].value;
      break;
    }
  }
  if (node.fields.size() > 1) return EvalFields(dot, value, node, 1, arguments, last);
  RETURN_IF_ERROR(NotAFunction(arguments, last));
  return value;
}

Result<Value> Execution::EvalFields(const Value& dot, const Value& receiver, const Node& node,
                                    size_t first_field, const NodeList* arguments,
                                    const Value* last) {
  Value value = receiver;
  for (size_t i = first_field; i < node.fields.size(); ++i) {
    const bool is_last = i + 1 == node.fields.size();
    ASSIGN_OR_RETURN(Value next, EvalField(dot, node.fields[i], node, is_last ? arguments : nullptr,
                                           is_last ? last : nullptr, value));
    value = std::move(next);
  }
  return value;
}

Result<Value> Execution::EvalField(const Value& dot, const std::string& field, const Node& node,
                                   const NodeList* arguments, const Value* last,
                                   const Value& receiver) {
  if (receiver.is_nil()) {
    if (receiver.in_interface()) return Error("nil pointer evaluating interface {}." + field);
    return Value();
  }
  if (const Function* method = FindMethod(receiver, field)) {
    return EvalCall(dot, *method, &receiver, node, arguments, last);
  }
  const bool has_arguments = ArgumentCount(arguments) > 0 || last != nullptr;
  if (receiver.kind() == Kind::kObject) {
    for (const auto& [name, value] : receiver.object().fields) {
      if (name != field) continue;
      if (has_arguments) return Error(field + " has arguments but cannot be invoked as function");
      return value;
    }
    for (const std::string& hidden : receiver.type()->hidden_fields) {
      if (hidden == field)
        return Error(field + " is an unexported field of struct type " + receiver.StaticTypeName());
    }
  }
  if (receiver.kind() == Kind::kMap) {
    if (has_arguments) return Error(field + " is not a method but has arguments");
    const Map& map = receiver.map();
    const auto found = map.items.find(field);
    if (found == map.items.end()) return ZeroOf(*map.type);
    return found->second.WithInterface(map.type->elements_are_interfaces());
  }
  return Error("can't evaluate field " + field + " in type " + receiver.StaticTypeName());
}

Result<Value> Execution::EvalFunction(const Value& dot, const Node& node, const Node& command,
                                      const NodeList* arguments, const Value* last) {
  node_ = &node;
  const Function* function = set_.FindFunction(node.text);
  if (function == nullptr) return Error(GoQuote(node.text) + " is not a defined function");
  return EvalCall(dot, *function, nullptr, command, arguments, last);
}

Result<Value> Execution::EvalAndOr(const Value& dot, const Function& function,
                                   const NodeList* arguments, const Value* last) {
  Value value;
  for (size_t i = 0; i < ArgumentCount(arguments); ++i) {
    ASSIGN_OR_RETURN(Value next, EvalArgument(dot, "reflect.Value", *(*arguments)[i + 1]));
    value = std::move(next);
    if (value.Truth() == (function.name == "or")) return value;
  }
  return last != nullptr ? *last : value;
}

Result<Value> Execution::EvalCall(const Value& dot, const Function& function, const Value* receiver,
                                  const Node& node, const NodeList* arguments, const Value* last) {
  const std::vector<std::string>& parameters = function.parameters;
  const size_t written = ArgumentCount(arguments);
  const size_t given = written + (last != nullptr);
  const size_t fixed = function.variadic ? parameters.size() - 1 : parameters.size();
  if (function.variadic && given < fixed) {
    return Error("wrong number of args for " + function.name + ": want at least " +
                 std::to_string(fixed) + " got " + std::to_string(written));
  }
  if (!function.variadic && given != fixed) {
    return Error("wrong number of args for " + function.name + ": want " + std::to_string(fixed) +
                 " got " + std::to_string(given));
  }
  if (receiver == nullptr && (function.name == "and" || function.name == "or")) {
    return EvalAndOr(dot, function, arguments, last);
  }
  const auto type_of = [&](size_t i) -> const std::string& {
    return i < fixed ? parameters[i] : parameters.back();
  };
  std::vector<Value> values;
  values.reserve(given + 1);
  if (receiver != nullptr) values.push_back(*receiver);
  for (size_t i = 0; i < written; ++i) {
    ASSIGN_OR_RETURN(Value value, EvalArgument(dot, type_of(i), *(*arguments)[i + 1]));
    values.push_back(std::move(value));
  }
  if (last != nullptr) {
    ASSIGN_OR_RETURN(Value value, ValidateType(*last, type_of(written)));
    values.push_back(std::move(value));
  }
  // Its error names the callee as it was written.
  if (receiver == nullptr && function.name == "call") {
    values.push_back(Value::String(written > 0 ? (*arguments)[1]->ToString() : ""));
  }
  Result<Value> result = function.call(*this, values);
  if (!result.ok()) {
    node_ = &node;
    return Error("error calling " + function.name + ": " + result.status().message());
  }
  return result;
}

Result<Value> Execution::ValidateType(const Value& value, std::string_view type) const {
  if (type.empty()) return value;
  if (value.is_nil()) {
    if (CanBeNil(type)) return Value();
    if (value.in_interface()) {
      return Error("wrong type for value; expected " + std::string(type) + "; got interface {}");
    }
    return Error("invalid value; expected " + std::string(type));
  }
  if (type == "reflect.Value") return value;
  if (value.AssignableTo(type)) return value.WithInterface(type == "interface {}");
  // A pointer to the wanted type is followed.
  if (value.TypeName() == "*" + std::string(type)) return value;
  return Error("wrong type for value; expected " + std::string(type) + "; got " + value.TypeName());
}

Result<Value> Execution::EvalArgument(const Value& dot, std::string_view type, const Node& node) {
  node_ = &node;
  switch (node.kind) {
    case NodeKind::kDot:
      return ValidateType(dot, type);
    case NodeKind::kNil:
      if (CanBeNil(type)) return Value();
      return Error("cannot assign nil to " + std::string(type));
    case NodeKind::kField:
    case NodeKind::kVariable:
    case NodeKind::kChain: {
      ASSIGN_OR_RETURN(const Value value, EvalOperand(dot, node, nullptr, nullptr));
      return ValidateType(value, type);
    }
    case NodeKind::kPipe: {
      ASSIGN_OR_RETURN(const Value value, EvalPipeline(dot, node));
      return ValidateType(value, type);
    }
    case NodeKind::kIdentifier: {
      ASSIGN_OR_RETURN(const Value value, EvalFunction(dot, node, node, nullptr, nullptr));
      return ValidateType(value, type);
    }
    default:
      return EvalConstant(type, node);
  }
}

// A literal takes the type that is wanted, if it can.
Result<Value> Execution::EvalConstant(std::string_view type, const Node& node) {
  if (type == "interface {}" || type == "reflect.Value" || type.empty()) {
    if (node.kind == NodeKind::kBool) return Value::Bool(node.boolean);
    if (node.kind == NodeKind::kString) return Value::String(node.value);
    const bool written_as_float =
        node.text.find_first_of(".eEpP") != std::string::npos && node.text[0] != '\'' &&
        !(node.text.find_first_of("xX") == 1 && node.text.find_first_of("pP") == std::string::npos);
    if (node.is_float && written_as_float) return Value::Float(node.floating);
    if (node.is_int) return Value::Int(node.integer);
    return Error(node.text + " overflows int");
  }
  const auto wanted = [&](std::string_view what) {
    return Error("expected " + std::string(what) + "; found " + node.ToString());
  };
  const bool number = node.kind == NodeKind::kNumber;
  if (type == "string")
    return node.kind == NodeKind::kString ? Result<Value>(Value::String(node.value))
                                          : wanted("string");
  if (type == "bool")
    return node.kind == NodeKind::kBool ? Result<Value>(Value::Bool(node.boolean)) : wanted("bool");
  if (type == "float64")
    return number && node.is_float ? Result<Value>(Value::Float(node.floating)) : wanted("float");
  if (type == "int" || type == "int64") {
    return number && node.is_int ? Result<Value>(Value::Int(node.integer)) : wanted("integer");
  }
  if (type == "time.Duration") {
    return number && node.is_int ? Result<Value>(Value::OfDuration(node.integer))
                                 : wanted("integer");
  }
  return Error("can't handle " + node.ToString() + " for arg of type " + std::string(type));
}

}  // namespace tsdb::gotemplate
