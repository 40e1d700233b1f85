// Continuous queries and subscriptions: what CREATE stored, per database, durable. Subscriptions
// are kept and shown; nothing is sent to them. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "storage/interface.h"

namespace tsdb::influxql {

struct StoredQuery {
  std::string database;
  std::string name;
  std::string query;        // CREATE CONTINUOUS QUERY ..., as InfluxDB prints it
  int64_t last_run_ns = 0;  // the last time it was due; 0: never
};

struct Subscription {
  std::string database;
  std::string policy;
  std::string name;
  std::string mode;
  std::vector<std::string> destinations;
};

class StoredQueries {
 public:
  // `state` is borrowed. Reads what is stored.
  static Result<std::unique_ptr<StoredQueries>> Open(storage::StateStore* state);

  std::vector<StoredQuery> List() const;  // in order of creation
  // The same query once more is no error; "continuous query already exists".
  Status Create(std::string_view database, std::string_view name, std::string_view query);
  Status Drop(std::string_view database, std::string_view name);  // unknown: OK
  // Kept so that a restart neither repeats nor skips a run.
  Status NoteRun(std::string_view database, std::string_view name, int64_t time_ns);

  std::vector<Subscription> Subscriptions() const;
  Status CreateSubscription(const Subscription& subscription);  // "subscription already exists"
  // "subscription not found"
  Status DropSubscription(std::string_view database, std::string_view policy,
                          std::string_view name);

  // A database has gone with all that belongs to it.
  Status ForgetDatabase(std::string_view database);

 private:
  explicit StoredQueries(storage::StateStore* state) : state_(state) {}
  Status Load();

  storage::StateStore* const state_;
  mutable Mutex mutex_;
  struct Numbered {
    uint64_t number = 0;
    StoredQuery query;
  };
  struct NumberedSubscription {
    uint64_t number = 0;
    Subscription subscription;
  };
  uint64_t next_number_ GUARDED_BY(mutex_) = 1;
  std::vector<Numbered> queries_ GUARDED_BY(mutex_);
  std::vector<NumberedSubscription> subscriptions_ GUARDED_BY(mutex_);
};

}  // namespace tsdb::influxql
