#include "query/promql/exec/column.h"

#include "model/histogram_math.h"

namespace tsdb::promql {

namespace {

// A column that grew for one huge query is not kept.
constexpr size_t kMaxKeptColumns = 16;
constexpr size_t kMaxKeptSteps = 65536;

std::vector<Column>& Stock() {
  thread_local std::vector<Column> stock;
  return stock;
}

}  // namespace

size_t Column::SampleCount() const {
  size_t count = 0;
  for (size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i] == SampleKind::kFloat) {
      ++count;
    } else if (kinds[i] == SampleKind::kHistogram) {
      count += HistogramSampleSize(*histograms[i]);
    }
  }
  return count;
}

ScratchColumn::ScratchColumn() {
  std::vector<Column>& stock = Stock();
  if (stock.empty()) return;
  column_ = std::move(stock.back());
  stock.pop_back();
}

ScratchColumn::~ScratchColumn() {
  std::vector<Column>& stock = Stock();
  column_.histograms.clear();
  if (stock.size() < kMaxKeptColumns && column_.values.capacity() <= kMaxKeptSteps) {
    stock.push_back(std::move(column_));
  }
}

}  // namespace tsdb::promql
