#include "net/router.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace tsdb::net {
namespace {

struct Route {
  std::string pattern;
  HttpHandler handler;
  RouteOptions options;
};

// A node of the tree of path segments. Methods map to indexes of routes.
struct Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
  std::unique_ptr<Node> parameter;                          // "{name}"
  std::map<std::string, size_t, std::less<>> methods;       // a route ends here
  std::map<std::string, size_t, std::less<>> rest_methods;  // a "{name...}" route ends here
};

std::string Decode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  return PercentDecode(text, /*plus_is_space=*/false).value_or(std::string(text));
}

// The methods that answer `path` below `node`; fills `parameters`. Literal segments are tried
// first, and what they do not answer falls back to parameters.
const std::map<std::string, size_t, std::less<>>* Walk(const Node& node, std::string_view path,
                                                       std::vector<std::string>* parameters) {
  const size_t slash = path.find('/');
  const std::string segment = Decode(path.substr(0, slash));
  const bool is_last = slash == std::string_view::npos;
  const auto step = [&](const Node& next) -> const std::map<std::string, size_t, std::less<>>* {
    if (!is_last) return Walk(next, path.substr(slash + 1), parameters);
    return next.methods.empty() ? nullptr : &next.methods;
  };
  if (const auto it = node.literal.find(segment); it != node.literal.end()) {
    if (const auto* methods = step(*it->second)) return methods;
  }
  const size_t mark = parameters->size();
  if (node.parameter != nullptr && !segment.empty()) {
    parameters->push_back(segment);
    if (const auto* methods = step(*node.parameter)) return methods;
    parameters->resize(mark);
  }
  if (!node.rest_methods.empty() && !path.empty()) {
    parameters->push_back(Decode(path));
    return &node.rest_methods;
  }
  return nullptr;
}

}  // namespace

struct Router::Impl {
  Node root;
  std::vector<std::unique_ptr<Route>> routes;
};

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Add(std::string_view method, std::string_view pattern, HttpHandler handler,
                 RouteOptions options) {
  CHECK(!pattern.empty() && pattern[0] == '/');
  Node* node = &impl_->root;
  auto* methods = &node->methods;
  for (const std::string_view segment : Split(pattern.substr(1), '/')) {
    if (segment.size() > 5 && segment[0] == '{' && segment.ends_with("...}")) {
      methods = &node->rest_methods;
      break;
    }
    std::unique_ptr<Node>* next = nullptr;
    if (segment.size() > 2 && segment[0] == '{' && segment.back() == '}') {
      next = &node->parameter;
    } else {
      next = &node->literal[std::string(segment)];
    }
    if (*next == nullptr) *next = std::make_unique<Node>();
    node = next->get();
    methods = &node->methods;
  }
  const bool inserted = methods->emplace(method, impl_->routes.size()).second;
  CHECK(inserted);
  impl_->routes.push_back(
      std::make_unique<Route>(Route{std::string(pattern), std::move(handler), options}));
}

size_t Router::route_count() const { return impl_->routes.size(); }

Router::Match Router::Find(std::string_view method, std::string_view path) const {
  Match match;
  if (path.empty() || path[0] != '/') return match;
  const auto* methods = Walk(impl_->root, path.substr(1), &match.parameters);
  if (methods == nullptr) return match;
  auto it = methods->find(method);
  if (it == methods->end() && method == "HEAD") it = methods->find("GET");
  if (it == methods->end()) {
    match.status = 405;
    for (const auto& [name, index] : *methods) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += name;
    }
    return match;
  }
  const Route& route = *impl_->routes[it->second];
  match.status = 200;
  match.handler = &route.handler;
  match.options = &route.options;
  match.route_index = it->second;
  match.pattern = route.pattern;
  return match;
}

}  // namespace tsdb::net
