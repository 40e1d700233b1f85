// The syntax tree of a template. Nodes keep their byte position and print themselves in Go's normal
// form, because execution errors quote them. Immutable once parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::gotemplate {

enum class NodeKind : uint8_t {
  kText,
  kAction,
  kIf,
  kWith,
  kRange,
  kTemplate,
  kBreak,
  kContinue,  // statements
  kBool,
  kNumber,
  kString,
  kNil,
  kDot,
  kField,
  kVariable,
  kChain,
  kIdentifier,  // operands
  kPipe,
  kCommand,
};

struct Node {
  NodeKind kind;
  int32_t position = 0;  // byte offset into the text of its file

  std::string text;                 // kText: output; kString: as written; kNumber: as written;
                                    // kIdentifier, kTemplate: the name
  std::string value;                // kString: unquoted
  std::vector<std::string> fields;  // kField, kChain: names; kVariable: "$x", then names
  bool boolean = false;             // kBool; kPipe: assigns instead of declares

  bool is_int = false, is_uint = false, is_float = false;  // kNumber: what it can be
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;
  double floating = 0;

  std::vector<std::unique_ptr<Node>>
      children;  // kPipe: commands; kCommand: operands; kChain: one operand
  std::vector<std::unique_ptr<Node>> variables;  // kPipe: declared or assigned
  std::unique_ptr<Node> pipe;  // kAction, kIf, kWith, kRange, kTemplate (may be null)
  std::vector<std::unique_ptr<Node>> body, else_body;
  bool has_else = false;

  std::string ToString() const;
};

// One named template and the text it stands in, for error positions.
struct Tree {
  std::string name;
  std::string parse_name;
  std::shared_ptr<const std::string> text;
  std::vector<std::unique_ptr<Node>> body;

  bool IsEmpty() const;  // nothing but white space
};

// "name:line:column", lines from 1, columns from 0, in bytes.
std::string Location(const Tree& tree, int32_t position);

}  // namespace tsdb::gotemplate
