#include "query/promql/exec/result.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/range_extended.h"

namespace tsdb::promql {
namespace {

const Expr& WithoutParens(const Expr& expr) {
  const Expr* inner = &expr;
  while (const auto* paren = As<ParenExpr>(*inner)) inner = paren->expr.get();
  return *inner;
}

double SecondsSince(int64_t start_ns) {
  return static_cast<double>(Clock::Real().MonotonicNs() - start_ns) / 1e9;
}

// Names that were to be dropped are dropped now at the latest; series that come to show the same
// labels become one.
class FinalSeries {
 public:
  FinalSeries(ExecContext* context, Operator* root) : context_(context), root_(root) {
    series_ = root->series();
    outputs_.Build(view_, context->delayed_names(), &series_);
  }

  size_t size() const { return series_.size(); }
  Labels LabelsOf(size_t index) const { return view_.Copy(series_[index]); }

  Status Read(size_t index, Column* out) const {
    return outputs_.Read(
        index, root_->grid().count, OutputSeries::Overlap::kPerType,
        [this](size_t input, Column* column) { return root_->Read(input, column); }, out);
  }

  // Reads all series, several at a time; body(i, column) runs on any thread, once for each series
  // that has samples. They are added to `reservation`, whose refusal ends it.
  Status ForEach(Reservation* reservation, const std::function<void(size_t, Column&)>& body) const {
    Mutex mutex;
    constexpr size_t kPerTask = 16;
    const bool one_to_one = size() == root_->series().size();
    const std::vector<uint32_t> order = one_to_one ? root_->ReadOrder() : std::vector<uint32_t>();
    return context_->ParallelFor((size() + kPerTask - 1) / kPerTask, [&](size_t task) {
      ScratchColumn column;
      const size_t end = std::min(size(), (task + 1) * kPerTask);
      for (size_t i = task * kPerTask; i < end; ++i) {
        const size_t index = order.empty() ? i : order[i];
        RETURN_IF_ERROR(Read(index, column.get()));
        const uint64_t count = column->SampleCount();
        if (count == 0) continue;
        {
          MutexLock lock(mutex);
          RETURN_IF_ERROR(reservation->Add(count));
        }
        body(index, *column);
      }
      return Status::Ok();
    });
  }

 private:
  ExecContext* const context_;
  Operator* const root_;
  const LabelsView view_{false};
  std::vector<SeriesRef> series_;
  OutputSeries outputs_;
};

void FillSeries(const Grid& grid, const Column& column, MatrixSeries* out) {
  size_t floats = 0;
  for (const SampleKind kind : column.kinds) floats += kind == SampleKind::kFloat;
  out->floats.reserve(floats);
  for (size_t step = 0; step < grid.count; ++step) {
    if (column.is_float(step)) {
      out->floats.push_back({grid.At(step), column.values[step]});
    }
    if (column.HasHistogramAt(step)) {
      out->histograms.emplace_back(grid.At(step), column.histograms[step]);
    }
  }
}

void SortMatrix(QueryResult* result) {
  const int64_t start = Clock::Real().MonotonicNs();
  std::vector<MatrixSeries>& matrix = result->matrix;
  std::erase_if(matrix,
                [](const MatrixSeries& s) { return s.floats.empty() && s.histograms.empty(); });
  const auto less = [](const MatrixSeries& a, const MatrixSeries& b) {
    return a.labels < b.labels;
  };
  if (!std::is_sorted(matrix.begin(), matrix.end(), less)) {
    std::sort(matrix.begin(), matrix.end(), less);
  }
  result->stats.result_sort_time = SecondsSince(start);
}

Status ReadMatrix(ExecContext* context, Operator* root, Reservation* reservation,
                  QueryResult* result) {
  const FinalSeries series(context, root);
  result->kind = ResultKind::kMatrix;
  result->matrix.resize(series.size());
  const Status status = series.ForEach(reservation, [&](size_t i, Column& column) {
    FillSeries(root->grid(), column, &result->matrix[i]);
    result->matrix[i].labels = series.LabelsOf(i);
  });
  RETURN_IF_ERROR(status);
  SortMatrix(result);
  return Status::Ok();
}

Status ReadVector(ExecContext* context, Operator* root, Reservation* reservation,
                  QueryResult* result) {
  const FinalSeries series(context, root);
  result->kind = ResultKind::kVector;
  std::vector<VectorSample> samples(series.size());
  std::vector<uint8_t> present(series.size(), 0);
  const Status status = series.ForEach(reservation, [&](size_t i, Column& column) {
    present[i] = 1;
    samples[i].labels = series.LabelsOf(i);
    samples[i].timestamp_ms = root->grid().start_ms;
    if (column.HasHistogramAt(0)) {
      samples[i].histogram = std::move(column.histograms[0]);
    } else {
      samples[i].value = column.values[0];
    }
  });
  RETURN_IF_ERROR(status);
  for (size_t i = 0; i < samples.size(); ++i) {
    if (present[i] != 0) result->vector.push_back(std::move(samples[i]));
  }
  return Status::Ok();
}

Status ReadScalarResult(Operator* root, QueryResult* result) {
  ScratchColumn column;
  RETURN_IF_ERROR(ReadScalar(root, column.get()));
  result->kind = ResultKind::kScalar;
  result->scalar = {root->grid().start_ms, column->values[0]};
  return Status::Ok();
}

// A selector of a range at the top: the samples as they are.
Status ReadRange(ExecContext* context, Builder* builder, const Expr& expr, const Grid& grid,
                 Reservation* reservation, QueryResult* result) {
  const std::unique_ptr<RangeSource> source = builder->BuildRange(expr, grid);
  RETURN_IF_ERROR(source->Prepare());
  result->kind = ResultKind::kMatrix;
  const int64_t end = source->shift.Apply(grid.start_ms);
  const int64_t start = end - source->range_ms;
  for (size_t i = 0; i < source->series().size(); ++i) {
    RETURN_IF_ERROR(context->CheckCancelled());
    SeriesSamples samples;
    RETURN_IF_ERROR(source->Read(i, false, &samples));
    RETURN_IF_ERROR(reservation->Add(samples.SampleCount()));
    MatrixSeries series;
    series.labels = *source->series()[i].labels;
    if (source->mode == RangeMode::kPlain) {
      for (size_t k = 0; k < samples.times.size(); ++k) {
        series.floats.push_back({samples.times[k], samples.values[k]});
      }
      for (size_t k = 0; k < samples.histograms.size(); ++k) {
        series.histograms.emplace_back(samples.histogram_times[k], samples.histograms[k]);
      }
      context->stats.Add(grid, 0, samples.SampleCount());
    } else {
      const bool smoothed = source->mode == RangeMode::kSmoothed;
      if (!samples.histograms.empty()) {
        return FailedPrecondition(std::string(smoothed ? "smoothed" : "anchored") +
                                  " modifier is not supported with histograms");
      }
      const Window all{0, static_cast<uint32_t>(samples.times.size())};
      series.floats = ExtendFloats(samples, all, start, end, smoothed);
      context->stats.Add(grid, 0, series.floats.size());
    }
    result->matrix.push_back(std::move(series));
  }
  SortMatrix(result);
  return Status::Ok();
}

}  // namespace

Status EvaluateRoot(ExecContext* context, Builder* builder, const Expr& root, const Grid& grid,
                    bool is_range, QueryResult* result) {
  Reservation reservation(&context->budget);
  const Expr& expr = WithoutParens(root);
  if (const auto* text = As<StringLiteral>(expr)) {
    result->kind = ResultKind::kString;
    result->string = text->value;
    result->scalar.timestamp = grid.start_ms;
    return Status::Ok();
  }
  if (expr.kind() == NodeKind::kMatrixSelector) {
    return ReadRange(context, builder, expr, grid, &reservation, result);
  }
  const auto* subquery = As<SubqueryExpr>(expr);
  const OperatorPtr top =
      subquery != nullptr ? builder->BuildSubquery(*subquery, grid) : builder->Build(root, grid);
  RETURN_IF_ERROR(builder->status());
  RETURN_IF_ERROR(top->Prepare());
  if (is_range || subquery != nullptr) {
    return ReadMatrix(context, top.get(), &reservation, result);
  }
  if (expr.type() == ExprType::kScalar) return ReadScalarResult(top.get(), result);
  return ReadVector(context, top.get(), &reservation, result);
}

}  // namespace tsdb::promql
