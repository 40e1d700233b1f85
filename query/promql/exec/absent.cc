#include "query/promql/exec/absent.h"

#include <string>
#include <unordered_set>
#include <utility>

namespace tsdb::promql {
namespace {

class Absent final : public Operator {
 public:
  Absent(ExecContext* context, const Grid& grid, OperatorPtr input, Labels labels)
      : Operator(context, grid), input_(std::move(input)), labels_(std::move(labels)) {}

  Status Prepare() override {
    series_.push_back({&labels_, false});
    return input_->Prepare();
  }

  Status Read(size_t /*index*/, Column* out) override {
    out->Reset(grid_.count);
    for (size_t step = 0; step < grid_.count; ++step) out->SetFloat(step, 1);
    return ReadInOrder(context_, input_.get(), [&](size_t /*index*/, const Column& column) {
      for (size_t step = 0; step < grid_.count; ++step) {
        if (column.has(step)) out->Clear(step);
      }
      return Status::Ok();
    });
  }

 private:
  const OperatorPtr input_;
  const Labels labels_;
};

}  // namespace

Labels LabelsOfAbsent(const Matchers& matchers) {
  Labels labels;
  std::unordered_set<std::string> seen;
  for (const Matcher& matcher : matchers) {
    if (matcher.name() == kMetricName) continue;
    if (matcher.type() == MatchType::kEqual && seen.insert(matcher.name()).second) {
      labels.Set(matcher.name(), matcher.value());
    } else {
      labels.Remove(matcher.name());
    }
  }
  return labels;
}

OperatorPtr MakeAbsent(ExecContext* context, const Grid& grid, OperatorPtr input, Labels labels) {
  return std::make_unique<Absent>(context, grid, std::move(input), std::move(labels));
}

}  // namespace tsdb::promql
