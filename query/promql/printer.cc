#include "query/promql/printer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"
#include "model/labels.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

// Appends canonical text, and gives up once it is longer than the limit: whether a node fits on a
// line is asked at every level of a tree.
class Printer {
 public:
  explicit Printer(size_t limit = std::numeric_limits<size_t>::max()) : limit_(limit) {}

  void Print(const Expr& expr);
  void PrintAggregateHead(const AggregateExpr& expr);
  void PrintOperator(const BinaryExpr& expr);
  void PrintSubqueryTail(const SubqueryExpr& expr);

  const std::string& text() const { return text_; }

 private:
  void PrintNode(const NumberLiteral& expr);
  void PrintNode(const StringLiteral& expr) { text_ += GoQuote(expr.value); }
  void PrintNode(const VectorSelector& expr);
  void PrintNode(const MatrixSelector& expr);
  void PrintNode(const SubqueryExpr& expr);
  void PrintNode(const UnaryExpr& expr);
  void PrintNode(const BinaryExpr& expr);
  void PrintNode(const AggregateExpr& expr);
  void PrintNode(const Call& expr);
  void PrintNode(const ParenExpr& expr);
  void PrintNode(const DurationExpr& expr);

  void PrintMatchers(const VectorSelector& expr);
  void PrintAt(const TimeModifiers& time);
  void PrintOffset(const TimeModifiers& time);
  void PrintExtended(const VectorSelector& expr);
  void PrintDuration(int64_t duration_ms, const DurationExpr* expr);
  void PrintLabelList(const std::vector<std::string>& labels);
  void PrintMatching(const VectorMatching& matching);

  const size_t limit_;
  std::string text_;
};

std::string_view DurationOpName(DurationOp op) {
  switch (op) {
    case DurationOp::kAdd:
      return "+";
    case DurationOp::kSub:
      return "-";
    case DurationOp::kMul:
      return "*";
    case DurationOp::kDiv:
      return "/";
    case DurationOp::kMod:
      return "%";
    case DurationOp::kPow:
      return "^";
    case DurationOp::kStep:
      return "step";
    case DurationOp::kRange:
      return "range";
    case DurationOp::kMinOf:
      return "min_of";
    case DurationOp::kMaxOf:
      return "max_of";
  }
  return "";
}

void Printer::Print(const Expr& expr) {
  if (text_.size() > limit_) return;
  switch (expr.kind()) {
    case NodeKind::kNumber:
      return PrintNode(*As<NumberLiteral>(expr));
    case NodeKind::kString:
      return PrintNode(*As<StringLiteral>(expr));
    case NodeKind::kVectorSelector:
      return PrintNode(*As<VectorSelector>(expr));
    case NodeKind::kMatrixSelector:
      return PrintNode(*As<MatrixSelector>(expr));
    case NodeKind::kSubquery:
      return PrintNode(*As<SubqueryExpr>(expr));
    case NodeKind::kUnary:
      return PrintNode(*As<UnaryExpr>(expr));
    case NodeKind::kBinary:
      return PrintNode(*As<BinaryExpr>(expr));
    case NodeKind::kAggregate:
      return PrintNode(*As<AggregateExpr>(expr));
    case NodeKind::kCall:
      return PrintNode(*As<Call>(expr));
    case NodeKind::kParen:
      return PrintNode(*As<ParenExpr>(expr));
    case NodeKind::kDuration:
      return PrintNode(*As<DurationExpr>(expr));
  }
}

void Printer::PrintNode(const NumberLiteral& expr) {
  if (expr.is_duration) {
    text_ += FormatDuration(static_cast<int64_t>(std::llround(expr.value * 1000)));
  } else {
    AppendFloat(&text_, expr.value);
  }
}

void Printer::PrintDuration(int64_t duration_ms, const DurationExpr* expr) {
  if (expr != nullptr) {
    Print(*expr);
  } else {
    text_ += FormatDuration(duration_ms);
  }
}

void Printer::PrintMatchers(const VectorSelector& expr) {
  std::vector<std::string> texts;
  for (const Matcher& matcher : expr.matchers) {
    const bool is_name = matcher.name() == kMetricName && matcher.type() == MatchType::kEqual &&
                         !expr.name.empty() && matcher.value() == expr.name;
    if (!is_name) texts.push_back(matcher.ToString());
  }
  text_ += expr.name;
  if (texts.empty() && !expr.name.empty()) return;
  std::sort(texts.begin(), texts.end());
  text_ += '{';
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) text_ += ',';
    text_ += texts[i];
  }
  text_ += '}';
}

void Printer::PrintAt(const TimeModifiers& time) {
  if (time.at_ms.has_value()) {
    char seconds[64];
    std::snprintf(seconds, sizeof(seconds), " @ %.3f", static_cast<double>(*time.at_ms) / 1000.0);
    text_ += seconds;
  } else if (time.at_bound != AtBound::kNone) {
    text_ += time.at_bound == AtBound::kStart ? " @ start()" : " @ end()";
  }
}

void Printer::PrintOffset(const TimeModifiers& time) {
  if (time.offset_expr == nullptr && time.offset_ms == 0) return;
  text_ += " offset ";
  PrintDuration(time.offset_ms, time.offset_expr.get());
}

void Printer::PrintExtended(const VectorSelector& expr) {
  if (expr.anchored) {
    text_ += " anchored";
  } else if (expr.smoothed) {
    text_ += " smoothed";
  }
}

void Printer::PrintNode(const VectorSelector& expr) {
  PrintMatchers(expr);
  PrintAt(expr.time);
  PrintExtended(expr);
  PrintOffset(expr.time);
}

void Printer::PrintNode(const MatrixSelector& expr) {
  PrintMatchers(*expr.selector);
  text_ += '[';
  PrintDuration(expr.range_ms, expr.range_expr.get());
  text_ += ']';
  PrintExtended(*expr.selector);
  PrintAt(expr.selector->time);
  PrintOffset(expr.selector->time);
}

void Printer::PrintNode(const SubqueryExpr& expr) {
  Print(*expr.expr);
  PrintSubqueryTail(expr);
}

void Printer::PrintSubqueryTail(const SubqueryExpr& expr) {
  text_ += '[';
  PrintDuration(expr.range_ms, expr.range_expr.get());
  text_ += ':';
  if (expr.step_expr != nullptr || expr.step_ms != 0) {
    PrintDuration(expr.step_ms, expr.step_expr.get());
  }
  text_ += ']';
  PrintAt(expr.time);
  PrintOffset(expr.time);
}

void Printer::PrintNode(const UnaryExpr& expr) {
  text_ += expr.negate ? '-' : '+';
  Print(*expr.expr);
}

void Printer::PrintLabelList(const std::vector<std::string>& labels) {
  text_ += " (";
  for (size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) text_ += ", ";
    text_ += IsLegacyLabelName(labels[i]) ? labels[i] : GoQuote(labels[i]);
  }
  text_ += ')';
}

void Printer::PrintMatching(const VectorMatching& matching) {
  const bool many_to_one = matching.cardinality == MatchCardinality::kManyToOne;
  const bool grouped = many_to_one || matching.cardinality == MatchCardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    text_ += matching.on ? " on" : " ignoring";
    PrintLabelList(matching.labels);
  }
  if (grouped) {
    text_ += many_to_one ? " group_left" : " group_right";
    PrintLabelList(matching.include);
  }
  const auto& left = matching.fill_left;
  const auto& right = matching.fill_right;
  if (left.has_value() && right.has_value() && *left == *right) {
    text_ += " fill (" + FormatFloatG(*left) + ")";
    return;
  }
  if (left.has_value()) text_ += " fill_left (" + FormatFloatG(*left) + ")";
  if (right.has_value()) text_ += " fill_right (" + FormatFloatG(*right) + ")";
}

void Printer::PrintOperator(const BinaryExpr& expr) {
  text_ += BinaryOpName(expr.op);
  if (expr.return_bool) text_ += " bool";
  if (expr.matching.has_value()) PrintMatching(*expr.matching);
}

void Printer::PrintNode(const BinaryExpr& expr) {
  Print(*expr.lhs);
  text_ += ' ';
  PrintOperator(expr);
  text_ += ' ';
  Print(*expr.rhs);
}

void Printer::PrintAggregateHead(const AggregateExpr& expr) {
  text_ += AggregateOpName(expr.op);
  if (!expr.without && expr.grouping.empty()) return;
  text_ += expr.without ? " without" : " by";
  PrintLabelList(expr.grouping);
  text_ += ' ';
}

void Printer::PrintNode(const AggregateExpr& expr) {
  PrintAggregateHead(expr);
  text_ += '(';
  if (expr.param != nullptr) {
    Print(*expr.param);
    text_ += ", ";
  }
  Print(*expr.expr);
  text_ += ')';
}

void Printer::PrintNode(const Call& expr) {
  text_ += expr.function->name;
  text_ += '(';
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (i > 0) text_ += ", ";
    Print(*expr.args[i]);
  }
  text_ += ')';
}

void Printer::PrintNode(const ParenExpr& expr) {
  text_ += '(';
  Print(*expr.expr);
  text_ += ')';
}

void Printer::PrintNode(const DurationExpr& expr) {
  if (expr.wrapped) text_ += '(';
  switch (expr.op) {
    case DurationOp::kStep:
    case DurationOp::kRange:
      text_ += DurationOpName(expr.op);
      text_ += "()";
      break;
    case DurationOp::kMinOf:
    case DurationOp::kMaxOf:
      text_ += DurationOpName(expr.op);
      text_ += '(';
      Print(*expr.lhs);
      text_ += ", ";
      Print(*expr.rhs);
      text_ += ')';
      break;
    default:
      if (expr.lhs != nullptr) {
        Print(*expr.lhs);
        text_.append(" ").append(DurationOpName(expr.op)).append(" ");
      } else if (expr.op == DurationOp::kSub) {
        text_ += '-';  // a unary plus only carries parentheses and is not written
      }
      Print(*expr.rhs);
  }
  if (expr.wrapped) text_ += ')';
}

// ---------------------------------------------------------------------------------------------------
// Layout

constexpr size_t kLineSizeMax = 100;

bool FitsOnLine(const Expr& expr) {
  Printer printer(kLineSizeMax);
  printer.Print(expr);
  return printer.text().size() <= kLineSizeMax;
}

std::string Indent(size_t level) { return std::string(2 * level, ' '); }

// Level 0 stands where it is; a deeper node begins its own line. A node that fits is printed whole.
std::string Layout(const Expr& expr, size_t level);

std::string LayoutNode(const AggregateExpr& expr, size_t level) {
  Printer head;
  head.PrintAggregateHead(expr);
  std::string text = Indent(level) + head.text() + "(\n";
  if (expr.param != nullptr) text += Layout(*expr.param, level + 1) + ",\n";
  return text + Layout(*expr.expr, level + 1) + "\n" + Indent(level) + ")";
}

std::string LayoutNode(const BinaryExpr& expr, size_t level) {
  Printer op;
  op.PrintOperator(expr);
  return Layout(*expr.lhs, level + 1) + "\n" + Indent(level) + op.text() + "\n" +
         Layout(*expr.rhs, level + 1);
}

std::string LayoutNode(const Call& expr, size_t level) {
  std::string text = Indent(level) + std::string(expr.function->name) + "(\n";
  for (size_t i = 0; i < expr.args.size(); ++i) {
    if (i > 0) text += ",\n";
    text += Layout(*expr.args[i], level + 1);
  }
  return text + "\n" + Indent(level) + ")";
}

std::string LayoutNode(const UnaryExpr& expr, size_t level) {
  const std::string operand = Layout(*expr.expr, level);
  return Indent(level) + (expr.negate ? "-" : "+") + std::string(TrimSpace(operand));
}

std::string Layout(const Expr& expr, size_t level) {
  if (const auto* unary = As<UnaryExpr>(expr)) return LayoutNode(*unary, level);
  if (!FitsOnLine(expr)) {
    if (const auto* aggregate = As<AggregateExpr>(expr)) return LayoutNode(*aggregate, level);
    if (const auto* binary = As<BinaryExpr>(expr)) return LayoutNode(*binary, level);
    if (const auto* call = As<Call>(expr)) return LayoutNode(*call, level);
    if (const auto* paren = As<ParenExpr>(expr)) {
      return Indent(level) + "(\n" + Layout(*paren->expr, level + 1) + "\n" + Indent(level) + ")";
    }
    if (const auto* subquery = As<SubqueryExpr>(expr)) {
      Printer tail;
      tail.PrintSubqueryTail(*subquery);
      return Layout(*subquery->expr, level) + tail.text();
    }
  }
  // Prometheus does not indent a short subquery, nor do we.
  const std::string indent = expr.kind() == NodeKind::kSubquery ? "" : Indent(level);
  return indent + ExprToString(expr);
}

}  // namespace

std::string ExprToString(const Expr& expr) {
  Printer printer;
  printer.Print(expr);
  return printer.text();
}

std::string Prettify(const Expr& expr) { return Layout(expr, 0); }

}  // namespace tsdb::promql
