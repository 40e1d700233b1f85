#include "query/promql/exec/operator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"

namespace tsdb::promql {

namespace {

using Consume = std::function<Status(size_t index, Column& column)>;

// Reads batches of series on several threads, and hands them to the consumer in order: a thread
// that has read the batch whose turn it is hands it over, and then those behind it that are ready.
// Nobody waits for a batch to be done but who is too far ahead.
class BatchReader {
 public:
  // `order` empty: as they come. All must outlive the reader.
  BatchReader(ExecContext* context, Operator* input, const std::vector<uint32_t>& order,
              const Consume& consume)
      : context_(context),
        input_(input),
        order_(order),
        consume_(consume),
        count_(input->series().size()),
        batch_(std::clamp<size_t>(kBatchSamples / std::max<size_t>(input->grid().count, 1),
                                  kMinBatch, kMaxBatch)),
        slots_(kAhead) {}

  Status Run() {
    if (context_->pool == nullptr || count_ < 4) return RunAlone();
    RETURN_IF_ERROR(context_->ParallelFor((count_ + batch_ - 1) / batch_, [this](size_t batch) {
      Work(batch);
      return Status::Ok();
    }));
    const MutexLock lock(mutex_);
    return result_;
  }

 private:
  // A batch is large enough that handing it over does not show, and those ahead are few enough to
  // stay in the cache.
  static constexpr size_t kMinBatch = 4;
  static constexpr size_t kMaxBatch = 128;
  static constexpr size_t kBatchSamples = 4096;
  static constexpr size_t kAhead = 8;

  struct Slot {
    std::vector<Column> columns;
    Status status;
    bool ready = false;
  };

  size_t At(size_t i) const { return order_.empty() ? i : order_[i]; }

  Status RunAlone() {
    ScratchColumn column;
    for (size_t i = 0; i < count_; ++i) {
      RETURN_IF_ERROR(input_->Read(At(i), column.get()));
      RETURN_IF_ERROR(consume_(At(i), *column));
    }
    return Status::Ok();
  }

  void Work(size_t batch) {
    if (!WaitForTurn(batch)) return;
    Slot& slot = slots_[batch % kAhead];  // this thread's until it is ready
    slot.status = Read(batch, &slot.columns);
    MutexLock lock(mutex_);
    slot.ready = true;
    if (is_consuming_) return;
    is_consuming_ = true;
    while (result_.ok() && slots_[consumed_ % kAhead].ready) {
      Slot& next = slots_[consumed_ % kAhead];
      mutex_.unlock();
      Status status = next.status.ok() ? HandOver(consumed_, &next.columns) : next.status;
      mutex_.lock();
      if (!status.ok()) result_ = std::move(status);
      next.ready = false;
      ++consumed_;
      has_consumed_.NotifyAll();
    }
    is_consuming_ = false;
  }

  // False when there is no need to go on. Whoever reads the batch whose turn it is never waits.
  bool WaitForTurn(size_t batch) {
    MutexLock lock(mutex_);
    while (result_.ok() && batch >= consumed_ + kAhead) has_consumed_.Wait(mutex_);
    return result_.ok();
  }

  Status Read(size_t batch, std::vector<Column>* columns) {
    RETURN_IF_ERROR(context_->CheckCancelled());
    const size_t begin = batch * batch_;
    columns->resize(std::min(batch_, count_ - begin));
    for (size_t i = 0; i < columns->size(); ++i) {
      RETURN_IF_ERROR(input_->Read(At(begin + i), &(*columns)[i]));
    }
    return Status::Ok();
  }

  Status HandOver(size_t batch, std::vector<Column>* columns) {
    for (size_t i = 0; i < columns->size(); ++i) {
      RETURN_IF_ERROR(consume_(At(batch * batch_ + i), (*columns)[i]));
    }
    return Status::Ok();
  }

  ExecContext* const context_;
  Operator* const input_;
  const std::vector<uint32_t>& order_;
  const Consume& consume_;
  const size_t count_;
  const size_t batch_;
  Mutex mutex_;
  CondVar has_consumed_;
  std::vector<Slot> slots_;  // a ring by batch; each one's `ready` is guarded by mutex_
  size_t consumed_ = 0;      // batches; changed by who consumes, with the mutex
  bool is_consuming_ GUARDED_BY(mutex_) = false;
  Status result_ GUARDED_BY(mutex_);  // the first error in order
};

}  // namespace

Status ReadInOrder(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  const std::vector<uint32_t> as_they_come;
  return BatchReader(context, input, as_they_come, consume).Run();
}

Status ReadCheaply(ExecContext* context, Operator* input,
                   const std::function<Status(size_t index, Column& column)>& consume) {
  const std::vector<uint32_t> order = input->ReadOrder();
  return BatchReader(context, input, order, consume).Run();
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
