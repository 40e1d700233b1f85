#include "query/promql/exec/elementwise.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>
#include <utility>

#include "base/duration.h"
#include "base/go_math.h"
#include "model/histogram_math.h"
#include "model/sample.h"
#include "query/promql/exec/binary_sample.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/scalars.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

// Changes the samples of one series at a time.
class Elementwise : public Operator {
 public:
  Status Prepare() override {
    RETURN_IF_ERROR(input_->Prepare());
    RETURN_IF_ERROR(PrepareArguments());
    series_ = input_->series();
    for (SeriesRef& series : series_) series.drop_name |= drops_name_;
    RelabelSeries();
    outputs_.Build(LabelsView(context_->delayed_names()), relabelled_, &series_);
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count, overlap_,
        [this](size_t input, Column* column) {
          RETURN_IF_ERROR(input_->Read(input, column));
          return Apply(column);
        },
        out);
  }

 protected:
  Elementwise(ExecContext* context, const Grid& grid, OperatorPtr input, bool drops_name)
      : Operator(context, grid), input_(std::move(input)), drops_name_(drops_name) {}

  virtual Status PrepareArguments() { return Status::Ok(); }
  virtual void RelabelSeries() {}
  // Changes `column` in place. Thread-safe.
  virtual Status Apply(Column* column) = 0;

  const OperatorPtr input_;
  const bool drops_name_;
  bool relabelled_ = false;
  OutputSeries::Overlap overlap_ = OutputSeries::Overlap::kPerStep;

 private:
  OutputSeries outputs_;
};

// A function of floats; histograms are dropped.
class FloatFunction final : public Elementwise {
 public:
  using Function = double (*)(double);
  FloatFunction(ExecContext* context, const Grid& grid, OperatorPtr input, Function function)
      : Elementwise(context, grid, std::move(input), true), function_(function) {}

 private:
  Status Apply(Column* column) override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (column->is_float(step)) {
        column->values[step] = function_(column->values[step]);
      } else if (column->is_histogram(step)) {
        column->Clear(step);
      }
    }
    return Status::Ok();
  }
  const Function function_;
};

// clamp, clamp_min, clamp_max and round: functions of floats with scalar arguments. `compute` gives
// false to drop the sample.
class FloatFunctionWithScalars final : public Elementwise {
 public:
  using Function = bool (*)(const double* arguments, double* value);
  FloatFunctionWithScalars(ExecContext* context, const Grid& grid, OperatorPtr input,
                           std::vector<OperatorPtr> scalars, Function function)
      : Elementwise(context, grid, std::move(input), true),
        scalars_(std::move(scalars)),
        function_(function) {}

 private:
  Status PrepareArguments() override {
    for (const OperatorPtr& scalar : scalars_) {
      RETURN_IF_ERROR(scalar->Prepare());
      arguments_.emplace_back();
      RETURN_IF_ERROR(ReadScalar(scalar.get(), &arguments_.back()));
    }
    return Status::Ok();
  }

  Status Apply(Column* column) override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!column->has(step)) continue;
      double arguments[2] = {0, 0};
      for (size_t i = 0; i < arguments_.size() && i < 2; ++i)
        arguments[i] = arguments_[i].values[step];
      if (column->is_histogram(step) || !function_(arguments, &column->values[step])) {
        column->Clear(step);
      }
    }
    return Status::Ok();
  }

  const std::vector<OperatorPtr> scalars_;
  const Function function_;
  std::vector<Column> arguments_;
};

// A number that a histogram tells; floats are dropped.
class HistogramFunction final : public Elementwise {
 public:
  using Function = double (*)(const Histogram&);
  HistogramFunction(ExecContext* context, const Grid& grid, OperatorPtr input, Function function)
      : Elementwise(context, grid, std::move(input), true), function_(function) {}

 private:
  // Without delayed name removal these functions drop the name alone, not type and unit.
  void RelabelSeries() override {
    if (context_->delayed_names()) return;
    const LabelsView view(false);
    for (SeriesRef& series : series_) {
      if (!series.labels->Has("__type__") && !series.labels->Has("__unit__")) continue;
      const bool was_hidden =
          input_->series()[static_cast<size_t>(&series - series_.data())].drop_name;
      auto labels = std::make_unique<Labels>(was_hidden ? WithoutMetadata(*series.labels)
                                                        : series.labels->Without({"__name__"}));
      series = {labels.get(), false};
      owned_.push_back(std::move(labels));
      relabelled_ = true;
    }
  }

  Status Apply(Column* column) override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (column->is_histogram(step)) {
        const double value = function_(*column->histograms[step]);
        column->histograms[step].reset();
        column->SetFloat(step, value);
      } else {
        column->kinds[step] = SampleKind::kNone;
      }
    }
    return Status::Ok();
  }

  const Function function_;
  std::vector<std::unique_ptr<Labels>> owned_;
};

// timestamp() of what is no selector: every sample is as old as its step.
class TimestampOfValue final : public Elementwise {
 public:
  TimestampOfValue(ExecContext* context, const Grid& grid, OperatorPtr input)
      : Elementwise(context, grid, std::move(input), true) {}

 private:
  Status Apply(Column* column) override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!column->has(step)) continue;
      column->Clear(step);
      column->SetFloat(step, static_cast<double>(grid_.At(step)) / 1000);
    }
    return Status::Ok();
  }
};

class Negation final : public Elementwise {
 public:
  Negation(ExecContext* context, const Grid& grid, OperatorPtr input, bool is_result)
      : Elementwise(context, grid, std::move(input), true) {
    overlap_ = is_result ? OutputSeries::Overlap::kPerType : OutputSeries::Overlap::kFirstType;
  }

 private:
  Status Apply(Column* column) override {
    for (size_t step = 0; step < grid_.count; ++step) {
      if (column->is_float(step)) {
        column->values[step] = -column->values[step];
      }
      if (column->HasHistogramAt(step)) {
        Histogram negated = *column->histograms[step];
        MultiplyHistogram(&negated, -1);
        column->histograms[step] = std::make_shared<const Histogram>(std::move(negated));
      }
    }
    return Status::Ok();
  }
};

class VectorScalar final : public Elementwise {
 public:
  VectorScalar(ExecContext* context, const Grid& grid, const BinaryExpr& binary, OperatorPtr vector,
               OperatorPtr scalar)
      : Elementwise(context, grid, std::move(vector),
                    ChangesMetric(binary.op) || binary.return_bool),
        binary_(binary),
        scalar_on_left_(binary.lhs->type() == ExprType::kScalar),
        at_(binary.position()),
        scalar_operator_(std::move(scalar)) {}

 private:
  Status PrepareArguments() override {
    RETURN_IF_ERROR(scalar_operator_->Prepare());
    return ReadScalar(scalar_operator_.get(), &scalar_);
  }

  Status Apply(Column* column) override {
    const bool arithmetic = binary_.op <= BinaryOp::kPow;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (column->is_float(step) && arithmetic) {
        const double v = column->values[step];
        const double s = scalar_.values[step];
        column->values[step] = scalar_on_left_ ? ScalarArithmetic(binary_.op, s, v)
                                               : ScalarArithmetic(binary_.op, v, s);
      } else if (column->has(step)) {
        ApplyGeneral(step, column);
      }
    }
    return Status::Ok();
  }

  void ApplyGeneral(size_t step, Column* column) {
    Operand vector;
    vector.value = column->values[step];
    if (column->is_histogram(step)) vector.histogram = &column->histograms[step];
    const Operand scalar{scalar_.values[step], nullptr};
    BinaryOutcome outcome = ApplyBinary(context_, binary_.op, scalar_on_left_ ? scalar : vector,
                                        scalar_on_left_ ? vector : scalar, at_);
    if (!outcome.valid) {
      column->Clear(step);
    } else if (binary_.return_bool) {
      column->Clear(step);
      column->SetFloat(step, outcome.keep ? 1 : 0);
    } else if (!outcome.keep) {
      column->Clear(step);
    } else if (IsComparison(binary_.op)) {
      // A comparison keeps the vector's element as it is, on whichever side it stands.
    } else if (outcome.histogram != nullptr) {
      column->SetHistogram(step, std::move(outcome.histogram));
    } else {
      column->SetFloat(step, outcome.value);
    }
  }

  const BinaryExpr& binary_;
  const bool scalar_on_left_;
  const PositionRange at_;
  const OperatorPtr scalar_operator_;
  Column scalar_;
};

// ---------------------------------------------------------------------------------------------------
// Functions

CivilTime CivilOf(double seconds) {
  // Out of range, Go's conversion gives the smallest integer on our platforms, and its time package
  // counts seconds from a March so far back that the 64 bits wrap around for the earliest times.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  constexpr int64_t kDaysPerEra = 146097;  // 400 years
  constexpr uint64_t kDaysBefore1970 = 730692556ull * kDaysPerEra + 306 + 719162;
  constexpr uint64_t kSecondsPerDay = 86400;
  const int64_t unix_seconds = seconds >= -kTwoTo63 && seconds < kTwoTo63
                                   ? static_cast<int64_t>(seconds)
                                   : std::numeric_limits<int64_t>::min();
  const uint64_t absolute = static_cast<uint64_t>(unix_seconds) + kDaysBefore1970 * kSecondsPerDay;
  const auto days = static_cast<int64_t>(absolute / kSecondsPerDay - kDaysBefore1970);
  const int64_t era = days / kDaysPerEra;
  CivilTime t = CivilFromUnix((days - era * kDaysPerEra) * int64_t{kSecondsPerDay} +
                              static_cast<int64_t>(absolute % kSecondsPerDay));
  t.year += era * 400;
  return t;
}

double DaysInMonthOf(double v) {
  const CivilTime t = CivilOf(v);
  return DaysInMonth(t.year, t.month);
}

double HistogramVariance(const Histogram& h) {
  const double mean = h.sum / h.count;
  double variance = 0;
  double compensation = 0;
  for (const HistogramBucket& b : AllBuckets(h)) {
    if (b.count == 0) continue;
    double value = 0;  // of the observations in a zero bucket
    if (h.uses_custom_buckets()) {
      value = (b.upper + b.lower) / 2;
    } else if (!(b.lower <= 0 && b.upper >= 0)) {
      value = std::sqrt(b.upper * b.lower);
      if (b.upper < 0) value = -value;
    }
    const double delta = value - mean;
    CompensatedAdd(b.count * delta * delta, &variance, &compensation);
  }
  return (variance + compensation) / h.count;
}

struct NamedFloatFunction {
  std::string_view name;
  FloatFunction::Function function;
};
constexpr NamedFloatFunction kFloatFunctions[] = {
    {"abs", [](double v) { return std::fabs(v); }},
    {"acos", [](double v) { return GoAcos(v); }},
    {"acosh", [](double v) { return GoAcosh(v); }},
    {"asin", [](double v) { return GoAsin(v); }},
    {"asinh", [](double v) { return GoAsinh(v); }},
    {"atan", [](double v) { return GoAtan(v); }},
    {"atanh", [](double v) { return GoAtanh(v); }},
    {"ceil", [](double v) { return std::ceil(v); }},
    {"cos", [](double v) { return GoCos(v); }},
    {"cosh", [](double v) { return GoCosh(v); }},
    {"day_of_month", [](double v) { return double(CivilOf(v).day); }},
    {"day_of_week", [](double v) { return double(CivilOf(v).weekday); }},
    {"day_of_year", [](double v) { return double(CivilOf(v).day_of_year); }},
    {"days_in_month", DaysInMonthOf},
    {"deg", [](double v) { return v * 180 / std::numbers::pi; }},
    {"exp", [](double v) { return GoExp(v); }},
    {"floor", [](double v) { return std::floor(v); }},
    {"hour", [](double v) { return double(CivilOf(v).hour); }},
    {"ln", [](double v) { return GoLog(v); }},
    {"log10", [](double v) { return GoLog10(v); }},
    {"log2", [](double v) { return GoLog2(v); }},
    {"minute", [](double v) { return double(CivilOf(v).minute); }},
    {"month", [](double v) { return double(CivilOf(v).month); }},
    {"rad", [](double v) { return v * std::numbers::pi / 180; }},
    {"sgn", [](double v) { return v < 0   ? -1.0
                                  : v > 0 ? 1.0
                                          : v; }},
    {"sin", [](double v) { return GoSin(v); }},
    {"sinh", [](double v) { return GoSinh(v); }},
    {"sqrt", [](double v) { return std::sqrt(v); }},
    {"tan", [](double v) { return GoTan(v); }},
    {"tanh", [](double v) { return GoTanh(v); }},
    {"year", [](double v) { return double(CivilOf(v).year); }},
};

struct NamedHistogramFunction {
  std::string_view name;
  HistogramFunction::Function function;
};
constexpr NamedHistogramFunction kHistogramFunctions[] = {
    {"histogram_avg", [](const Histogram& h) { return h.sum / h.count; }},
    {"histogram_count", [](const Histogram& h) { return h.count; }},
    {"histogram_stddev", [](const Histogram& h) { return std::sqrt(HistogramVariance(h)); }},
    {"histogram_stdvar", HistogramVariance},
    {"histogram_sum", [](const Histogram& h) { return h.sum; }},
};

bool Clamp(double low, double high, double* value) {
  if (high < low) return false;
  *value = GoMax(low, GoMin(high, *value));
  return true;
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool RoundTo(double nearest, double* value) {
  // The inverse loses less than dividing twice; ties go up.
  const double inverse = 1.0 / nearest;
  *value = std::floor(*value * inverse + 0.5) / inverse;
  return true;
}

struct NamedScalarFunction {
  std::string_view name;
  FloatFunctionWithScalars::Function function;
};
constexpr NamedScalarFunction kScalarFunctions[] = {
    {"clamp", [](const double* a, double* v) { return Clamp(a[0], a[1], v); }},
    {"clamp_max", [](const double* a, double* v) { return Clamp(-kInfinity, a[0], v); }},
    {"clamp_min", [](const double* a, double* v) { return Clamp(a[0], kInfinity, v); }},
    {"round", [](const double* a, double* v) { return RoundTo(a[0], v); }},
};

template <typename Table>
auto* Lookup(const Table& table, std::string_view name) {
  const auto* it = std::find_if(std::begin(table), std::end(table),
                                [&](const auto& entry) { return entry.name == name; });
  return it == std::end(table) ? nullptr : it;
}

}  // namespace

OperatorPtr MakeElementwise(ExecContext* context, const Grid& grid, const Call& call,
                            OperatorPtr vector, std::vector<OperatorPtr> scalars) {
  const std::string_view name = call.function->name;
  if (const auto* f = Lookup(kFloatFunctions, name)) {
    return std::make_unique<FloatFunction>(context, grid, std::move(vector), f->function);
  }
  if (const auto* f = Lookup(kHistogramFunctions, name)) {
    return std::make_unique<HistogramFunction>(context, grid, std::move(vector), f->function);
  }
  if (const auto* f = Lookup(kScalarFunctions, name)) {
    if (scalars.empty()) scalars.push_back(MakeLiteral(context, grid, 1));  // round's default
    return std::make_unique<FloatFunctionWithScalars>(context, grid, std::move(vector),
                                                      std::move(scalars), f->function);
  }
  if (name == "timestamp") {
    return std::make_unique<TimestampOfValue>(context, grid, std::move(vector));
  }
  return nullptr;
}

OperatorPtr MakeNegation(ExecContext* context, const Grid& grid, OperatorPtr vector,
                         bool is_result) {
  return std::make_unique<Negation>(context, grid, std::move(vector), is_result);
}

OperatorPtr MakeVectorScalar(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr vector, OperatorPtr scalar) {
  return std::make_unique<VectorScalar>(context, grid, binary, std::move(vector),
                                        std::move(scalar));
}

}  // namespace tsdb::promql
