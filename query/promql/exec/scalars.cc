#include "query/promql/exec/scalars.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/go_math.h"
#include "base/text.h"
#include "model/sample.h"

namespace tsdb::promql {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

const Labels& NoLabels() {
  static const Labels* const labels = new Labels();
  return *labels;
}

class ScalarOperator : public Operator {
 public:
  ScalarOperator(ExecContext* context, const Grid& grid) : Operator(context, grid) {
    series_.push_back({&NoLabels(), false});
  }
};

class Literal final : public ScalarOperator {
 public:
  Literal(ExecContext* context, const Grid& grid, double value)
      : ScalarOperator(context, grid), value_(value) {}
  Status Prepare() override { return Status::Ok(); }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    std::fill(out->values.begin(), out->values.end(), value_);
    std::fill(out->kinds.begin(), out->kinds.end(), SampleKind::kFloat);
    return Status::Ok();
  }

 private:
  const double value_;
};

class Time final : public ScalarOperator {
 public:
  using ScalarOperator::ScalarOperator;
  Status Prepare() override { return Status::Ok(); }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) {
      out->SetFloat(step, static_cast<double>(grid_.At(step)) / 1000);
    }
    return Status::Ok();
  }
};

class ScalarOfVector final : public ScalarOperator {
 public:
  ScalarOfVector(ExecContext* context, const Grid& grid, OperatorPtr vector)
      : ScalarOperator(context, grid), vector_(std::move(vector)) {}
  Status Prepare() override { return vector_->Prepare(); }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) out->SetFloat(step, NormalNan());
    std::vector<uint8_t> found(grid_.count, 0);
    return ReadInOrder(context_, vector_.get(), [&](size_t /*index*/, const Column& column) {
      for (size_t step = 0; step < grid_.count; ++step) {
        if (!column.is_float(step)) continue;
        out->values[step] = found[step] != 0 ? NormalNan() : column.values[step];
        found[step] = 1;
      }
      return Status::Ok();
    });
  }

 private:
  const OperatorPtr vector_;
};

// Two scalars combined step by step.
template <typename Combine>
class Pair final : public ScalarOperator {
 public:
  Pair(ExecContext* context, const Grid& grid, OperatorPtr a, OperatorPtr b, Combine combine)
      : ScalarOperator(context, grid), a_(std::move(a)), b_(std::move(b)), combine_(combine) {}
  Status Prepare() override {
    RETURN_IF_ERROR(a_->Prepare());
    return b_->Prepare();
  }
  Status Read(size_t /*index*/, Column* out) override {
    RETURN_IF_ERROR(ReadScalar(a_.get(), out));
    ScratchColumn b;
    RETURN_IF_ERROR(ReadScalar(b_.get(), b.get()));
    for (size_t step = 0; step < grid_.count; ++step) {
      out->values[step] = combine_(out->values[step], b->values[step]);
    }
    return Status::Ok();
  }

 private:
  const OperatorPtr a_;
  const OperatorPtr b_;
  const Combine combine_;
};

template <typename Combine>
OperatorPtr MakePair(ExecContext* context, const Grid& grid, OperatorPtr a, OperatorPtr b,
                     Combine combine) {
  return std::make_unique<Pair<Combine>>(context, grid, std::move(a), std::move(b), combine);
}

// The parser lets operators that trim histograms stand between scalars; they fail when evaluated.
class RefusedPair final : public ScalarOperator {
 public:
  RefusedPair(ExecContext* context, const Grid& grid, BinaryOp op, OperatorPtr a, OperatorPtr b)
      : ScalarOperator(context, grid), op_(op), a_(std::move(a)), b_(std::move(b)) {}
  Status Prepare() override {
    RETURN_IF_ERROR(a_->Prepare());
    RETURN_IF_ERROR(b_->Prepare());
    return FailedPrecondition("operator " + GoQuote(BinaryOpName(op_)) +
                              " not allowed for Scalar operations");
  }
  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    return Status::Ok();
  }

 private:
  const BinaryOp op_;
  const OperatorPtr a_;
  const OperatorPtr b_;
};

class StepInvariant final : public Operator {
 public:
  StepInvariant(ExecContext* context, const Grid& grid, OperatorPtr once)
      : Operator(context, grid), once_(std::move(once)) {}
  Status Prepare() override {
    if (grid_.count == 0) return Status::Ok();
    RETURN_IF_ERROR(once_->Prepare());
    series_ = once_->series();
    return Status::Ok();
  }
  Status Read(size_t index, Column* out) override {
    ScratchColumn once;
    RETURN_IF_ERROR(once_->Read(index, once.get()));
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) out->Copy(step, *once, 0);
    return Status::Ok();
  }

 private:
  const OperatorPtr once_;
};

}  // namespace

double GoMin(double a, double b) {
  if (a == -kInfinity || b == -kInfinity) return -kInfinity;  // before NaN, as Go has it
  if (std::isnan(a) || std::isnan(b)) return NormalNan();
  if (a == 0 && b == 0) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

double GoMax(double a, double b) {
  if (a == kInfinity || b == kInfinity) return kInfinity;
  if (std::isnan(a) || std::isnan(b)) return NormalNan();
  if (a == 0 && b == 0) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

double ScalarArithmetic(BinaryOp op, double lhs, double rhs) {
  switch (op) {
    case BinaryOp::kAdd:
      return lhs + rhs;
    case BinaryOp::kSub:
      return lhs - rhs;
    case BinaryOp::kMul:
      return lhs * rhs;
    case BinaryOp::kDiv:
      return lhs / rhs;
    case BinaryOp::kMod:
      return std::fmod(lhs, rhs);
    case BinaryOp::kPow:
      return GoPow(lhs, rhs);
    case BinaryOp::kAtan2:
      return GoAtan2(lhs, rhs);
    case BinaryOp::kEqual:
      return lhs == rhs;
    case BinaryOp::kNotEqual:
      return lhs != rhs;
    case BinaryOp::kLess:
      return lhs < rhs;
    case BinaryOp::kLessEqual:
      return lhs <= rhs;
    case BinaryOp::kGreater:
      return lhs > rhs;
    case BinaryOp::kGreaterEqual:
      return lhs >= rhs;
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kUnless:
    case BinaryOp::kTrimUpper:
    case BinaryOp::kTrimLower:
      break;
  }
  CHECK(false);  // The parser allows no set operator between scalars; see RefusedPair.
}

OperatorPtr MakeLiteral(ExecContext* context, const Grid& grid, double value) {
  return std::make_unique<Literal>(context, grid, value);
}

OperatorPtr MakeTime(ExecContext* context, const Grid& grid) {
  return std::make_unique<Time>(context, grid);
}

OperatorPtr MakeScalar(ExecContext* context, const Grid& grid, OperatorPtr vector) {
  return std::make_unique<ScalarOfVector>(context, grid, std::move(vector));
}

OperatorPtr MakeScalarBinary(ExecContext* context, const Grid& grid, BinaryOp op, OperatorPtr lhs,
                             OperatorPtr rhs) {
  if (op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower) {
    return std::make_unique<RefusedPair>(context, grid, op, std::move(lhs), std::move(rhs));
  }
  return MakePair(context, grid, std::move(lhs), std::move(rhs),
                  [op](double a, double b) { return ScalarArithmetic(op, a, b); });
}

OperatorPtr MakeScalarChoice(ExecContext* context, const Grid& grid, Choice choice, OperatorPtr a,
                             OperatorPtr b) {
  return MakePair(context, grid, std::move(a), std::move(b), [choice](double x, double y) {
    return choice == Choice::kMinimum ? GoMin(x, y) : GoMax(x, y);
  });
}

OperatorPtr MakeVector(OperatorPtr scalar) { return scalar; }

OperatorPtr MakeStepInvariant(ExecContext* context, const Grid& grid, OperatorPtr once) {
  return std::make_unique<StepInvariant>(context, grid, std::move(once));
}

}  // namespace tsdb::promql
