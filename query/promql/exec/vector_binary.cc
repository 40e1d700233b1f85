// Semantics: Prometheus' promql/engine.go (VectorBinop, resultMetric). One side is the "one" side:
// at any step it has at most one sample in a match group. The other is the "many" side.
//
// Most match groups are simple: one series on the one side, and no two results with the same
// labels. Their results are computed when they are read, the one side held in memory if several
// need it. All other groups (series that succeed each other, fill values) are computed up front,
// step by step, with Prometheus' checks for duplicates.
#include "query/promql/exec/vector_binary.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "query/promql/exec/binary_sample.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/matching.h"
#include "query/promql/exec/output_series.h"
#include "query/promql/exec/scalars.h"

namespace tsdb::promql {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

class VectorBinary final : public Operator {
 public:
  VectorBinary(ExecContext* context, const Grid& grid, const BinaryExpr& binary, OperatorPtr lhs,
               OperatorPtr rhs)
      : Operator(context, grid),
        binary_(binary),
        matching_(*binary.matching),
        one_to_one_(matching_.cardinality == MatchCardinality::kOneToOne),
        swapped_(matching_.cardinality == MatchCardinality::kOneToMany),
        has_fill_(matching_.fill_left.has_value() || matching_.fill_right.has_value()),
        view_(context->delayed_names()),
        many_(std::move(swapped_ ? rhs : lhs)),
        one_(std::move(swapped_ ? lhs : rhs)),
        groups_(context->delayed_names(), matching_),
        reservation_(&context->budget) {}

  Status Prepare() override {
    // The left side first, as everywhere.
    RETURN_IF_ERROR((swapped_ ? one_ : many_)->Prepare());
    RETURN_IF_ERROR((swapped_ ? many_ : one_)->Prepare());
    groups_.Assign(many_->series(), one_->series());
    states_.resize(groups_.groups().size());
    one_columns_.resize(one_->series().size());
    many_columns_.resize(many_->series().size());
    FindOutputs();
    RETURN_IF_ERROR(LoadOneSide());
    RETURN_IF_ERROR(CheckOneSide());
    for (size_t g = 0; g < states_.size(); ++g) {
      if (states_[g].complex) RETURN_IF_ERROR(ComputeGroup(g));
    }
    PublishSeries();
    return ReadUnmatched();
  }

  Status Read(size_t index, Column* out) override {
    Output& output = outputs_[index];
    if (output.computed != nullptr) {
      std::swap(*out, *output.computed);
    } else if (output.simple.size() == 1) {
      return ReadSimple(output.simple[0], out);
    } else {
      out->Reset(grid_.count);
    }
    ScratchColumn column;
    for (const uint32_t many : output.simple) {
      RETURN_IF_ERROR(ReadSimple(many, column.get()));
      RETURN_IF_ERROR(OutputSeries::Merge(OutputSeries::Overlap::kPerStep, *column, out));
    }
    return Status::Ok();
  }

 private:
  using Group = MatchGroups::Group;

  struct Output {
    Labels labels;
    std::vector<uint32_t> simple;      // series of the many side in simple groups
    std::unique_ptr<Column> computed;  // what complex groups have given
  };
  struct GroupState {
    bool complex = false;
    bool shared = false;  // the one side is held in memory
  };

  // ---- labels

  Labels ResultLabels(const SeriesRef& many, const SeriesRef* one) const {
    Labels labels = view_.Copy(many);
    const bool drop_at_once = binary_.return_bool && !context_->delayed_names();
    if (drop_at_once || ChangesMetric(binary_.op)) labels = WithoutMetadata(labels);
    if (one_to_one_) {
      labels = matching_.on ? labels.Keep(matching_.labels) : labels.Without(matching_.labels);
    }
    for (const std::string& name : matching_.include) {
      labels.Set(name, one != nullptr ? view_.Get(*one, name) : std::string_view());
    }
    return labels;
  }

  uint32_t OutputFor(Labels labels) {
    const Hash128 key = labels.Hash();
    const auto [it, inserted] = output_of_.try_emplace(key, static_cast<uint32_t>(outputs_.size()));
    if (inserted) {
      outputs_.emplace_back();
      outputs_.back().labels = std::move(labels);
    }
    return it->second;
  }

  // ---- planning

  // Simple groups get their outputs here, complex ones while they are computed.
  void FindOutputs() {
    const std::vector<Group>& groups = groups_.groups();
    for (size_t g = 0; g < groups.size(); ++g) {
      const Group& group = groups[g];
      states_[g].complex = has_fill_ ? !(group.left.empty() && group.right.empty())
                                     : !group.left.empty() && group.right.size() > 1;
      if (one_to_one_ && group.left.size() > 1 && !group.right.empty()) states_[g].complex = true;
      states_[g].shared = group.left.size() > 1 || group.right.size() > 1 || has_fill_;
    }
    // Two results with the same labels from one group make it complex.
    std::vector<uint32_t> outputs(many_->series().size(), kNone);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const uint32_t g = groups_.group_of_left(i);
      if (states_[g].complex || groups[g].right.empty()) continue;
      const SeriesRef& one = one_->series()[groups[g].right[0]];
      const uint32_t output = OutputFor(ResultLabels(many_->series()[i], &one));
      std::vector<uint32_t>& simple = outputs_[output].simple;
      if (!simple.empty() && groups_.group_of_left(simple.back()) == g) states_[g].complex = true;
      simple.push_back(static_cast<uint32_t>(i));
      outputs[i] = output;
    }
    for (Output& output : outputs_) {
      std::erase_if(output.simple,
                    [this](uint32_t many) { return states_[groups_.group_of_left(many)].complex; });
    }
  }

  // REQUIRES: all outputs are known, since the series refer to them.
  void PublishSeries() {
    const bool drop_name = binary_.return_bool && context_->delayed_names();
    for (const Output& output : outputs_) series_.push_back({&output.labels, drop_name});
  }

  // ---- the one side

  Status LoadColumn(Operator* side, uint32_t series, std::unique_ptr<Column>* column) {
    if (*column != nullptr) return Status::Ok();
    *column = std::make_unique<Column>();
    RETURN_IF_ERROR(side->Read(series, column->get()));
    return reservation_.Add((*column)->SampleCount());
  }

  Status LoadOneSide() {
    std::vector<uint32_t> wanted;
    for (size_t g = 0; g < states_.size(); ++g) {
      const Group& group = groups_.groups()[g];
      // Without a partner a single series of the one side is of no interest.
      const bool needed = states_[g].complex || group.right.size() > 1 ||
                          (states_[g].shared && !group.left.empty());
      if (needed) wanted.insert(wanted.end(), group.right.begin(), group.right.end());
    }
    std::sort(wanted.begin(), wanted.end());
    return context_->ParallelFor(wanted.size(), [&](size_t i) {
      return LoadColumn(one_.get(), wanted[i], &one_columns_[wanted[i]]);
    });
  }

  // Series without a partner give no result, but their annotations and errors count.
  Status ReadUnmatched() {
    std::vector<uint32_t> many;
    std::vector<uint32_t> one;
    for (const Group& group : groups_.groups()) {
      for (const uint32_t i : group.left) {
        if (group.right.empty() && many_columns_[i] == nullptr) many.push_back(i);
      }
      for (const uint32_t i : group.right) {
        if (group.left.empty() && one_columns_[i] == nullptr) one.push_back(i);
      }
    }
    RETURN_IF_ERROR(ReadForEffects(context_, many_.get(), many));
    return ReadForEffects(context_, one_.get(), one);
  }

  struct Conflict {
    size_t step = 0;
    uint32_t first = 0;
    uint32_t second = 0;
  };

  // No two samples of the one side in a group at a step, provided there is anything on the other
  // side.
  Status CheckOneSide() {
    std::vector<Conflict> conflicts;
    for (const Group& group : groups_.groups()) {
      if (group.right.size() < 2) continue;
      for (size_t step = 0; step < grid_.count; ++step) {
        uint32_t first = kNone;
        for (const uint32_t series : group.right) {
          if (!one_columns_[series]->has(step)) continue;
          if (first != kNone) {
            conflicts.push_back({step, first, series});
            break;
          }
          first = series;
        }
      }
    }
    if (conflicts.empty()) return Status::Ok();
    std::sort(conflicts.begin(), conflicts.end(), [](const Conflict& a, const Conflict& b) {
      return std::pair(a.step, a.second) < std::pair(b.step, b.second);
    });
    for (const Conflict& conflict : conflicts) {
      ASSIGN_OR_RETURN(const bool counts, ManySideHasSample(conflict.step));
      if (counts || has_fill_) return ConflictError(conflict);
    }
    return Status::Ok();
  }

  Result<bool> ManySideHasSample(size_t step) {
    for (uint32_t i = 0; i < many_columns_.size(); ++i) {
      RETURN_IF_ERROR(LoadColumn(many_.get(), i, &many_columns_[i]));
      if (many_columns_[i]->has(step)) return true;
    }
    return false;
  }

  Status ConflictError(const Conflict& conflict) const {
    const SeriesRef& first = one_->series()[conflict.first];
    const SeriesRef& second = one_->series()[conflict.second];
    std::string a = BracedLabels(view_.Copy(first));
    std::string b = BracedLabels(view_.Copy(second));
    if (a > b) std::swap(a, b);
    return FailedPrecondition("found duplicate series for the match group " +
                              BracedLabels(groups_.MatchingLabels(second)) + " on the " +
                              (swapped_ ? "left" : "right") + " hand-side of the operation: [" + a +
                              ", " + b +
                              "];many-to-many matching not allowed: matching labels must be unique "
                              "on one side");
  }

  // ---- simple groups

  Status ReadSimple(uint32_t many, Column* out) {
    const uint32_t g = groups_.group_of_left(many);
    const uint32_t one = groups_.groups()[g].right[0];
    ScratchColumn many_column;
    if (many_columns_[many] != nullptr) {
      *many_column = *many_columns_[many];
    } else {
      RETURN_IF_ERROR(many_->Read(many, many_column.get()));
    }
    if (one_columns_[one] != nullptr) {
      Combine(*many_column, *one_columns_[one], out);
      return Status::Ok();
    }
    ScratchColumn one_column;
    RETURN_IF_ERROR(one_->Read(one, one_column.get()));
    Combine(*many_column, *one_column, out);
    return Status::Ok();
  }

  void Combine(const Column& many, const Column& one, Column* out) {
    const Column& lhs = swapped_ ? one : many;
    const Column& rhs = swapped_ ? many : one;
    out->Reset(grid_.count);
    if (!lhs.has_histograms() && !rhs.has_histograms() && binary_.op <= BinaryOp::kDiv) {
      CombineFloats(lhs, rhs, out);
      return;
    }
    for (size_t step = 0; step < grid_.count; ++step) {
      if (!lhs.has(step) || !rhs.has(step)) continue;
      Emit(ApplyBinary(context_, binary_.op, OperandAt(lhs, step), OperandAt(rhs, step),
                       binary_.position()),
           step, out);
    }
  }

  // The arithmetic of most dashboards, in loops that the compiler can vectorize: absent samples are
  // computed as well and left absent.
  void CombineFloats(const Column& lhs, const Column& rhs, Column* out) const {
    const auto loop = [&](auto combine) {
      for (size_t i = 0; i < grid_.count; ++i) {
        out->values[i] = combine(lhs.values[i], rhs.values[i]);
        out->kinds[i] = lhs.has(i) && rhs.has(i) ? SampleKind::kFloat : SampleKind::kNone;
      }
    };
    switch (binary_.op) {
      case BinaryOp::kAdd:
        return loop([](double a, double b) { return a + b; });
      case BinaryOp::kSub:
        return loop([](double a, double b) { return a - b; });
      case BinaryOp::kMul:
        return loop([](double a, double b) { return a * b; });
      default:
        return loop([](double a, double b) { return a / b; });
    }
  }

  static Operand OperandAt(const Column& column, size_t step) {
    Operand operand;
    if (column.is_histogram(step)) {
      operand.histogram = &column.histograms[step];
    } else {
      operand.value = column.values[step];
    }
    return operand;
  }

  void Emit(BinaryOutcome outcome, size_t step, Column* out) const {
    if (!outcome.valid) return;
    if (binary_.return_bool) {
      out->SetFloat(step, outcome.keep ? 1 : 0);
    } else if (!outcome.keep) {
      return;
    } else if (outcome.histogram != nullptr) {
      out->SetHistogram(step, std::move(outcome.histogram));
    } else {
      out->SetFloat(step, outcome.value);
    }
  }

  // ---- complex groups

  // What one step of one complex group works on.
  struct StepState {
    size_t group = 0;
    size_t step = 0;
    std::vector<uint32_t> matched;  // outputs that this step has come to, whether kept or not
  };

  Status ComputeGroup(size_t g) {
    const Group& group = groups_.groups()[g];
    for (const uint32_t many : group.left) {
      RETURN_IF_ERROR(LoadColumn(many_.get(), many, &many_columns_[many]));
    }
    StepState state;
    state.group = g;
    for (state.step = 0; state.step < grid_.count; ++state.step) {
      state.matched.clear();
      RETURN_IF_ERROR(ComputeStep(group, &state));
    }
    return Status::Ok();
  }

  Status ComputeStep(const Group& group, StepState* state) {
    const size_t step = state->step;
    uint32_t one = kNone;
    for (const uint32_t series : group.right) {
      if (one_columns_[series]->has(step)) one = series;
    }
    for (const uint32_t many : group.left) {
      const Column& column = *many_columns_[many];
      if (!column.has(step)) continue;
      Operand partner;
      if (one != kNone) {
        partner = OperandAt(*one_columns_[one], step);
      } else if (matching_.fill_right.has_value()) {
        partner.value = *matching_.fill_right;
      } else {
        continue;
      }
      RETURN_IF_ERROR(ComputeSample(many, one, OperandAt(column, step), partner, state));
    }
    // A pair without a result, such as histogram ^ histogram, does not count as a match.
    if (!state->matched.empty() || one == kNone || !matching_.fill_left.has_value()) {
      return Status::Ok();
    }
    return ComputeSample(kNone, one, Operand{*matching_.fill_left, nullptr},
                         OperandAt(*one_columns_[one], step), state);
  }

  // `many` or `one` is kNone where a fill value stands for it.
  Status ComputeSample(uint32_t many, uint32_t one, const Operand& many_value,
                       const Operand& one_value, StepState* state) {
    BinaryOutcome outcome = ApplyBinary(context_, binary_.op, swapped_ ? one_value : many_value,
                                        swapped_ ? many_value : one_value, binary_.position());
    if (!outcome.valid) return Status::Ok();
    const uint32_t output = ComplexOutput(many, one);
    if (one_to_one_ && !state->matched.empty()) {
      return FailedPrecondition(
          "multiple matches for labels: many-to-one matching must be explicit "
          "(group_left/group_right)");
    }
    if (std::find(state->matched.begin(), state->matched.end(), output) != state->matched.end()) {
      return FailedPrecondition(
          "multiple matches for labels: grouping labels must ensure unique matches");
    }
    state->matched.push_back(output);
    std::unique_ptr<Column>& column = outputs_[output].computed;
    if (column == nullptr) {
      column = std::make_unique<Column>();
      column->Reset(grid_.count);
      RETURN_IF_ERROR(reservation_.Add(grid_.count));
    }
    const bool kept = outcome.keep || binary_.return_bool;
    if (kept && column->has(state->step)) return DuplicateLabelsError();
    Emit(std::move(outcome), state->step, column.get());
    return Status::Ok();
  }

  // Label sets of pairs are made once.
  uint32_t ComplexOutput(uint32_t many, uint32_t one) {
    const uint64_t key = (static_cast<uint64_t>(many) << 32) | one;
    if (const auto it = pair_outputs_.find(key); it != pair_outputs_.end()) return it->second;
    Labels many_labels;
    Labels one_labels;
    SeriesRef many_ref;
    SeriesRef one_ref;
    if (many != kNone) many_ref = many_->series()[many];
    if (one != kNone) one_ref = one_->series()[one];
    if (many == kNone) {
      many_labels = groups_.MatchingLabels(one_ref);
      many_ref = {&many_labels, false};
    }
    if (one == kNone) {
      one_labels = groups_.MatchingLabels(many_ref);
      one_ref = {&one_labels, false};
    }
    const uint32_t output = OutputFor(ResultLabels(many_ref, &one_ref));
    pair_outputs_.emplace(key, output);
    return output;
  }

  const BinaryExpr& binary_;
  const VectorMatching& matching_;
  const bool one_to_one_;
  const bool swapped_;  // the one side stands on the left
  const bool has_fill_;
  const LabelsView view_;
  const OperatorPtr many_;
  const OperatorPtr one_;
  MatchGroups groups_;  // left: many, right: one
  std::vector<GroupState> states_;
  std::vector<std::unique_ptr<Column>> one_columns_;
  std::vector<std::unique_ptr<Column>> many_columns_;
  std::vector<Output> outputs_;
  std::unordered_map<Hash128, uint32_t> output_of_;
  std::unordered_map<uint64_t, uint32_t> pair_outputs_;
  Reservation reservation_;
};

}  // namespace

OperatorPtr MakeVectorBinary(ExecContext* context, const Grid& grid, const BinaryExpr& binary,
                             OperatorPtr lhs, OperatorPtr rhs) {
  return std::make_unique<VectorBinary>(context, grid, binary, std::move(lhs), std::move(rhs));
}

}  // namespace tsdb::promql
