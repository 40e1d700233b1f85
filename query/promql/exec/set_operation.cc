// and, or, unless. A match group is reduced to the steps at which one side has a sample.
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "query/promql/exec/matching.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/vector_binary.h"

namespace tsdb::promql {
namespace {

class SetOperation final : public Operator {
 public:
  SetOperation(ExecContext* context, const Grid& grid, const BinaryExpr& binary, OperatorPtr lhs,
               OperatorPtr rhs)
      : Operator(context, grid),
        op_(binary.op),
        lhs_(std::move(lhs)),
        rhs_(std::move(rhs)),
        groups_(context->delayed_names(), *binary.matching),
        reservation_(&context->budget) {}

  Status Prepare() override {
    RETURN_IF_ERROR(lhs_->Prepare());
    RETURN_IF_ERROR(rhs_->Prepare());
    groups_.Assign(lhs_->series(), rhs_->series());
    present_.resize(groups_.groups().size());
    series_ = lhs_->series();
    if (op_ == BinaryOp::kOr) {
      RETURN_IF_ERROR(LoadLeft());
      series_.insert(series_.end(), rhs_->series().begin(), rhs_->series().end());
      // Both sides may show the same labels, at different steps.
      outputs_.Build(LabelsView(context_->delayed_names()), true, &series_);
      return context_->delayed_names() ? NameByFirstSamples() : Status::Ok();
    }
    return LoadRight();
  }

  Status Read(size_t index, Column* out) override {
    return outputs_.Read(
        index, grid_.count, OutputSeries::Overlap::kPerStep,
        [this](size_t input, Column* column) { return ReadInput(input, column); }, out);
  }

 private:
  using Mask = std::vector<uint8_t>;

  // Which steps have a sample of `side` in each group that has series of both sides.
  Status AddToMask(uint32_t group, const Column& column) {
    Mask& mask = present_[group];
    if (mask.empty()) {
      mask.assign(grid_.count, 0);
      RETURN_IF_ERROR(reservation_.Add(grid_.count / sizeof(double) + 1));
    }
    for (size_t step = 0; step < grid_.count; ++step) mask[step] |= column.has(step);
    return Status::Ok();
  }

  bool IsShared(uint32_t group) const {
    const MatchGroups::Group& g = groups_.groups()[group];
    return !g.left.empty() && !g.right.empty();
  }

  // The masks are those of the right side, which is not part of the result.
  Status LoadRight() {
    return ReadInOrder(context_, rhs_.get(), [this](size_t series, const Column& column) {
      const uint32_t group = groups_.group_of_right(series);
      return IsShared(group) ? AddToMask(group, column) : Status::Ok();
    });
  }

  // `or`: the masks are those of the left side, which is in the result as well and is kept where it
  // meets the right.
  Status LoadLeft() {
    left_columns_.resize(lhs_->series().size());
    std::vector<uint32_t> wanted;
    for (uint32_t i = 0; i < left_columns_.size(); ++i) {
      if (IsShared(groups_.group_of_left(i))) wanted.push_back(i);
    }
    RETURN_IF_ERROR(context_->ParallelFor(wanted.size(), [&](size_t i) {
      auto column = std::make_unique<Column>();
      const Status status = lhs_->Read(wanted[i], column.get());
      left_columns_[wanted[i]] = std::move(column);
      return status;
    }));
    for (const uint32_t i : wanted) {
      RETURN_IF_ERROR(reservation_.Add(left_columns_[i]->SampleCount()));
      RETURN_IF_ERROR(AddToMask(groups_.group_of_left(i), *left_columns_[i]));
    }
    return Status::Ok();
  }

  const SeriesRef& Input(size_t input) const {
    const size_t left_count = lhs_->series().size();
    return input < left_count ? lhs_->series()[input] : rhs_->series()[input - left_count];
  }

  // Whether the name of a series goes is for the side to say that gives its first sample.
  Status NameByFirstSamples() {
    if (outputs_.one_to_one()) return Status::Ok();
    const size_t left_count = lhs_->series().size();
    right_columns_.resize(rhs_->series().size());
    for (size_t i = 0; i < series_.size(); ++i) {
      const std::span<const uint32_t> inputs = outputs_.inputs(i);
      const auto differs = [&](uint32_t input) {
        return Input(input).drop_name != series_[i].drop_name;
      };
      if (std::none_of(inputs.begin(), inputs.end(), differs)) continue;
      size_t first = grid_.count;
      for (const uint32_t input : inputs) {
        auto& kept = input < left_count ? left_columns_[input] : right_columns_[input - left_count];
        if (kept == nullptr) {
          auto read = std::make_unique<Column>();
          RETURN_IF_ERROR(ReadInput(input, read.get()));
          RETURN_IF_ERROR(reservation_.Add(read->SampleCount()));
          kept = std::move(read);
        }
        const Column& column = *kept;
        for (size_t step = 0; step < first; ++step) {
          if (!column.has(step)) continue;
          first = step;
          series_[i].drop_name = Input(input).drop_name;
        }
      }
    }
    return Status::Ok();
  }

  Status ReadInput(size_t input, Column* out) {
    const size_t left_count = lhs_->series().size();
    if (input < left_count) {
      if (op_ == BinaryOp::kOr) {
        if (left_columns_[input] == nullptr) return lhs_->Read(input, out);
        std::swap(*out, *left_columns_[input]);
        return Status::Ok();
      }
      RETURN_IF_ERROR(lhs_->Read(input, out));
      ApplyMask(groups_.group_of_left(input), op_ == BinaryOp::kAnd, out);
      return Status::Ok();
    }
    const size_t right = input - left_count;
    if (!right_columns_.empty() && right_columns_[right] != nullptr) {
      std::swap(*out, *right_columns_[right]);
      return Status::Ok();
    }
    RETURN_IF_ERROR(rhs_->Read(right, out));
    ApplyMask(groups_.group_of_right(right), false, out);
    return Status::Ok();
  }

  // Leaves the steps at which the group's mask is `wanted`.
  void ApplyMask(uint32_t group, bool wanted, Column* out) const {
    const Mask& mask = present_[group];
    for (size_t step = 0; step < grid_.count; ++step) {
      const bool present = !mask.empty() && mask[step] != 0;
      if (present != wanted && out->has(step)) out->Clear(step);
    }
  }

  const BinaryOp op_;
  const OperatorPtr lhs_;
  const OperatorPtr rhs_;
  MatchGroups groups_;
  std::vector<Mask> present_;  // by group; empty: nowhere
  std::vector<std::unique_ptr<Column>> left_columns_;
  std::vector<std::unique_ptr<Column>> right_columns_;  // of `or`, where they had to be looked at
  OutputSeries outputs_;
  Reservation reservation_;
};

}  // namespace

OperatorPtr MakeSetOperation(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr lhs, OperatorPtr rhs) {
  return std::make_unique<SetOperation>(context, grid, binary, std::move(lhs), std::move(rhs));
}

}  // namespace tsdb::promql
