// count_values: one output series for each group and value that occurs in it.
#include <bit>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/number.h"
#include "base/text.h"
#include "model/histogram_math.h"
#include "query/promql/exec/aggregate.h"
#include "query/promql/exec/grouping.h"

namespace tsdb::promql {
namespace {

class CountValues final : public Operator {
 public:
  CountValues(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
              OperatorPtr input)
      : Operator(context, grid),
        aggregate_(aggregate),
        input_(std::move(input)),
        label_(As<StringLiteral>(*aggregate.param)->value),
        grouping_(context->delayed_names(), WithoutLabel(aggregate, label_), aggregate.without),
        reservation_(&context->budget) {
    // The value's label replaces one of the input; grouped away, it is not shown.
    shows_value_ = true;
    for (const std::string& name : aggregate.grouping) {
      if (aggregate.without && name == label_) shows_value_ = false;
    }
    if (aggregate.without && label_ == kMetricName) shows_value_ = false;
  }

  Status Prepare() override {
    RETURN_IF_ERROR(CheckCountValues(aggregate_));
    RETURN_IF_ERROR(input_->Prepare());
    grouping_.Assign(input_->series());
    RETURN_IF_ERROR(ReadInOrder(
        context_, input_.get(),
        [this](size_t series, const Column& column) { return Consume(series, column); }));
    for (size_t i = 0; i < outputs_.size(); ++i) series_.push_back({&outputs_[i]->labels, false});
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) {
      const double count = outputs_[index]->counts[step];
      if (count > 0) out->SetFloat(step, count);
    }
    return Status::Ok();
  }

 private:
  struct Output {
    Labels labels;
    std::vector<double> counts;
  };

  // The label that the value gets is not one of the input's, whichever way it is grouped.
  static std::vector<std::string> WithoutLabel(const AggregateExpr& aggregate,
                                               const std::string& label) {
    std::vector<std::string> names = aggregate.grouping;
    std::erase(names, label);
    if (aggregate.without) names.push_back(label);
    return names;
  }

  Status Consume(size_t series, const Column& column) {
    const uint32_t group = grouping_.group_of(series);
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!column.has(step)) continue;
      Output* output = nullptr;
      RETURN_IF_ERROR(Find(series, group, column, step, &output));
      output->counts[step] += 1;
    }
    return Status::Ok();
  }

  Status Find(size_t series, uint32_t group, const Column& column, size_t step, Output** found) {
    std::string text = column.is_float(step) ? FormatFloat(column.values[step])
                                             : HistogramToString(*column.histograms[step]);
    std::string key = std::to_string(group);
    if (shows_value_) key += "," + text;
    const auto [it, inserted] = index_of_.try_emplace(std::move(key), outputs_.size());
    if (inserted) {
      auto output = std::make_unique<Output>();
      output->labels = grouping_.LabelsOf(input_->series()[series]);
      if (shows_value_) output->labels.Set(label_, text);
      output->counts.assign(grid_.count, 0);
      outputs_.push_back(std::move(output));
      RETURN_IF_ERROR(reservation_.Add(grid_.count));
    }
    *found = outputs_[it->second].get();
    return Status::Ok();
  }

  const AggregateExpr& aggregate_;
  const OperatorPtr input_;
  const std::string label_;
  Grouping grouping_;
  bool shows_value_ = true;
  std::unordered_map<std::string, size_t> index_of_;
  std::vector<std::unique_ptr<Output>> outputs_;
  Reservation reservation_;
};

}  // namespace

Status CheckCountValues(const AggregateExpr& aggregate) {
  if (aggregate.op != AggregateOp::kCountValues) return Status::Ok();
  const std::string& label = As<StringLiteral>(*aggregate.param)->value;
  if (!label.empty() && IsValidUtf8(label)) return Status::Ok();
  return FailedPrecondition("invalid label name " + GoQuote(label));
}

OperatorPtr MakeCountValues(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                            OperatorPtr input) {
  return std::make_unique<CountValues>(context, grid, aggregate, std::move(input));
}

}  // namespace tsdb::promql
