// A value as a Go template sees it: what kind it is, which Go type it has (error texts and %T name
// it), its fields, elements and methods. Value type; lists, maps and objects are shared and
// immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tsdb::gotemplate {

class Value;
class Execution;

// A function or method as templates call it. `parameters` are Go type names ("string", "float64",
// "interface {}", "[]string" ...); "reflect.Value" takes anything, nil too. With `variadic` the
// last one may be given any number of times.
struct Function {
  std::string name;
  std::vector<std::string> parameters;
  bool variadic = false;
  std::function<Result<Value>(Execution&, std::vector<Value>&)> call;
};

// What a named Go type adds to a list, a map or a struct. Instances live for the whole process.
// A method gets its receiver as args[0]; its parameters leave it out.
struct TypeInfo {
  std::string name;        // "template.KV"
  std::string underlying;  // "map[string]string", "[]string", "struct"
  std::string element;     // of a list or map: "string", "interface {}", "template.Alert"
  std::vector<Function> methods;
  std::function<std::string(const Value&)> to_string;  // the type's String(); may be empty
  bool is_pointer = false;                             // a struct reached through a pointer
  std::vector<std::string> hidden_fields;              // unexported names, for their error text

  bool elements_are_interfaces() const { return element == "interface {}"; }
};

struct Time {
  int64_t seconds = 0;  // since the Unix epoch
  int32_t nanoseconds = 0;
  int32_t offset_seconds = 0;
  std::string zone = "UTC";
  bool is_zero = false;  // Go's zero time, year 1
};
struct Duration {
  int64_t nanoseconds = 0;
};

struct List {
  const TypeInfo* type;
  std::vector<Value> items;
};
struct Map {
  const TypeInfo* type;
  std::map<std::string, Value> items;
};
struct Object {
  const TypeInfo* type;
  std::vector<std::pair<std::string, Value>> fields;  // exported ones, in declaration order
};

class Value {
 public:
  enum class Kind : uint8_t {
    kNil,
    kBool,
    kInt,
    kUint,
    kFloat,
    kString,
    kList,
    kMap,
    kObject,
    kTime,
    kDuration
  };

  Value() = default;  // nil
  static Value Bool(bool v) { return Value(v); }
  static Value Int(int64_t v) { return Value(v); }
  static Value Uint(uint64_t v) { return Value(v); }
  static Value Float(double v) { return Value(v); }
  static Value String(std::string v) { return Value(std::move(v)); }
  static Value OfTime(Time v) { return Value(std::move(v)); }
  static Value OfDuration(int64_t nanoseconds) { return Value(Duration{nanoseconds}); }
  // An integer of a named type, such as time.Month.
  static Value OfNamedInt(const TypeInfo& type, int64_t v) {
    Value value(v);
    value.named_ = &type;
    return value;
  }
  static Value OfList(const TypeInfo& type, std::vector<Value> items);
  static Value OfMap(const TypeInfo& type, std::map<std::string, Value> items);
  static Value OfObject(const TypeInfo& type, std::vector<std::pair<std::string, Value>> fields);
  static Value StringList(std::vector<std::string> items);           // []string
  static Value AnyList(std::vector<Value> items);                    // []interface {}
  static Value StringMap(std::map<std::string, std::string> items);  // map[string]string
  static Value AnyMap(std::map<std::string, Value> items);           // map[string]interface {}

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_nil() const { return kind() == Kind::kNil; }
  bool is_string() const { return kind() == Kind::kString; }

  // REQUIRES: the kind fits.
  bool boolean() const { return std::get<bool>(data_); }
  int64_t integer() const { return std::get<int64_t>(data_); }
  uint64_t unsigned_integer() const { return std::get<uint64_t>(data_); }
  double floating() const { return std::get<double>(data_); }
  const std::string& text() const { return std::get<std::string>(data_); }
  const List& list() const { return *std::get<std::shared_ptr<const List>>(data_); }
  const Map& map() const { return *std::get<std::shared_ptr<const Map>>(data_); }
  const Object& object() const { return *std::get<std::shared_ptr<const Object>>(data_); }
  const Time& time() const { return std::get<Time>(data_); }
  int64_t duration_ns() const { return std::get<Duration>(data_).nanoseconds; }

  // Reached through a place whose static type is `interface {}` (an element of map[string]any); a
  // pipeline forgets it.
  bool in_interface() const { return in_interface_; }
  Value WithInterface(bool in_interface) const {
    Value copy = *this;
    copy.in_interface_ = in_interface;
    return copy;
  }

  // A time or duration that a function gave by pointer: it is true whatever it is, and its type is
  // "*time.Duration".
  Value AsPointer() const {
    Value copy = *this;
    copy.is_pointer_ = true;
    return copy;
  }

  bool Truth() const;
  std::string TypeName() const;        // of what is inside: "float64"; "<nil>" for nil
  std::string StaticTypeName() const;  // "interface {}" when in_interface()
  const TypeInfo* type() const;        // null for unnamed basic kinds
  bool AssignableTo(std::string_view go_type) const;

 private:
  template <typename T>
  explicit Value(T v) : data_(std::move(v)) {}

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string,
               std::shared_ptr<const List>, std::shared_ptr<const Map>,
               std::shared_ptr<const Object>, Time, Duration>
      data_;
  const TypeInfo* named_ = nullptr;
  bool in_interface_ = false;
  bool is_pointer_ = false;
};

extern const TypeInfo kStringListType, kAnyListType, kStringMapType, kAnyMapType;

}  // namespace tsdb::gotemplate
