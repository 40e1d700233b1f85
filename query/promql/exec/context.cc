#include "query/promql/exec/context.h"

#include "base/mutex.h"

namespace tsdb::promql {

Status SampleBudget::Reserve(uint64_t count) {
  const uint64_t now = current_.fetch_add(count, std::memory_order_relaxed) + count;
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (now > peak && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return now > limit_ ? LimitError() : Status::Ok();
}

Status SampleBudget::LimitError() {
  return ResourceExhausted(
      "query processing would load too many samples into memory in query execution");
}

void SampleStats::Start(const Grid& grid, bool per_step) {
  grid_ = grid;
  if (per_step) steps_ = std::vector<std::atomic<uint64_t>>(grid.count);
}

void SampleStats::Add(const Grid& grid, size_t step, uint64_t count) {
  if (grid.counting == Grid::Counting::kNone || count == 0) return;
  if (grid.counting == Grid::Counting::kOwnStep) {
    total_.fetch_add(count, std::memory_order_relaxed);
    if (step < steps_.size()) steps_[step].fetch_add(count, std::memory_order_relaxed);
    return;
  }
  count *= grid.counts_for;
  total_.fetch_add(count * grid_.count, std::memory_order_relaxed);
  for (std::atomic<uint64_t>& each : steps_) each.fetch_add(count, std::memory_order_relaxed);
}

void SampleStats::AddTotal(const Grid& grid, uint64_t count) {
  if (grid.counting == Grid::Counting::kNone) return;
  if (grid.counting == Grid::Counting::kEveryStep) count *= grid_.count * grid.counts_for;
  total_.fetch_add(count, std::memory_order_relaxed);
}

SampleStats::Mark SampleStats::Now() const {
  Mark mark{total(), {}};
  for (const std::atomic<uint64_t>& step : steps_) {
    mark.steps.push_back(step.load(std::memory_order_relaxed));
  }
  return mark;
}

void SampleStats::Return(const Mark& mark) {
  total_.store(mark.total, std::memory_order_relaxed);
  for (size_t i = 0; i < steps_.size(); ++i) {
    steps_[i].store(mark.steps[i], std::memory_order_relaxed);
  }
}

std::vector<std::pair<int64_t, uint64_t>> SampleStats::Steps() const {
  std::vector<std::pair<int64_t, uint64_t>> out;
  out.reserve(steps_.size());
  for (size_t i = 0; i < steps_.size(); ++i) {
    out.emplace_back(grid_.At(i), steps_[i].load(std::memory_order_relaxed));
  }
  return out;
}

Status ExecContext::CheckCancelled() const {
  for (const CancelToken* token : {cancel, client_cancel}) {
    if (token == nullptr) continue;
    const Status status = token->Check();
    if (status.ok()) continue;
    if (status.code() == StatusCode::kDeadlineExceeded) {
      return DeadlineExceeded("query timed out in expression evaluation");
    }
    return Cancelled("query was canceled in expression evaluation");
  }
  return Status::Ok();
}

Status ExecContext::ParallelFor(size_t count, const std::function<Status(size_t)>& body) {
  if (pool == nullptr || count < 2) {
    for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(body(i));
    return Status::Ok();
  }
  Mutex mutex;
  size_t failed_index = count;
  Status failure;
  std::atomic<size_t> first_failed{count};
  pool->ParallelFor(count, [&](size_t i) {
    if (i > first_failed.load(std::memory_order_relaxed)) return;
    Status status = body(i);
    if (status.ok()) return;
    MutexLock lock(mutex);
    if (i < failed_index) {
      failed_index = i;
      failure = std::move(status);
      first_failed.store(i, std::memory_order_relaxed);
    }
  });
  return failure;
}

}  // namespace tsdb::promql
