#include "query/promql/exec/binary_sample.h"

#include <memory>

#include "model/histogram_math.h"
#include "query/promql/exec/scalars.h"

namespace tsdb::promql {
namespace {

HistogramPtr Share(Histogram histogram) {
  return std::make_shared<const Histogram>(std::move(histogram));
}

BinaryOutcome FloatAndFloat(BinaryOp op, double lhs, double rhs, bool* valid) {
  BinaryOutcome out;
  if (op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower) {
    *valid = false;
  } else if (IsComparison(op)) {
    out.keep = ScalarArithmetic(op, lhs, rhs) != 0;
    out.value = lhs;
  } else {
    out.value = ScalarArithmetic(op, lhs, rhs);
  }
  return out;
}

BinaryOutcome HistogramAndFloat(BinaryOp op, const Histogram& lhs, double rhs, bool* valid) {
  BinaryOutcome out;
  Histogram result = lhs;
  switch (op) {
    case BinaryOp::kMul:
      MultiplyHistogram(&result, rhs);
      CompactHistogram(&result);
      break;
    case BinaryOp::kDiv:
      DivideHistogram(&result, rhs);
      CompactHistogram(&result);
      break;
    case BinaryOp::kTrimUpper:
      TrimHistogram(&result, rhs, true);
      break;
    case BinaryOp::kTrimLower:
      TrimHistogram(&result, rhs, false);
      break;
    default:
      *valid = false;
      return out;
  }
  out.histogram = Share(std::move(result));
  return out;
}

BinaryOutcome HistogramAndHistogram(ExecContext* context, BinaryOp op, const HistogramPtr& lhs,
                                    const HistogramPtr& rhs, PositionRange at, bool* valid) {
  BinaryOutcome out;
  if (op == BinaryOp::kEqual || op == BinaryOp::kNotEqual) {
    out.keep = SameHistogram(*lhs, *rhs) == (op == BinaryOp::kEqual);
    out.histogram = lhs;
    return out;
  }
  if (op != BinaryOp::kAdd && op != BinaryOp::kSub) {
    *valid = false;
    return out;
  }
  const bool add = op == BinaryOp::kAdd;
  Histogram result = *lhs;
  const HistogramOutcome outcome =
      add ? AddHistogram(&result, *rhs) : SubtractHistogram(&result, *rhs);
  if (!outcome.compatible) {
    context->annotations.IncompatibleBucketLayout(BinaryOpName(op), at);
    out.valid = false;
    return out;
  }
  if (!add) result.counter_reset_hint = CounterResetHint::kGauge;
  const auto operation = add ? HistogramOperation::kAddition : HistogramOperation::kSubtraction;
  if (outcome.counter_reset_collision) context->annotations.CounterResetCollision(operation, at);
  if (outcome.bounds_reconciled) context->annotations.MismatchedCustomBuckets(operation, at);
  CompactHistogram(&result);
  out.histogram = Share(std::move(result));
  return out;
}

}  // namespace

BinaryOutcome ApplyBinary(ExecContext* context, BinaryOp op, const Operand& lhs, const Operand& rhs,
                          PositionRange at) {
  bool valid = true;
  BinaryOutcome out;
  if (lhs.histogram == nullptr && rhs.histogram == nullptr) {
    out = FloatAndFloat(op, lhs.value, rhs.value, &valid);
  } else if (lhs.histogram == nullptr) {
    // Only multiplication is meant from this side.
    valid = op == BinaryOp::kMul;
    if (valid) out = HistogramAndFloat(op, **rhs.histogram, lhs.value, &valid);
  } else if (rhs.histogram == nullptr) {
    out = HistogramAndFloat(op, **lhs.histogram, rhs.value, &valid);
  } else {
    out = HistogramAndHistogram(context, op, *lhs.histogram, *rhs.histogram, at, &valid);
  }
  if (!valid) {
    const auto kind = [](const Operand& o) {
      return o.histogram == nullptr ? "float" : "histogram";
    };
    context->annotations.IncompatibleTypes(kind(lhs), BinaryOpName(op), kind(rhs), at);
    out.valid = false;
  }
  return out;
}

}  // namespace tsdb::promql
