#include "alert/template/value.h"

namespace tsdb::gotemplate {

const TypeInfo kStringListType{.name = "[]string",
                               .underlying = "[]string",
                               .element = "string",
                               .methods = {},
                               .to_string = {},
                               .is_pointer = false,
                               .hidden_fields = {}};
const TypeInfo kAnyListType{.name = "[]interface {}",
                            .underlying = "[]interface {}",
                            .element = "interface {}",
                            .methods = {},
                            .to_string = {},
                            .is_pointer = false,
                            .hidden_fields = {}};
const TypeInfo kStringMapType{.name = "map[string]string",
                              .underlying = "map[string]string",
                              .element = "string",
                              .methods = {},
                              .to_string = {},
                              .is_pointer = false,
                              .hidden_fields = {}};
const TypeInfo kAnyMapType{.name = "map[string]interface {}",
                           .underlying = "map[string]interface {}",
                           .element = "interface {}",
                           .methods = {},
                           .to_string = {},
                           .is_pointer = false,
                           .hidden_fields = {}};

Value Value::OfList(const TypeInfo& type, std::vector<Value> items) {
  return Value(std::shared_ptr<const List>(std::make_shared<List>(List{&type, std::move(items)})));
}

Value Value::OfMap(const TypeInfo& type, std::map<std::string, Value> items) {
  return Value(std::shared_ptr<const Map>(std::make_shared<Map>(Map{&type, std::move(items)})));
}

Value Value::OfObject(const TypeInfo& type, std::vector<std::pair<std::string, Value>> fields) {
  return Value(
      std::shared_ptr<const Object>(std::make_shared<Object>(Object{&type, std::move(fields)})));
}

Value Value::StringList(std::vector<std::string> items) {
  std::vector<Value> values;
  values.reserve(items.size());
  for (std::string& item : items) values.push_back(String(std::move(item)));
  return OfList(kStringListType, std::move(values));
}

Value Value::AnyList(std::vector<Value> items) { return OfList(kAnyListType, std::move(items)); }

Value Value::StringMap(std::map<std::string, std::string> items) {
  std::map<std::string, Value> values;
  for (auto& [key, value] : items) values.emplace(key, String(std::move(value)));
  return OfMap(kStringMapType, std::move(values));
}

Value Value::AnyMap(std::map<std::string, Value> items) {
  return OfMap(kAnyMapType, std::move(items));
}

bool Value::Truth() const {
  switch (kind()) {
    case Kind::kNil:
      return false;
    case Kind::kBool:
      return boolean();
    case Kind::kInt:
      return integer() != 0;
    case Kind::kUint:
      return unsigned_integer() != 0;
    case Kind::kFloat:
      return floating() != 0;
    case Kind::kString:
      return !text().empty();
    case Kind::kList:
      return !list().items.empty();
    case Kind::kMap:
      return !map().items.empty();
    case Kind::kObject:
      return true;
    case Kind::kTime:
      return true;
    case Kind::kDuration:
      return is_pointer_ || duration_ns() != 0;
  }
  return false;
}

const TypeInfo* Value::type() const {
  switch (kind()) {
    case Kind::kList:
      return list().type;
    case Kind::kMap:
      return map().type;
    case Kind::kObject:
      return object().type;
    default:
      return named_;
  }
}

std::string Value::TypeName() const {
  switch (kind()) {
    case Kind::kNil:
      return "<nil>";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return named_ != nullptr ? named_->name : "int";
    case Kind::kUint:
      return "uint64";
    case Kind::kFloat:
      return "float64";
    case Kind::kString:
      return "string";
    case Kind::kTime:
      return is_pointer_ ? "*time.Time" : "time.Time";
    case Kind::kDuration:
      return is_pointer_ ? "*time.Duration" : "time.Duration";
    default:
      return type()->name;
  }
}

std::string Value::StaticTypeName() const { return in_interface_ ? "interface {}" : TypeName(); }

bool Value::AssignableTo(std::string_view go_type) const {
  if (go_type == "interface {}" || go_type == "reflect.Value") return true;
  if (TypeName() == go_type) return true;
  const TypeInfo* info = type();
  // Go lets a named type stand for the unnamed one it is made of.
  return info != nullptr && (kind() == Kind::kList || kind() == Kind::kMap) &&
         info->underlying == go_type;
}

}  // namespace tsdb::gotemplate
