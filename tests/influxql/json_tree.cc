#include "tests/influxql/json_tree.h"

#include <algorithm>
#include <cmath>

#include "base/number.h"

namespace tsdb::testing {
namespace {

bool IsInteger(const std::string& text) { return text.find_first_of(".eE") == std::string::npos; }

bool SameNumber(const std::string& a, const std::string& b) {
  // The recorder read "-0" as the integer 0.
  if (IsInteger(a) && IsInteger(b)) return a == b || (a == "0" && b == "-0");
  const double x = ParseFloat(a).value_or(0);
  const double y = ParseFloat(b).value_or(0);
  return std::fabs(x - y) <= std::max(1e-9 * std::max(std::fabs(x), std::fabs(y)), 1e-12);
}

template <typename Visit>
void AtPath(JsonTree* tree, std::string_view path, const Visit& visit) {
  if (path.empty()) return visit(tree);
  const size_t dot = std::min(path.find('.'), path.size());
  const std::string_view head = path.substr(0, dot);
  const std::string_view rest = dot < path.size() ? path.substr(dot + 1) : std::string_view();
  for (size_t i = 0; i < tree->array.size(); ++i) {
    if (head == "*" || head == std::to_string(i)) AtPath(&tree->array[i], rest, visit);
  }
  for (auto& [key, value] : tree->object) {
    if (head == "*" || head == key) AtPath(&value, rest, visit);
  }
}

void SettleRows(JsonTree* series) {
  const JsonTree* columns = series->Find("columns");
  JsonTree* values = series->Find("values");
  if (columns == nullptr || values == nullptr || columns->array.empty() ||
      columns->array[0].text != "time") {
    return;
  }
  auto& rows = values->array;
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin + 1;
    const std::string time = rows[begin].array[0].ToString();
    while (end < rows.size() && rows[end].array[0].ToString() == time) ++end;
    std::sort(rows.begin() + static_cast<ptrdiff_t>(begin),
              rows.begin() + static_cast<ptrdiff_t>(end),
              [](const JsonTree& a, const JsonTree& b) { return a.ToString() < b.ToString(); });
    begin = end;
  }
}

}  // namespace

JsonTree JsonTree::From(const JsonValue& value) {
  JsonTree tree;
  tree.kind = value.kind();
  tree.boolean = value.is_bool() && value.boolean();
  if (value.is_string() || value.is_number()) tree.text = value.text();
  if (value.is_array()) {
    for (const JsonValue& one : value.array()) tree.array.push_back(From(one));
  }
  if (value.is_object()) {
    for (const auto& [key, one] : value.object()) tree.object.emplace_back(key, From(one));
  }
  return tree;
}

JsonTree JsonTree::Text(std::string text) {
  JsonTree tree;
  tree.kind = Kind::kString;
  tree.text = std::move(text);
  return tree;
}

JsonTree* JsonTree::Find(std::string_view key) {
  for (auto& [name, value] : object) {
    if (name == key) return &value;
  }
  return nullptr;
}

const JsonTree* JsonTree::Find(std::string_view key) const {
  return const_cast<JsonTree*>(this)->Find(key);
}

std::string JsonTree::ToString() const {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return boolean ? "true" : "false";
    case Kind::kNumber:
      return text;
    case Kind::kString: {
      std::string out;
      AppendJsonString(&out, text);
      return out;
    }
    case Kind::kArray: {
      std::string out = "[";
      for (const JsonTree& one : array) out += one.ToString() + ",";
      return out + "]";
    }
    case Kind::kObject:
      break;
  }
  std::vector<std::string> members;
  for (const auto& [key, value] : object) members.push_back(key + ":" + value.ToString() + ",");
  std::sort(members.begin(), members.end());
  std::string out = "{";
  for (const std::string& member : members) out += member;
  return out + "}";
}

void Blank(JsonTree* tree, std::string_view path) {
  AtPath(tree, path, [](JsonTree* found) { *found = JsonTree::Text("<ignored>"); });
}

void SortAt(JsonTree* tree, std::string_view path) {
  AtPath(tree, path, [](JsonTree* found) {
    std::sort(found->array.begin(), found->array.end(),
              [](const JsonTree& a, const JsonTree& b) { return a.ToString() < b.ToString(); });
  });
}

void SettleTies(JsonTree* document) {
  JsonTree* results = document->Find("results");
  if (results == nullptr) return;
  for (JsonTree& result : results->array) {
    JsonTree* series = result.Find("series");
    if (series == nullptr) continue;
    for (JsonTree& one : series->array) SettleRows(&one);
  }
}

std::string Difference(const JsonTree& want, const JsonTree& got, bool extra_keys,
                       const std::string& where) {
  const auto differ = [&] {
    return where + ": expected " + want.ToString().substr(0, 300) + ", got " +
           got.ToString().substr(0, 300);
  };
  if (want.kind != got.kind) return differ();
  if (want.kind == JsonTree::Kind::kNumber) {
    return SameNumber(want.text, got.text) ? "" : differ();
  }
  if (want.kind == JsonTree::Kind::kArray) {
    for (size_t i = 0; i < std::min(want.array.size(), got.array.size()); ++i) {
      std::string found =
          Difference(want.array[i], got.array[i], extra_keys, where + "." + std::to_string(i));
      if (!found.empty()) return found;
    }
    return want.array.size() == got.array.size() ? "" : differ();
  }
  if (want.kind == JsonTree::Kind::kObject) {
    for (const auto& [key, value] : want.object) {
      const JsonTree* other = got.Find(key);
      if (other == nullptr) return where + "." + key + ": missing in " + got.ToString();
      std::string found = Difference(value, *other, extra_keys, where + "." + key);
      if (!found.empty()) return found;
    }
    for (const auto& [key, value] : got.object) {
      if (!extra_keys && want.Find(key) == nullptr) return where + "." + key + ": not expected";
    }
    return "";
  }
  return want.ToString() == got.ToString() ? "" : differ();
}

}  // namespace tsdb::testing
