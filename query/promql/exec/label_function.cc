#include "query/promql/exec/label_function.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/regex.h"
#include "base/text.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

const std::string& StringArg(const Call& call, size_t index) {
  return As<StringLiteral>(*call.args[index])->value;
}

bool IsValidLabelName(const std::string& name) { return !name.empty() && IsValidUtf8(name); }

// `regex` is that of label_replace.
Status CheckArguments(const Call& call, std::optional<Regex>* regex) {
  const std::string function = std::string(call.function->name) + "(): ";
  if (call.function->name == "label_join") {
    for (size_t i = 3; i < call.args.size(); ++i) {
      if (!IsValidLabelName(StringArg(call, i))) {
        return FailedPrecondition("invalid source label name in " + function + StringArg(call, i));
      }
    }
  } else {
    Result<Regex> compiled = Regex::Compile(StringArg(call, 4));
    if (!compiled.ok()) {
      return FailedPrecondition("invalid regular expression in " + function + StringArg(call, 4));
    }
    *regex = *std::move(compiled);
  }
  if (!IsValidLabelName(StringArg(call, 1))) {
    return FailedPrecondition("invalid destination label name in " + function + StringArg(call, 1));
  }
  return Status::Ok();
}

class LabelFunction final : public Operator {
 public:
  LabelFunction(ExecContext* context, const Grid& grid, const Call& call, OperatorPtr input,
                bool is_result)
      : Operator(context, grid),
        call_(call),
        is_result_(is_result),
        is_join_(call.function->name == "label_join"),
        view_(context->delayed_names()),
        input_(std::move(input)) {}

  Status Prepare() override {
    RETURN_IF_ERROR(CheckArguments(call_, &regex_));
    destination_ = StringArg(call_, 1);
    RETURN_IF_ERROR(input_->Prepare());
    series_.reserve(input_->series().size());
    for (const SeriesRef& series : input_->series()) series_.push_back(Relabel(series));
    outputs_.Build(view_, true, &series_);
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count,
        is_result_ ? OutputSeries::Overlap::kPerType : OutputSeries::Overlap::kFirstType,
        [this](size_t input, Column* column) { return input_->Read(input, column); }, out);
  }

 private:
  std::optional<std::string> NewValue(const SeriesRef& series) const {
    if (!is_join_) {
      return regex_->FullMatchExpand(view_.Get(series, StringArg(call_, 3)), StringArg(call_, 2));
    }
    std::string joined;
    for (size_t i = 3; i < call_.args.size(); ++i) {
      if (i > 3) joined += StringArg(call_, 2);
      joined += view_.Get(series, StringArg(call_, i));
    }
    return joined;
  }

  SeriesRef Relabel(const SeriesRef& series) {
    const std::optional<std::string> value = NewValue(series);
    if (!value.has_value()) return series;
    Labels labels = view_.Copy(series);
    labels.Set(destination_, *value);
    owned_.push_back(std::make_unique<Labels>(std::move(labels)));
    // A name that is given here is meant to stay.
    const bool drop_name =
        series.drop_name && context_->delayed_names() && destination_ != kMetricName;
    return {owned_.back().get(), drop_name};
  }

  const Call& call_;
  const bool is_result_;
  const bool is_join_;
  const LabelsView view_;
  const OperatorPtr input_;
  std::optional<Regex> regex_;
  std::string destination_;
  std::vector<std::unique_ptr<Labels>> owned_;
  OutputSeries outputs_;
};

}  // namespace

Status CheckLabelFunction(const Call& call) {
  std::optional<Regex> regex;
  return CheckArguments(call, &regex);
}

OperatorPtr MakeLabelFunction(ExecContext* context, const Grid& grid, const Call& call,
                              OperatorPtr vector, bool is_result) {
  return std::make_unique<LabelFunction>(context, grid, call, std::move(vector), is_result);
}

}  // namespace tsdb::promql
