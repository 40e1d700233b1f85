// sort, sort_desc, sort_by_label, sort_by_label_desc.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/promql/exec/label_function.h"
#include "query/promql/exec/labels_view.h"
#include "query/promql/functions.h"

namespace tsdb::promql {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string_view> Runs(std::string_view text) {
  std::vector<std::string_view> runs;
  size_t begin = 0;
  for (size_t i = 1; i <= text.size(); ++i) {
    if (i < text.size() && IsDigit(text[i]) == IsDigit(text[begin])) continue;
    runs.push_back(text.substr(begin, i - begin));
    begin = i;
  }
  return runs;
}

// Go's strconv.Atoi of digits.
std::optional<int64_t> NumberOf(std::string_view run) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(run.data(), run.data() + run.size(), number);
  if (run.front() == '-' || error != std::errc() || end != run.data() + run.size()) {
    return std::nullopt;
  }
  return number;
}

// Whether `a` comes before `b` when runs of digits count as numbers ("node2" before "node10"): the
// rule of github.com/facette/natsort, which Prometheus uses, with its oddities. Of an empty text
// and another neither comes first, and of two that differ in leading zeros each does.
bool NaturallyLess(std::string_view a, std::string_view b) {
  const std::vector<std::string_view> x = Runs(a);
  const std::vector<std::string_view> y = Runs(b);
  for (size_t i = 0; i < x.size(); ++i) {
    if (i >= y.size()) return false;
    const std::optional<int64_t> m = NumberOf(x[i]);
    const std::optional<int64_t> n = NumberOf(y[i]);
    const bool numbers = m.has_value() && n.has_value();
    if (numbers ? *m != *n : x[i] != y[i]) return numbers ? *m < *n : x[i] < y[i];
    if (i + 1 == x.size()) return true;
    if (i + 1 == y.size()) return false;
  }
  return false;
}

class Sort final : public Operator {
 public:
  Sort(ExecContext* context, const Grid& grid, const Call& call, OperatorPtr input)
      : Operator(context, grid),
        call_(call),
        by_label_(call.function->name.starts_with("sort_by_label")),
        descending_(call.function->name.ends_with("_desc")),
        input_(std::move(input)),
        reservation_(&context->budget) {}

  Status Prepare() override {
    RETURN_IF_ERROR(input_->Prepare());
    series_ = input_->series();
    order_.resize(series_.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    if (!grid_.is_instant()) {
      context_->annotations.SortInRangeQuery(call_.position());
      return Status::Ok();
    }
    columns_.resize(series_.size());
    RETURN_IF_ERROR(ReadInOrder(context_, input_.get(), [this](size_t series, Column& column) {
      columns_[series] = column;
      return reservation_.Add(column.SampleCount());
    }));
    if (by_label_) {
      SortByLabels();
    } else {
      SortByValue();
    }
    std::vector<SeriesRef> sorted;
    for (const size_t i : order_) sorted.push_back(input_->series()[i]);
    series_ = std::move(sorted);
    return Status::Ok();
  }

  Status Read(size_t index, Column* out) override {
    if (columns_.empty()) {
      RETURN_IF_ERROR(input_->Read(order_[index], out));
    } else {
      std::swap(*out, columns_[order_[index]]);
    }
    if (by_label_) return Status::Ok();
    // Only floats have an order.
    for (size_t step = 0; step < grid_.count; ++step) {
      if (out->is_histogram(step)) out->Clear(step);
    }
    return Status::Ok();
  }

 private:
  void SortByValue() {
    // A series without a float has no place in the order, and must not give its place to another
    // that shows the same labels once names are removed.
    std::erase_if(order_, [this](size_t i) { return !columns_[i].is_float(0); });
    // NaN is last, whichever way.
    std::stable_sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      const double x = columns_[a].values[0];
      const double y = columns_[b].values[0];
      if (std::isnan(x)) return false;
      if (std::isnan(y)) return true;
      return descending_ ? x > y : x < y;
    });
  }

  // Below zero when series `a` comes first, above when `b` does.
  int CompareLabels(size_t a, size_t b) const {
    const LabelsView view(context_->delayed_names());
    const SeriesRef& x = input_->series()[a];
    const SeriesRef& y = input_->series()[b];
    for (size_t i = 1; i < call_.args.size(); ++i) {
      const std::string& name = As<StringLiteral>(*call_.args[i])->value;
      const std::string_view p = view.Get(x, name);
      const std::string_view q = view.Get(y, name);
      if (p != q) return NaturallyLess(p, q) != descending_ ? -1 : 1;
    }
    const Labels p = view.Copy(x);
    const Labels q = view.Copy(y);
    if (p == q) return 0;
    return (p < q) != descending_ ? -1 : 1;
  }

  // The order of texts is none in the strict sense, so that the algorithm shows. Up to twelve Go
  // sorts by insertion; beyond that nothing but a safe algorithm is aimed at.
  void SortByLabels() {
    std::erase_if(order_, [this](size_t i) { return !columns_[i].has(0); });
    const auto less = [this](size_t a, size_t b) { return CompareLabels(a, b) < 0; };
    constexpr size_t kInsertionLength = 12;
    if (order_.size() > kInsertionLength) {
      std::stable_sort(order_.begin(), order_.end(), less);
      return;
    }
    for (size_t i = 1; i < order_.size(); ++i) {
      for (size_t k = i; k > 0 && less(order_[k], order_[k - 1]); --k) {
        std::swap(order_[k], order_[k - 1]);
      }
    }
  }

  const Call& call_;
  const bool by_label_;
  const bool descending_;
  const OperatorPtr input_;
  std::vector<size_t> order_;
  std::vector<Column> columns_;  // of an instant query
  Reservation reservation_;
};

}  // namespace

OperatorPtr MakeSort(ExecContext* context, const Grid& grid, const Call& call, OperatorPtr vector) {
  return std::make_unique<Sort>(context, grid, call, std::move(vector));
}

}  // namespace tsdb::promql
