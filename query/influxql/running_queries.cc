#include "query/influxql/running_queries.h"

#include <utility>

namespace tsdb::influxql {

RunningQueries::Entry::Entry(RunningQueries* list, std::string text, std::string database,
                             int64_t start_ns, CancelToken* cancel)
    : list_(list), id_(list->Add({0, std::move(text), std::move(database), start_ns}, cancel)) {}

uint64_t RunningQueries::Add(Query query, CancelToken* cancel) {
  const MutexLock lock(mutex_);
  query.id = next_id_++;
  const uint64_t id = query.id;
  queries_[id] = {std::move(query), cancel};
  return id;
}

std::vector<RunningQueries::Query> RunningQueries::List() const {
  const MutexLock lock(mutex_);
  std::vector<Query> list;
  for (const auto& [id, one] : queries_) list.push_back(one.query);
  return list;
}

Status RunningQueries::Kill(uint64_t id) {
  const MutexLock lock(mutex_);
  const auto found = queries_.find(id);
  if (found == queries_.end()) return NotFound("no such query id: " + std::to_string(id));
  found->second.cancel->Cancel(StatusCode::kCancelled);
  return Status::Ok();
}

void RunningQueries::Remove(uint64_t id) {
  const MutexLock lock(mutex_);
  queries_.erase(id);
}

}  // namespace tsdb::influxql
