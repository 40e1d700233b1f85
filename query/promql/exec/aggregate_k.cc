// topk, bottomk, limitk, limit_ratio: output series are input series, at the steps at which they
// are chosen. Series are taken in order into one heap for each group and step, so nothing but the
// chosen samples is kept. Heap order and ties are those of Prometheus (Go's container/heap).
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/number.h"
#include "query/promql/exec/aggregate.h"
#include "query/promql/exec/grouping.h"

namespace tsdb::promql {
namespace {

struct Chosen {
  double value = 0;
  uint32_t series = 0;
  HistogramPtr histogram;
};

// A heap with the weakest candidate on top.
class Heap {
 public:
  explicit Heap(bool largest) : largest_(largest) {}

  // Whether `a` is weaker than `b`: NaN is weaker than anything.
  bool Weaker(double a, double b) const {
    if (std::isnan(a)) return true;
    return largest_ ? a < b : a > b;
  }
  void Push(std::vector<Chosen>* heap, Chosen chosen) const {
    heap->push_back(std::move(chosen));
    size_t j = heap->size() - 1;
    while (j > 0) {
      const size_t parent = (j - 1) / 2;
      if (!Weaker((*heap)[j].value, (*heap)[parent].value)) break;
      std::swap((*heap)[j], (*heap)[parent]);
      j = parent;
    }
  }
  void ReplaceTop(std::vector<Chosen>* heap, Chosen chosen) const {
    (*heap)[0] = std::move(chosen);
    size_t i = 0;
    for (;;) {
      size_t child = 2 * i + 1;
      if (child >= heap->size()) break;
      if (child + 1 < heap->size() && Weaker((*heap)[child + 1].value, (*heap)[child].value)) {
        ++child;
      }
      if (!Weaker((*heap)[child].value, (*heap)[i].value)) break;
      std::swap((*heap)[i], (*heap)[child]);
      i = child;
    }
  }
  // Strongest first.
  void Sort(std::vector<Chosen>* heap) const {
    std::stable_sort(heap->begin(), heap->end(), [this](const Chosen& a, const Chosen& b) {
      if (std::isnan(a.value)) return false;
      if (std::isnan(b.value)) return true;
      return largest_ ? a.value > b.value : a.value < b.value;
    });
  }

 private:
  const bool largest_;
};

// Prometheus' hash of a label set, as a number in [0, 1): XXH64 over names and values with their
// lengths in front (one byte; from 255 on that byte and three more, low first).
double RatioOffset(const LabelsView& view, const SeriesRef& series) {
  std::string bytes;
  const auto append = [&bytes](std::string_view part) {
    if (part.size() < 255) {
      bytes.push_back(static_cast<char>(part.size()));
    } else {
      bytes.push_back(static_cast<char>(255));
      bytes.push_back(static_cast<char>(part.size() & 0xff));
      bytes.push_back(static_cast<char>((part.size() >> 8) & 0xff));
      bytes.push_back(static_cast<char>((part.size() >> 16) & 0xff));
    }
    bytes.append(part);
  };
  view.ForEach(series, [&](const Label& label) {
    append(label.name);
    append(label.value);
  });
  return static_cast<double>(XxHash64(bytes)) /
         static_cast<double>(std::numeric_limits<uint64_t>::max());
}

class AggregateK final : public Operator {
 public:
  AggregateK(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
             OperatorPtr input, OperatorPtr param)
      : Operator(context, grid),
        aggregate_(aggregate),
        op_(aggregate.op),
        input_(std::move(input)),
        param_operator_(std::move(param)),
        grouping_(context->delayed_names(), aggregate.grouping, aggregate.without),
        heap_(op_ != AggregateOp::kBottomK),
        reservation_(&context->budget) {}

  Status Prepare() override {
    RETURN_IF_ERROR(ReadAggregateParam(param_operator_, &param_));
    bool nothing = false;
    const Status param_status = CheckParam(&nothing);
    nothing = nothing || !param_status.ok();
    RETURN_IF_ERROR(input_->Prepare());
    // What is not asked for is read all the same, for its failures, which come before those of the
    // parameter, and its annotations.
    grouping_.Assign(input_->series());
    chosen_.resize(nothing ? 0 : grouping_.group_count() * grid_.count);
    RETURN_IF_ERROR(ReadInOrder(context_, input_.get(), [&](size_t series, const Column& column) {
      return nothing ? Status::Ok() : Consume(series, column);
    }));
    RETURN_IF_ERROR(param_status);
    Distribute();
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    out->Reset(grid_.count);
    for (Placed& placed : outputs_[index]) {
      if (placed.chosen.histogram != nullptr) {
        out->SetHistogram(placed.step, std::move(placed.chosen.histogram));
      } else {
        out->SetFloat(placed.step, placed.chosen.value);
      }
    }
    return Status::Ok();
  }

 private:
  struct Placed {
    size_t step = 0;
    Chosen chosen;
  };

  Status CheckParam(bool* nothing) {
    if (op_ == AggregateOp::kLimitRatio) {
      *nothing = param_.max == 0 && param_.min == 0;
      if (*nothing) return Status::Ok();
      if (param_.has_nan) return FailedPrecondition("Ratio value is NaN");
      const PositionRange at = aggregate_.param->position();
      if (param_.max > 1) context_->annotations.InvalidRatio(param_.max, 1, at);
      if (param_.min < -1) context_->annotations.InvalidRatio(param_.min, -1, at);
      return Status::Ok();
    }
    *nothing = param_.max < 1;
    if (*nothing) return Status::Ok();
    if (param_.has_nan) return FailedPrecondition("Parameter value is NaN");
    if (param_.min <= -9223372036854775808.0) {
      return FailedPrecondition("Scalar value " + FormatFloatG(param_.min) + " underflows int64");
    }
    if (param_.max >= 9223372036854774784.0) {
      return FailedPrecondition("Scalar value " + FormatFloatG(param_.max) + " overflows int64");
    }
    return Status::Ok();
  }

  Status Consume(size_t series, const Column& column) {
    const size_t base = grouping_.group_of(series) * grid_.count;
    double offset = -1;
    uint64_t kept = 0;
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!column.has(step)) continue;
      const double param = param_.values.values[step];
      std::vector<Chosen>& cell = chosen_[base + step];
      Chosen one{column.values[step], static_cast<uint32_t>(series), nullptr};
      if (column.is_histogram(step)) {
        one.value = 0;
        one.histogram = column.histograms[step];
      }
      if (op_ == AggregateOp::kLimitRatio) {
        if (offset < 0) {
          offset = RatioOffset(LabelsView(context_->delayed_names()), input_->series()[series]);
        }
        const double ratio = std::clamp(param, -1.0, 1.0);
        if (ratio >= 0 ? !(offset < ratio) : !(offset >= 1 + ratio)) continue;
        heap_.Push(&cell, std::move(one));
        ++kept;
      } else {
        kept += Offer(param, std::move(one), &cell);
      }
    }
    return reservation_.Add(kept);
  }

  // By how many samples `cell` has grown.
  uint64_t Offer(double param, Chosen one, std::vector<Chosen>* cell) {
    const double k = std::trunc(param);
    if (k < 1) return 0;
    const bool room = static_cast<double>(cell->size()) < k;
    if (op_ == AggregateOp::kLimitK) {
      if (!room) return 0;
      heap_.Push(cell, std::move(one));
      return 1;
    }
    if (one.histogram != nullptr) {
      context_->annotations.HistogramIgnoredInAggregation(AggregateOpName(op_),
                                                          aggregate_.position());
      return 0;
    }
    if (room) {
      heap_.Push(cell, std::move(one));
      return 1;
    }
    const double weakest = (*cell)[0].value;
    const bool better = op_ == AggregateOp::kTopK ? weakest < one.value : weakest > one.value;
    if (better || (std::isnan(weakest) && !std::isnan(one.value))) {
      heap_.ReplaceTop(cell, std::move(one));
    }
    return 0;
  }

  // From samples by group and step to samples by series, the strongest of the first step first.
  void Distribute() {
    constexpr uint32_t kNone = UINT32_MAX;
    std::vector<uint32_t> output_of(input_->series().size(), kNone);
    const bool sorted = op_ == AggregateOp::kTopK || op_ == AggregateOp::kBottomK;
    for (size_t cell = 0; cell < chosen_.size(); ++cell) {
      if (sorted) heap_.Sort(&chosen_[cell]);
      for (Chosen& one : chosen_[cell]) {
        uint32_t& output = output_of[one.series];
        if (output == kNone) {
          output = static_cast<uint32_t>(outputs_.size());
          outputs_.emplace_back();
          series_.push_back(input_->series()[one.series]);
        }
        outputs_[output].push_back({cell % grid_.count, std::move(one)});
      }
      std::vector<Chosen>().swap(chosen_[cell]);
    }
  }

  const AggregateExpr& aggregate_;
  const AggregateOp op_;
  const OperatorPtr input_;
  OperatorPtr param_operator_;
  AggregateParam param_;
  Grouping grouping_;
  const Heap heap_;
  std::vector<std::vector<Chosen>> chosen_;   // group by group, step by step
  std::vector<std::vector<Placed>> outputs_;  // as series_
  Reservation reservation_;
};

}  // namespace

OperatorPtr MakeAggregateK(ExecContext* context, const Grid& grid, const AggregateExpr& aggregate,
                           OperatorPtr input, OperatorPtr param) {
  return std::make_unique<AggregateK>(context, grid, aggregate, std::move(input), std::move(param));
}

}  // namespace tsdb::promql
