// Queries on their way: SHOW QUERIES and KILL QUERY. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "base/mutex.h"
#include "base/status.h"

namespace tsdb::influxql {

class RunningQueries {
 public:
  struct Query {
    uint64_t id = 0;
    std::string text;
    std::string database;
    int64_t start_ns = 0;  // monotonic
  };
  // While this lives the query is listed; `cancel` is what a kill fires.
  class Entry {
   public:
    // `start_ns` is monotonic. What is borrowed outlives the entry.
    Entry(RunningQueries* list, std::string text, std::string database, int64_t start_ns,
          CancelToken* cancel);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { list_->Remove(id_); }

   private:
    RunningQueries* list_;
    uint64_t id_;
  };

  std::vector<Query> List() const;  // by id
  Status Kill(uint64_t id);         // "no such query id: 7"

 private:
  uint64_t Add(Query query, CancelToken* cancel);
  void Remove(uint64_t id);
  struct Listed {
    Query query;
    CancelToken* cancel = nullptr;
  };
  mutable Mutex mutex_;
  uint64_t next_id_ GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Listed> queries_ GUARDED_BY(mutex_);
};

}  // namespace tsdb::influxql
