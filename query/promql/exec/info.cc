// Semantics: Prometheus' promql/info.go. Info series are those that match the second argument
// (target_info without one) and agree with a base series in `instance` and `job`; of several, the
// one with the newest sample counts. Which of them applies may change from step to step, so results
// are made step by step.
#include "query/promql/exec/info.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "query/promql/exec/instant_selector.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/exec/output_series.h"

namespace tsdb::promql {
namespace {

constexpr std::string_view kIdentifyingLabels[] = {"instance", "job"};
constexpr uint32_t kNone = UINT32_MAX;

std::string QuoteRegex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// The matchers of the info metrics' names that count. Negative ones alone select among all *_info.
Matchers EffectiveNameMatchers(const Matchers& names) {
  for (const Matcher& m : names) {
    if (m.type() == MatchType::kEqual || m.type() == MatchType::kRegex) return names;
  }
  Matchers out;
  if (names.empty()) {
    out.emplace_back(MatchType::kEqual, std::string(kMetricName), "target_info");
  } else {
    out.emplace_back(MatchType::kRegex, std::string(kMetricName), ".+_info");
  }
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

// The time that the first selector in `expr` refers to: that of the innermost @ around it, shifted
// by the offsets up to there.
TimeShift ReferenceTime(const Expr& expr) {
  TimeShift shift;
  bool found = false;
  Walk(expr, [&](const Expr& node, const Path& path) {
    const auto* selector = As<VectorSelector>(node);
    if (selector == nullptr || found) return;
    found = true;
    shift = {selector->time.at_ms, selector->time.offset_ms};
    for (auto it = path.rbegin(); it != path.rend() && !shift.at_ms.has_value(); ++it) {
      const auto* subquery = As<SubqueryExpr>(**it);
      if (subquery == nullptr) continue;
      shift.offset_ms += subquery->time.offset_ms;
      shift.at_ms = subquery->time.at_ms;
    }
  });
  return shift;
}

class Info final : public Operator {
 public:
  Info(ExecContext* context, SelectionCache* selections, const Grid& grid, const Call& call,
       OperatorPtr base)
      : Operator(context, grid),
        selections_(selections),
        call_(call),
        view_(context->delayed_names()),
        base_(std::move(base)),
        reservation_(&context->budget) {}

  Status Prepare() override {
    RETURN_IF_ERROR(base_->Prepare());
    RETURN_IF_ERROR(Load(base_.get(), &base_columns_));
    ReadMatchers();
    FindIgnored();
    RETURN_IF_ERROR(LoadInfo());
    GroupInfo();
    for (size_t step = 0; step < grid_.count; ++step) RETURN_IF_ERROR(ComputeStep(step));
    for (const auto& output : outputs_) series_.push_back({&output->labels, output->drop_name});
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    std::swap(*out, outputs_[index]->column);
    return Status::Ok();
  }

 private:
  struct Output {
    Labels labels;
    bool drop_name = false;
    Column column;
  };
  // Info series of one metric and one target.
  struct InfoGroup {
    std::vector<uint32_t> series;
    uint32_t newest = kNone;  // at the step that is computed
  };

  Status Load(Operator* from, std::vector<Column>* columns) {
    columns->resize(from->series().size());
    return ReadInOrder(context_, from, [&](size_t series, Column& column) {
      (*columns)[series] = column;
      return reservation_.Add(column.SampleCount());
    });
  }

  void ReadMatchers() {
    if (call_.args.size() < 2) return;
    const auto* selector = As<VectorSelector>(*call_.args[1]);
    for (const Matcher& m : selector->matchers) {
      if (m.name() == kMetricName) {
        name_matchers_.push_back(m);
      } else {
        data_matchers_[m.name()].push_back(m);
      }
    }
  }

  // Info series are not enriched themselves.
  void FindIgnored() {
    const Matchers names = EffectiveNameMatchers(name_matchers_);
    for (const SeriesRef& series : base_->series()) {
      const std::string_view name = view_.Get(series, kMetricName);
      ignored_.push_back(std::all_of(names.begin(), names.end(),
                                     [&](const Matcher& m) { return m.Matches(name); }));
    }
  }

  Status LoadInfo() {
    std::map<std::string_view, std::set<std::string_view>> values;
    for (size_t i = 0; i < base_columns_.size(); ++i) {
      if (ignored_[i] || !base_columns_[i].AnySample()) continue;
      for (const std::string_view label : kIdentifyingLabels) {
        const std::string_view value = view_.Get(base_->series()[i], label);
        if (!value.empty()) values[label].insert(value);
      }
    }
    if (values.empty()) return Status::Ok();
    Matchers matchers;
    for (const auto& [label, alternatives] : values) {
      std::string pattern;
      for (const std::string_view value : alternatives) {
        if (!pattern.empty()) pattern += '|';
        pattern += QuoteRegex(value);
      }
      ASSIGN_OR_RETURN(Matcher matcher,
                       Matcher::Create(MatchType::kRegex, std::string(label), pattern));
      matchers.push_back(std::move(matcher));
    }
    for (const auto& [label, some] : data_matchers_) {
      matchers.insert(matchers.end(), some.begin(), some.end());
    }
    const Matchers names = EffectiveNameMatchers(name_matchers_);
    matchers.insert(matchers.end(), names.begin(), names.end());
    info_ = MakeInfoSelector(context_, selections_, grid_, std::move(matchers),
                             ReferenceTime(*call_.args[0]));
    RETURN_IF_ERROR(info_->Prepare());
    return Load(info_.get(), &info_columns_);
  }

  // What identifies the info series of metric `name` that belong to a series' target.
  std::string TargetKey(const SeriesRef& series, std::string_view name) const {
    std::string key(name);
    for (const std::string_view label : kIdentifyingLabels) {
      key += '\xff';
      key += view_.Get(series, label);
    }
    return key;
  }

  void GroupInfo() {
    if (info_ == nullptr) return;
    std::unordered_map<std::string, uint32_t> index_of;
    std::set<std::string_view> names;
    for (uint32_t i = 0; i < info_->series().size(); ++i) {
      if (!info_columns_[i].AnySample()) continue;
      // The labels as stored: timestamps of a selector are marked to drop the name.
      const SeriesRef series{info_->series()[i].labels, false};
      names.insert(series.labels->metric_name());
      const auto [it, inserted] = index_of.try_emplace(
          TargetKey(series, series.labels->metric_name()), static_cast<uint32_t>(groups_.size()));
      if (inserted) groups_.emplace_back();
      groups_[it->second].series.push_back(i);
    }
    groups_of_base_.resize(base_->series().size());
    for (size_t i = 0; i < groups_of_base_.size(); ++i) {
      for (const std::string_view name : names) {
        const auto it = index_of.find(TargetKey(base_->series()[i], name));
        if (it != index_of.end()) groups_of_base_[i].push_back(it->second);
      }
    }
  }

  Status ComputeStep(size_t step) {
    bool any_base = false;
    for (const Column& column : base_columns_) any_base |= column.has(step);
    if (!any_base) return Status::Ok();
    for (InfoGroup& group : groups_) RETURN_IF_ERROR(FindNewest(step, &group));
    for (uint32_t i = 0; i < base_columns_.size(); ++i) {
      if (!base_columns_[i].has(step)) continue;
      uint32_t output = kNone;
      RETURN_IF_ERROR(FindOutput(i, &output));
      if (output == kNone) continue;
      Column& column = outputs_[output]->column;
      if (column.has(step)) return DuplicateLabelsError();
      column.Copy(step, base_columns_[i], step);
    }
    return Status::Ok();
  }

  Status FindNewest(size_t step, InfoGroup* group) const {
    group->newest = kNone;
    for (const uint32_t series : group->series) {
      if (!info_columns_[series].has(step)) continue;
      if (group->newest != kNone) {
        const double known = info_columns_[group->newest].values[step];
        const double time = info_columns_[series].values[step];
        if (known > time) continue;
        if (known == time) {
          const auto describe = [&](uint32_t s) {
            return BracedLabels(*info_->series()[s].labels) + " @ " +
                   std::to_string(static_cast<int64_t>(time * 1000 + 0.5));
          };
          return FailedPrecondition("found duplicate series for info metric: existing " +
                                    describe(group->newest) + ", new " + describe(series));
        }
      }
      group->newest = series;
    }
    return Status::Ok();
  }

  // The output for base series `index` with the info series of this step, or kNone when it is
  // dropped.
  Status FindOutput(uint32_t index, uint32_t* output) {
    std::vector<uint32_t> infos;
    if (!ignored_[index] && !groups_of_base_.empty()) {
      for (const uint32_t group : groups_of_base_[index]) {
        if (groups_[group].newest != kNone) infos.push_back(groups_[group].newest);
      }
    }
    std::string key = std::to_string(index);
    for (const uint32_t info : infos) key += "," + std::to_string(info);
    if (const auto it = output_of_.find(key); it != output_of_.end()) {
      *output = it->second;
      return Status::Ok();
    }
    *output = kNone;
    if (ignored_[index] || !infos.empty() || MatchersMatchEmpty()) {
      Labels labels;
      RETURN_IF_ERROR(EnrichedLabels(base_->series()[index], infos, &labels));
      *output = OutputFor(std::move(labels), base_->series()[index]);
    }
    output_of_.emplace(std::move(key), *output);
    return Status::Ok();
  }

  bool MatchersMatchEmpty() const {
    for (const auto& [label, matchers] : data_matchers_) {
      for (const Matcher& m : matchers) {
        if (!m.MatchesEmpty()) return false;
      }
    }
    return true;
  }

  Status EnrichedLabels(const SeriesRef& base, const std::vector<uint32_t>& infos,
                        Labels* labels) const {
    *labels = view_.Copy(base);
    const Labels original = *labels;
    Labels added;
    for (const uint32_t info : infos) {
      for (const Label& label : *info_->series()[info].labels) {
        if (label.name == kMetricName) continue;
        if (!data_matchers_.empty() && !data_matchers_.contains(label.name)) continue;
        const std::string_view known = added.Get(label.name);
        if (!known.empty() && known != label.value) {
          return FailedPrecondition("conflicting label: " + label.name);
        }
        if (original.Has(label.name)) continue;
        added.Set(label.name, label.value);
      }
    }
    for (const Label& label : added) labels->Set(label.name, label.value);
    return Status::Ok();
  }

  uint32_t OutputFor(Labels labels, const SeriesRef& base) {
    const auto [it, inserted] =
        output_of_labels_.try_emplace(labels.Hash(), static_cast<uint32_t>(outputs_.size()));
    if (inserted) {
      auto output = std::make_unique<Output>();
      output->labels = std::move(labels);
      output->drop_name = base.drop_name && context_->delayed_names();
      output->column.Reset(grid_.count);
      outputs_.push_back(std::move(output));
    }
    return it->second;
  }

  SelectionCache* const selections_;
  const Call& call_;
  const LabelsView view_;
  const OperatorPtr base_;
  OperatorPtr info_;  // null when no base series has a target
  Matchers name_matchers_;
  std::map<std::string, Matchers> data_matchers_;  // by label
  std::vector<Column> base_columns_;
  std::vector<Column> info_columns_;  // times of the samples, in seconds
  std::vector<bool> ignored_;
  std::vector<InfoGroup> groups_;
  std::vector<std::vector<uint32_t>> groups_of_base_;
  std::unordered_map<std::string, uint32_t> output_of_;
  std::unordered_map<Hash128, uint32_t> output_of_labels_;
  std::vector<std::unique_ptr<Output>> outputs_;
  Reservation reservation_;
};

}  // namespace

OperatorPtr MakeInfo(ExecContext* context, SelectionCache* selections, const Grid& grid,
                     const Call& call, OperatorPtr base) {
  return std::make_unique<Info>(context, selections, grid, call, std::move(base));
}

}  // namespace tsdb::promql
