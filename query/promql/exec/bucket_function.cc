#include "query/promql/exec/bucket_function.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/number.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/quantile.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

// OpenMetrics spells floats with a decimal point or an exponent ("1.0", "0.5", "1e+06").
std::string OpenMetricsFloat(double value) {
  if (value == 1) return "1.0";
  if (value == 0) return "0.0";
  if (value == -1) return "-1.0";
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::string text = FormatFloatG(value);
  if (text.find_first_of("e.") == std::string::npos) text += ".0";
  return text;
}

// Prometheus reads `le` with Go's ParseFloat, which also takes "inf" and "infinity".
std::optional<double> ParseBound(std::string_view text) { return ParseFloat(text); }

class BucketFunction final : public Operator {
 public:
  BucketFunction(ExecContext* context, const Grid& grid, const Call& call, OperatorPtr vector,
                 std::vector<OperatorPtr> scalars)
      : Operator(context, grid),
        call_(call),
        is_fraction_(call.function->name == "histogram_fraction"),
        view_(context->delayed_names()),
        input_(std::move(vector)),
        scalar_operators_(std::move(scalars)) {
    const bool many = call.function->name == "histogram_quantiles";
    if (many) quantile_label_ = As<StringLiteral>(*call.args[1])->value;
    vector_at_ = call.args[is_fraction_ ? 2 : many ? 0 : 1]->position();
    first_scalar_ = many ? 2 : 0;
    quantile_count_ = many ? scalar_operators_.size() : 1;
  }

  Status Prepare() override {
    for (const OperatorPtr& scalar : scalar_operators_) {
      RETURN_IF_ERROR(scalar->Prepare());
      scalars_.emplace_back();
      RETURN_IF_ERROR(ReadScalar(scalar.get(), &scalars_.back()));
    }
    if (!is_fraction_) NoteBadQuantiles();
    RETURN_IF_ERROR(input_->Prepare());
    FindHistograms();
    results_ = std::vector<Results>(histograms_.size());
    for (size_t i = 0; i < histograms_.size(); ++i) AddSeries(i);
    outputs_.Build(view_, !quantile_label_.empty(), &series_);
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count, OutputSeries::Overlap::kPerStep,
        [this](size_t input, Column* column) { return ReadOne(input, column); }, out);
  }

 private:
  struct BucketSeries {
    double upper_bound = 0;
    uint32_t series = 0;
  };
  // The series that show the same labels but for `le`.
  struct OneHistogram {
    Labels labels;  // without le
    bool drop_name = false;
    std::vector<BucketSeries> buckets;  // with a readable le, sorted by bound
    std::vector<uint32_t> others;       // without: native histograms, or malformed
  };
  // With several quantiles, all are computed when the first is asked for.
  struct Results {
    std::once_flag once;
    Status status;
    std::vector<Column> columns;
  };

  void NoteBadQuantiles() {
    for (size_t i = 0; i < scalars_.size(); ++i) {
      for (const double q : scalars_[i].values) {
        if (std::isnan(q) || q < 0 || q > 1) {
          context_->annotations.InvalidQuantile(q, call_.args[first_scalar_ + i]->position());
        }
      }
    }
  }

  void FindHistograms() {
    const std::vector<std::string> le = {std::string(kBucketLabel)};
    std::unordered_map<Hash128, size_t> index_of;
    for (uint32_t i = 0; i < input_->series().size(); ++i) {
      const SeriesRef& series = input_->series()[i];
      const auto [it, inserted] =
          index_of.try_emplace(view_.HashWithout(series, le), histograms_.size());
      if (inserted) {
        histograms_.push_back(std::make_unique<OneHistogram>());
        histograms_.back()->labels = view_.Copy(series);
        histograms_.back()->labels.Remove(kBucketLabel);
      }
      OneHistogram& histogram = *histograms_[it->second];
      const std::optional<double> bound = ParseBound(view_.Get(series, kBucketLabel));
      if (bound.has_value()) {
        histogram.buckets.push_back({*bound, i});
      } else {
        histogram.others.push_back(i);
      }
    }
    for (const auto& histogram : histograms_) {
      std::stable_sort(histogram->buckets.begin(), histogram->buckets.end(),
                       [](const BucketSeries& a, const BucketSeries& b) {
                         return a.upper_bound < b.upper_bound;
                       });
    }
  }

  void AddSeries(size_t histogram) {
    // `labels` holds what is seen, so without delayed removal the name may be there still.
    const SeriesRef base{&histograms_[histogram]->labels, true};
    if (quantile_label_.empty()) {
      series_.push_back(base);
      return;
    }
    for (size_t q = 0; q < quantile_count_; ++q) {
      Labels labels = view_.Copy(base);
      labels.Set(quantile_label_,
                 OpenMetricsFloat(scalars_[q].values.empty() ? 0 : scalars_[q].values[0]));
      quantile_labels_.push_back(std::make_unique<Labels>(std::move(labels)));
      series_.push_back({quantile_labels_.back().get(), context_->delayed_names()});
    }
  }

  Status ReadOne(size_t input, Column* out) {
    const size_t histogram = input / quantile_count_;
    if (quantile_count_ == 1) {
      std::vector<Column> columns(1);
      std::swap(columns[0], *out);
      const Status status = Compute(*histograms_[histogram], &columns);
      std::swap(columns[0], *out);
      return status;
    }
    Results& results = results_[histogram];
    std::call_once(results.once, [&] {
      results.columns.resize(quantile_count_);
      results.status = Compute(*histograms_[histogram], &results.columns);
    });
    RETURN_IF_ERROR(results.status);
    *out = results.columns[input % quantile_count_];
    return Status::Ok();
  }

  Status Compute(const OneHistogram& histogram, std::vector<Column>* out) {
    std::vector<Column> buckets(histogram.buckets.size());
    std::vector<Column> others(histogram.others.size());
    Reservation reservation(&context_->budget);
    for (size_t i = 0; i < buckets.size(); ++i) {
      RETURN_IF_ERROR(input_->Read(histogram.buckets[i].series, &buckets[i]));
      RETURN_IF_ERROR(reservation.Add(grid_.count));
    }
    for (size_t i = 0; i < others.size(); ++i) {
      RETURN_IF_ERROR(input_->Read(histogram.others[i], &others[i]));
    }
    for (Column& column : *out) column.Reset(grid_.count);
    std::vector<ClassicBucket> classic;
    for (size_t step = 0; step < grid_.count; ++step) {
      classic.clear();
      HistogramPtr native;
      for (size_t i = 0; i < buckets.size(); ++i) {
        if (buckets[i].is_float(step)) {
          classic.push_back({histogram.buckets[i].upper_bound, buckets[i].values[step]});
        } else if (buckets[i].is_histogram(step)) {
          native = buckets[i].histograms[step];
        }
      }
      for (size_t i = 0; i < others.size(); ++i) {
        if (others[i].is_histogram(step)) {
          native = others[i].histograms[step];
        } else if (others[i].is_float(step)) {
          context_->annotations.BadBucketLabel(
              NameForAnnotation(histogram),
              view_.Get(input_->series()[histogram.others[i]], kBucketLabel), vector_at_);
        }
      }
      if (native != nullptr && !classic.empty()) {
        context_->annotations.MixedClassicNativeHistograms(NameForAnnotation(histogram),
                                                           vector_at_);
      } else if (native != nullptr || !classic.empty()) {
        ComputeStep(histogram, native.get(), classic, step, out);
      }
    }
    return Status::Ok();
  }

  // Without delayed name removal the name is gone by the time Prometheus annotates.
  std::string_view NameForAnnotation(const OneHistogram& histogram) const {
    return context_->delayed_names() ? histogram.labels.metric_name() : std::string_view();
  }

  void ComputeStep(const OneHistogram& histogram, const Histogram* native,
                   const std::vector<ClassicBucket>& classic, size_t step,
                   std::vector<Column>* out) {
    const std::string_view name = NameForAnnotation(histogram);
    if (is_fraction_) {
      const double lower = scalars_[0].values[step];
      const double upper = scalars_[1].values[step];
      std::vector<ClassicBucket> buckets = classic;
      (*out)[0].SetFloat(step, native != nullptr
                                   ? NativeFraction(lower, upper, *native, name, vector_at_,
                                                    &context_->annotations)
                                   : ClassicFraction(lower, upper, &buckets));
      return;
    }
    for (size_t i = 0; i < quantile_count_; ++i) {
      const double q = scalars_[i].values[step];
      if (native != nullptr) {
        (*out)[i].SetFloat(step,
                           NativeQuantile(q, *native, name, vector_at_, &context_->annotations));
        continue;
      }
      std::vector<ClassicBucket> buckets = classic;
      Monotonicity monotonicity;
      (*out)[i].SetFloat(step, ClassicQuantile(q, &buckets, &monotonicity));
      if (monotonicity.forced) {
        context_->annotations.ForcedMonotonicity(name, grid_.At(step), monotonicity.min_bucket,
                                                 monotonicity.max_bucket,
                                                 monotonicity.max_difference, vector_at_);
      }
    }
  }

  const Call& call_;
  const bool is_fraction_;
  const LabelsView view_;
  const OperatorPtr input_;
  const std::vector<OperatorPtr> scalar_operators_;
  std::string quantile_label_;  // of histogram_quantiles
  PositionRange vector_at_;
  size_t first_scalar_ = 0;  // among the arguments
  size_t quantile_count_ = 1;
  std::vector<Column> scalars_;
  std::vector<std::unique_ptr<OneHistogram>> histograms_;
  std::vector<std::unique_ptr<Labels>> quantile_labels_;
  std::vector<Results> results_;
  OutputSeries outputs_;
};

}  // namespace

OperatorPtr MakeBucketFunction(ExecContext* context, const Grid& grid, const Call& call,
                               OperatorPtr vector, std::vector<OperatorPtr> scalars) {
  return std::make_unique<BucketFunction>(context, grid, call, std::move(vector),
                                          std::move(scalars));
}

}  // namespace tsdb::promql
