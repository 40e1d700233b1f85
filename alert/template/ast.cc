#include "alert/template/ast.h"

#include <algorithm>

namespace tsdb::gotemplate {
namespace {

void Append(const Node& node, std::string* out);

void AppendList(const std::vector<std::unique_ptr<Node>>& nodes, std::string* out) {
  for (const auto& node : nodes) Append(*node, out);
}

void AppendPipe(const Node& pipe, std::string* out) {
  for (size_t i = 0; i < pipe.variables.size(); ++i) {
    if (i > 0) *out += ", ";
    Append(*pipe.variables[i], out);
  }
  if (!pipe.variables.empty()) *out += pipe.boolean ? " = " : " := ";
  for (size_t i = 0; i < pipe.children.size(); ++i) {
    if (i > 0) *out += " | ";
    Append(*pipe.children[i], out);
  }
}

void AppendOperand(const Node& node, std::string* out) {
  if (node.kind != NodeKind::kPipe) return Append(node, out);
  *out += '(';
  AppendPipe(node, out);
  *out += ')';
}

void AppendBranch(const Node& node, std::string_view keyword, std::string* out) {
  *out += "{{";
  *out += keyword;
  *out += ' ';
  AppendPipe(*node.pipe, out);
  *out += "}}";
  AppendList(node.body, out);
  if (node.has_else) {
    *out += "{{else}}";
    AppendList(node.else_body, out);
  }
  *out += "{{end}}";
}

void AppendFields(const std::vector<std::string>& fields, size_t first, std::string* out) {
  for (size_t i = first; i < fields.size(); ++i) {
    *out += '.';
    *out += fields[i];
  }
}

std::string QuoteName(const std::string& name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

void Append(const Node& node, std::string* out) {
  switch (node.kind) {
    case NodeKind::kText:
    case NodeKind::kNumber:
    case NodeKind::kString:
    case NodeKind::kIdentifier:
      *out += node.text;
      return;
    case NodeKind::kBool:
      *out += node.boolean ? "true" : "false";
      return;
    case NodeKind::kNil:
      *out += "nil";
      return;
    case NodeKind::kDot:
      *out += '.';
      return;
    case NodeKind::kField:
      AppendFields(node.fields, 0, out);
      return;
    case NodeKind::kVariable:
      *out += node.fields[0];
      AppendFields(node.fields, 1, out);
      return;
    case NodeKind::kChain:
      AppendOperand(*node.children[0], out);
      AppendFields(node.fields, 0, out);
      return;
    case NodeKind::kPipe:
      AppendPipe(node, out);
      return;
    case NodeKind::kCommand:
      for (size_t i = 0; i < node.children.size(); ++i) {
        if (i > 0) *out += ' ';
        AppendOperand(*node.children[i], out);
      }
      return;
    case NodeKind::kAction:
      *out += "{{";
      AppendPipe(*node.pipe, out);
      *out += "}}";
      return;
    case NodeKind::kIf:
      AppendBranch(node, "if", out);
      return;
    case NodeKind::kWith:
      AppendBranch(node, "with", out);
      return;
    case NodeKind::kRange:
      AppendBranch(node, "range", out);
      return;
    case NodeKind::kBreak:
      *out += "{{break}}";
      return;
    case NodeKind::kContinue:
      *out += "{{continue}}";
      return;
    case NodeKind::kTemplate:
      *out += "{{template " + QuoteName(node.text);
      if (node.pipe != nullptr) {
        *out += ' ';
        AppendPipe(*node.pipe, out);
      }
      *out += "}}";
      return;
  }
}

}  // namespace

std::string Node::ToString() const {
  std::string out;
  Append(*this, &out);
  return out;
}

bool Tree::IsEmpty() const {
  return std::all_of(body.begin(), body.end(), [](const auto& node) {
    return node->kind == NodeKind::kText &&
           node->text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
  });
}

std::string Location(const Tree& tree, int32_t position) {
  const std::string_view before =
      std::string_view(*tree.text).substr(0, static_cast<size_t>(position));
  const size_t newline = before.rfind('\n');
  const size_t column =
      newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return tree.parse_name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace tsdb::gotemplate
