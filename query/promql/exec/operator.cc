#include "query/promql/exec/operator.h"

#include <algorithm>

#include "base/check.h"

namespace tsdb::promql {

namespace {

// `order` empty: as they come.
Status ReadBatches(ExecContext* context, Operator* input, const std::vector<uint32_t>& order,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  const size_t count = input->series().size();
  const auto at = [&order](size_t i) { return order.empty() ? i : order[i]; };
  if (context->pool == nullptr || count < 4) {
    ScratchColumn column;
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(input->Read(at(i), column.get()));
      RETURN_IF_ERROR(consume(at(i), *column));
    }
    return Status::Ok();
  }
  // A batch is large enough that handing it to another thread does not show, and small enough to
  // stay in the cache.
  constexpr size_t kMinBatch = 64;
  constexpr size_t kMaxBatch = 1024;
  constexpr size_t kBatchSamples = 16384;
  const size_t batch =
      std::clamp(kBatchSamples / std::max<size_t>(input->grid().count, 1), kMinBatch, kMaxBatch);
  const size_t per_task = batch / 8;
  std::vector<Column> columns(std::min(count, batch));
  for (size_t begin = 0; begin < count; begin += batch) {
    RETURN_IF_ERROR(context->CheckCancelled());
    const size_t size = std::min(batch, count - begin);
    const auto read_some = [&](size_t task) {
      const size_t end = std::min(size, (task + 1) * per_task);
      for (size_t i = task * per_task; i < end; ++i) {
        RETURN_IF_ERROR(input->Read(at(begin + i), &columns[i]));
      }
      return Status::Ok();
    };
    RETURN_IF_ERROR(context->ParallelFor((size + per_task - 1) / per_task, read_some));
    for (size_t i = 0; i < size; ++i) RETURN_IF_ERROR(consume(at(begin + i), columns[i]));
  }
  return Status::Ok();
}

}  // namespace

Status ReadInOrder(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  return ReadBatches(context, input, {}, consume);
}

Status ReadCheaply(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  return ReadBatches(context, input, input->ReadOrder(), consume);
}

Status ReadForEffects(ExecContext* context, Operator* input, const std::vector<uint32_t>& indexes) {
  if (input->is_silent() && !context->exact_stats) return Status::Ok();
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
