#include "query/promql/exec/operator.h"

#include <algorithm>

#include "base/check.h"

namespace tsdb::promql {

Status ReadInOrder(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  const size_t count = input->series().size();
  if (context->pool == nullptr || count < 4) {
    ScratchColumn column;
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(input->Read(i, column.get()));
      RETURN_IF_ERROR(consume(i, *column));
    }
    return Status::Ok();
  }
  // A batch is large enough that handing it to another thread does not show, and small enough to
  // stay in the cache.
  constexpr size_t kBatch = 64;
  std::vector<Column> columns(std::min(count, kBatch));
  for (size_t begin = 0; begin < count; begin += kBatch) {
    RETURN_IF_ERROR(context->CheckCancelled());
    const size_t size = std::min(kBatch, count - begin);
    constexpr size_t kPerTask = 8;
    const auto read_some = [&](size_t task) {
      const size_t end = std::min(size, (task + 1) * kPerTask);
      for (size_t i = task * kPerTask; i < end; ++i) {
        RETURN_IF_ERROR(input->Read(begin + i, &columns[i]));
      }
      return Status::Ok();
    };
    RETURN_IF_ERROR(context->ParallelFor((size + kPerTask - 1) / kPerTask, read_some));
    for (size_t i = 0; i < size; ++i) RETURN_IF_ERROR(consume(begin + i, columns[i]));
  }
  return Status::Ok();
}

Status ReadForEffects(ExecContext* context, Operator* input, const std::vector<uint32_t>& indexes) {
  if (input->is_silent()) return Status::Ok();
  return context->ParallelFor(indexes.size(), [&](size_t i) {
    ScratchColumn column;
    return input->Read(indexes[i], column.get());
  });
}

Status ReadScalar(Operator* input, Column* out) {
  DCHECK(input->series().size() == 1);
  return input->Read(0, out);
}

}  // namespace tsdb::promql
