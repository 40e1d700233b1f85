// Go's predefined template functions. Semantics and error texts follow text/template/funcs.go.
#include <algorithm>
#include <cstdio>
#include <span>

#include "alert/template/format.h"
#include "alert/template/template.h"
#include "alert/template/text_functions.h"
#include "base/text.h"

namespace tsdb::gotemplate {
namespace {

using Kind = Value::Kind;
using Arguments = std::vector<Value>;

enum class Basic : uint8_t { kNone, kBool, kInt, kUint, kFloat, kString };

Basic BasicKind(const Value& v) {
  switch (v.kind()) {
    case Kind::kBool:
      return Basic::kBool;
    case Kind::kInt:
    case Kind::kDuration:
      return Basic::kInt;
    case Kind::kUint:
      return Basic::kUint;
    case Kind::kFloat:
      return Basic::kFloat;
    case Kind::kString:
      return Basic::kString;
    default:
      return Basic::kNone;
  }
}

int64_t IntOf(const Value& v) {
  return v.kind() == Kind::kDuration ? v.duration_ns() : v.integer();
}

Status Incompatible(const Value& a, const Value& b) {
  return InvalidArgument("incompatible types for comparison: " + a.TypeName() + " and " +
                         b.TypeName());
}

Result<bool> EqualSameKind(Basic kind, const Value& a, const Value& b) {
  switch (kind) {
    case Basic::kBool:
      return a.boolean() == b.boolean();
    case Basic::kInt:
      return IntOf(a) == IntOf(b);
    case Basic::kUint:
      return a.unsigned_integer() == b.unsigned_integer();
    case Basic::kFloat:
      return a.floating() == b.floating();
    case Basic::kString:
      return a.text() == b.text();
    case Basic::kNone:
      break;
  }
  if (a.is_nil() || b.is_nil()) return a.is_nil() == b.is_nil();
  if (a.kind() != b.kind()) {
    return InvalidArgument("non-comparable types " + FormatValue(a) + ": " + a.TypeName() + ", " +
                           b.TypeName() + ": " + FormatValue(b));
  }
  if (a.kind() == Kind::kTime) {
    return a.time().seconds == b.time().seconds && a.time().nanoseconds == b.time().nanoseconds;
  }
  if (a.kind() == Kind::kObject && a.type()->is_pointer) return &a.object() == &b.object();
  return InvalidArgument("non-comparable type " + FormatValue(b) + ": " + b.TypeName());
}

Result<bool> Equal(const Value& a, const Value& b) {
  const Basic ka = BasicKind(a), kb = BasicKind(b);
  if (ka == kb) return EqualSameKind(ka, a, b);
  if (ka == Basic::kInt && kb == Basic::kUint) {
    return IntOf(a) >= 0 && static_cast<uint64_t>(IntOf(a)) == b.unsigned_integer();
  }
  if (ka == Basic::kUint && kb == Basic::kInt) {
    return IntOf(b) >= 0 && static_cast<uint64_t>(IntOf(b)) == a.unsigned_integer();
  }
  if (!a.is_nil() && !b.is_nil()) return Incompatible(a, b);
  return false;
}

Result<bool> Less(const Value& a, const Value& b) {
  const Basic ka = BasicKind(a), kb = BasicKind(b);
  if (ka == Basic::kNone || kb == Basic::kNone)
    return InvalidArgument("invalid type for comparison");
  if (ka == Basic::kInt && kb == Basic::kUint) {
    return IntOf(a) < 0 || static_cast<uint64_t>(IntOf(a)) < b.unsigned_integer();
  }
  if (ka == Basic::kUint && kb == Basic::kInt) {
    return IntOf(b) >= 0 && a.unsigned_integer() < static_cast<uint64_t>(IntOf(b));
  }
  if (ka != kb) return Incompatible(a, b);
  switch (ka) {
    case Basic::kInt:
      return IntOf(a) < IntOf(b);
    case Basic::kUint:
      return a.unsigned_integer() < b.unsigned_integer();
    case Basic::kFloat:
      return a.floating() < b.floating();
    case Basic::kString:
      return a.text() < b.text();
    default:
      return InvalidArgument("invalid type for comparison");
  }
}

Result<bool> LessOrEqual(const Value& a, const Value& b) {
  ASSIGN_OR_RETURN(const bool less, Less(a, b));
  if (less) return true;
  return Equal(a, b);
}

Result<Value> ToValue(Result<bool> result, bool negate) {
  if (!result.ok()) return std::move(result).status();
  return Value::Bool(*result != negate);
}

Result<Value> Eq(Execution&, Arguments& args) {
  if (args.size() == 1) return InvalidArgument("missing argument for comparison");
  for (size_t i = 1; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(const bool equal, Equal(args[0], args[i]));
    if (equal) return Value::Bool(true);
  }
  return Value::Bool(false);
}

Result<Value> Len(Execution&, Arguments& args) {
  const Value& v = args[0];
  switch (v.kind()) {
    case Kind::kString:
      return Value::Int(static_cast<int64_t>(v.text().size()));
    case Kind::kList:
      return Value::Int(static_cast<int64_t>(v.list().items.size()));
    case Kind::kMap:
      return Value::Int(static_cast<int64_t>(v.map().items.size()));
    case Kind::kNil:
      return InvalidArgument("len of nil pointer");
    default:
      return InvalidArgument("len of type " +
                             v.TypeName().substr(v.TypeName().starts_with('*') ? 1 : 0));
  }
}

Result<size_t> IndexArgument(const Value& index, size_t limit) {
  int64_t position = 0;
  switch (index.kind()) {
    case Kind::kInt:
    case Kind::kDuration:
      position = IntOf(index);
      break;
    case Kind::kUint:
      position = index.unsigned_integer() > INT64_MAX
                     ? -1
                     : static_cast<int64_t>(index.unsigned_integer());
      break;
    case Kind::kNil:
      return InvalidArgument("cannot index slice/array with nil");
    default:
      return InvalidArgument("cannot index slice/array with type " + index.TypeName());
  }
  if (position < 0 || static_cast<uint64_t>(position) > limit) {
    return InvalidArgument("index out of range: " + std::to_string(position));
  }
  return static_cast<size_t>(position);
}

Result<Value> IndexMap(const Value& item, const Value& key) {
  if (key.is_nil()) return InvalidArgument("value is nil; should be of type string");
  if (!key.is_string())
    return InvalidArgument("value has type " + key.TypeName() + "; should be string");
  const Map& map = item.map();
  const auto found = map.items.find(key.text());
  const bool interfaces = map.type->elements_are_interfaces();
  if (found != map.items.end()) return found->second.WithInterface(interfaces);
  return map.type->element == "string" ? Value::String("") : Value().WithInterface(interfaces);
}

Result<Value> Index(Execution&, Arguments& args) {
  Value item = args[0];
  if (item.is_nil()) return InvalidArgument("index of untyped nil");
  for (size_t i = 1; i < args.size(); ++i) {
    if (item.is_nil()) return InvalidArgument("index of nil pointer");
    if (item.kind() == Kind::kMap) {
      ASSIGN_OR_RETURN(Value next, IndexMap(item, args[i]));
      item = std::move(next);
      continue;
    }
    if (item.kind() != Kind::kList && !item.is_string()) {
      return InvalidArgument("can't index item of type " + item.TypeName());
    }
    const size_t size = item.is_string() ? item.text().size() : item.list().items.size();
    ASSIGN_OR_RETURN(const size_t position, IndexArgument(args[i], size));
    if (position == size) return InvalidArgument("index out of range: " + std::to_string(position));
    if (item.is_string()) {
      item = Value::Uint(static_cast<unsigned char>(item.text()[position]));
      continue;
    }
    Value next =
        item.list().items[position].WithInterface(item.list().type->elements_are_interfaces());
    item = std::move(next);
  }
  return item;
}

Result<Value> Slice(Execution&, Arguments& args) {
  const Value& item = args[0];
  if (item.is_nil()) return InvalidArgument("slice of untyped nil");
  if (args.size() > 4)
    return InvalidArgument("too many slice indexes: " + std::to_string(args.size() - 1));
  if (!item.is_string() && item.kind() != Kind::kList) {
    return InvalidArgument("can't slice item of type " + item.TypeName());
  }
  if (item.is_string() && args.size() == 4) return InvalidArgument("cannot 3-index slice a string");
  const size_t size = item.is_string() ? item.text().size() : item.list().items.size();
  size_t bounds[3] = {0, size, size};
  for (size_t i = 1; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(bounds[i - 1], IndexArgument(args[i], size));
  }
  const auto invalid = [](size_t a, size_t b) {
    return InvalidArgument("invalid slice index: " + std::to_string(a) + " > " + std::to_string(b));
  };
  if (bounds[0] > bounds[1]) return invalid(bounds[0], bounds[1]);
  if (bounds[1] > bounds[2]) return invalid(bounds[1], bounds[2]);
  if (item.is_string()) return Value::String(item.text().substr(bounds[0], bounds[1] - bounds[0]));
  const auto& items = item.list().items;
  return Value::OfList(*item.list().type, {items.begin() + static_cast<std::ptrdiff_t>(bounds[0]),
                                           items.begin() + static_cast<std::ptrdiff_t>(bounds[1])});
}

// The operands of an escaping function as one text.
std::string Joined(Arguments args) {
  for (Value& arg : args) {
    if (arg.is_nil()) arg = Value::String("<no value>");
  }
  return Sprint(args);
}

Result<Value> Html(Execution&, Arguments& args) {
  std::string out;
  for (char c : Joined(args)) {
    switch (c) {
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return Value::String(std::move(out));
}

Result<Value> Js(Execution&, Arguments& args) { return Value::String(EscapeJs(Joined(args))); }

Result<Value> PrintfCall(Execution&, Arguments& args) {
  return Value::String(Sprintf(args[0].text(), std::span<const Value>(args).subspan(1)));
}

FunctionMap MakeBuiltins() {
  FunctionMap map;
  const auto add = [&](std::string name, std::vector<std::string> parameters, bool variadic,
                       std::function<Result<Value>(Execution&, Arguments&)> call) {
    map[name] = Function{name, std::move(parameters), variadic, std::move(call)};
  };
  const std::vector<std::string> one = {"reflect.Value"}, two = {"reflect.Value", "reflect.Value"};
  const std::vector<std::string> any = {"interface {}"};
  // `and` and `or` are evaluated in Execution::EvalAndOr, which stops early.
  add("and", two, true, nullptr);
  add("or", two, true, nullptr);
  add("not", one, false,
      [](Execution&, Arguments& a) -> Result<Value> { return Value::Bool(!a[0].Truth()); });
  add("len", one, false, Len);
  add("index", two, true, Index);
  add("slice", two, true, Slice);
  add("eq", two, true, Eq);
  add("ne", two, false, [](Execution&, Arguments& a) { return ToValue(Equal(a[0], a[1]), true); });
  add("lt", two, false, [](Execution&, Arguments& a) { return ToValue(Less(a[0], a[1]), false); });
  add("le", two, false,
      [](Execution&, Arguments& a) { return ToValue(LessOrEqual(a[0], a[1]), false); });
  add("gt", two, false,
      [](Execution&, Arguments& a) { return ToValue(LessOrEqual(a[0], a[1]), true); });
  add("ge", two, false, [](Execution&, Arguments& a) { return ToValue(Less(a[0], a[1]), true); });
  add("print", any, true,
      [](Execution&, Arguments& a) -> Result<Value> { return Value::String(Sprint(a)); });
  add("println", any, true,
      [](Execution&, Arguments& a) -> Result<Value> { return Value::String(Sprintln(a)); });
  add("printf", {"string", "interface {}"}, true, PrintfCall);
  add("html", any, true, Html);
  add("js", any, true, Js);
  add("urlquery", any, true, [](Execution&, Arguments& a) -> Result<Value> {
    return Value::String(QueryEscape(Joined(a)));
  });
  add("call", two, true, [](Execution&, Arguments& a) -> Result<Value> {
    if (a[0].is_nil()) return InvalidArgument("call of nil");
    return InvalidArgument("non-function " + a.back().text() + " of type " + a[0].TypeName());
  });
  return map;
}

}  // namespace

const FunctionMap& BuiltinFunctions() {
  static const FunctionMap kFunctions = MakeBuiltins();
  return kFunctions;
}

}  // namespace tsdb::gotemplate
