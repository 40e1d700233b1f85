// The one interface of query execution. An operator is a tree node that knows its series up front
// and gives their samples one series at a time, so that what aggregates can consume series without
// ever holding all of them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/status.h"
#include "model/labels.h"
#include "query/promql/exec/column.h"
#include "query/promql/exec/context.h"

namespace tsdb::promql {

// A series of an operator's output. `labels` lives as long as the operator (or what it borrows
// from).
//
// `drop_name` says that __name__, __type__ and __unit__ do not belong to the result any more. They
// are still in `labels`, so that nothing is copied for it. With delayed name removal everything up
// to the query's end sees them nevertheless; without it nobody does. Only labels_view.h knows that
// difference.
struct SeriesRef {
  const Labels* labels = nullptr;
  bool drop_name = false;
};

class Operator {
 public:
  virtual ~Operator() = default;

  // Prepares the children and finds the series. Called once, by one thread, before anything else.
  virtual Status Prepare() = 0;
  // Fills `out` with the samples of series `index` on the operator's grid; there may be none.
  // Called at most once for each index (an operator that needs a series twice keeps it), for
  // different indexes from different threads at once.
  virtual Status Read(size_t index, Column* out) = 0;

  // Whether reading a series of it gives neither annotations nor errors of evaluation, so that one
  // that is not needed may stay unread.
  virtual bool is_silent() const { return false; }

  // All indexes in an order in which reading is cheapest, or empty: as they come.
  virtual std::vector<uint32_t> ReadOrder() const { return {}; }

  const std::vector<SeriesRef>& series() const { return series_; }
  const Grid& grid() const { return grid_; }

 protected:
  Operator(ExecContext* context, const Grid& grid) : context_(context), grid_(grid) {}

  ExecContext* const context_;
  const Grid grid_;
  std::vector<SeriesRef> series_;
};
using OperatorPtr = std::unique_ptr<Operator>;

// Reads every series of `input`, several at a time, and hands the columns to `consume` in order,
// one after the other, on whichever thread. Of the columns only a few batches are in memory at
// once. The first error in order, of reading or of `consume`, ends it.
Status ReadInOrder(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume);

// The same in the input's ReadOrder(), for who does not mind. It is the same again while storage
// stays as it is.
Status ReadCheaply(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume);

// Reads the series `indexes` for their annotations and errors only, and to be counted where
// somebody asks how many samples were looked at.
Status ReadForEffects(ExecContext* context, Operator* input, const std::vector<uint32_t>& indexes);

// Reads the series of a scalar expression. REQUIRES: `input` is prepared and has one series.
Status ReadScalar(Operator* input, Column* out);

}  // namespace tsdb::promql
