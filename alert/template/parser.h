// Parses template text into trees. Errors are kInvalidArgument "template: <name>:<line>: <what>",
// worded as Go's text/template words them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "alert/template/ast.h"
#include "base/result.h"

namespace tsdb::gotemplate {

using TreeSet = std::map<std::string, std::shared_ptr<const Tree>>;

// Blocks and parentheses nested deeper than this are refused.
inline constexpr int kMaxNesting = 400;
inline constexpr size_t kMaxTemplateBytes = 4 << 20;

// The trees of one text: the one called `name` and everything it defines. `has_function` says which
// names are functions.
Result<TreeSet> ParseTemplate(std::string_view name, std::string_view text,
                              const std::function<bool(std::string_view)>& has_function);

}  // namespace tsdb::gotemplate
