#include "query/influxql/stored_queries.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"

namespace tsdb::influxql {
namespace {

constexpr std::string_view kQueryPrefix = "influxql/cq/";
constexpr std::string_view kSubscriptionPrefix = "influxql/subscription/";

// Numbers of fixed width, so that keys sort in order of creation.
std::string KeyOf(std::string_view prefix, uint64_t number) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%016llu", static_cast<unsigned long long>(number));
  return std::string(prefix) + digits;
}

std::string Encode(const StoredQuery& query) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("database").String(query.database);
  json.Key("name").String(query.name).Key("query").String(query.query);
  json.Key("last_run_ns").Int(query.last_run_ns).EndObject();
  return out;
}

std::string Encode(const Subscription& subscription) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("database").String(subscription.database);
  json.Key("policy").String(subscription.policy).Key("name").String(subscription.name);
  json.Key("mode").String(subscription.mode).Key("destinations").BeginArray();
  for (const std::string& destination : subscription.destinations) json.String(destination);
  json.EndArray().EndObject();
  return out;
}

// udp://, http:// or https://, and a host with a port.
bool IsDestination(std::string_view url) {
  const size_t colon = std::min(url.find("://"), url.size());
  const std::string scheme = ToLower(url.substr(0, colon));
  if (scheme != "udp" && scheme != "http" && scheme != "https") return false;
  std::string_view host = url.substr(std::min(colon + 3, url.size()));
  host = host.substr(0, host.find_first_of("/?#"));
  const size_t port = host.rfind(':');
  if (port == std::string_view::npos || port + 1 == host.size()) return false;
  return host.find_first_not_of("0123456789", port + 1) == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<StoredQueries>> StoredQueries::Open(storage::StateStore* state) {
  std::unique_ptr<StoredQueries> stored(new StoredQueries(state));
  RETURN_IF_ERROR(stored->Load());
  return stored;
}

Status StoredQueries::Load() {
  const MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto queries, state_->Scan(kQueryPrefix));
  for (const auto& [key, value] : queries) {
    ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(value));
    Numbered one;
    one.number = ParseUint64(std::string_view(key).substr(kQueryPrefix.size())).value_or(0);
    one.query.database = json.StringOr("database", "");
    one.query.name = json.StringOr("name", "");
    one.query.query = json.StringOr("query", "");
    if (json.Find("last_run_ns").is_number()) {
      one.query.last_run_ns = ParseInt64(json.Find("last_run_ns").text()).value_or(0);
    }
    next_number_ = std::max(next_number_, one.number + 1);
    queries_.push_back(std::move(one));
  }
  ASSIGN_OR_RETURN(const auto subscriptions, state_->Scan(kSubscriptionPrefix));
  for (const auto& [key, value] : subscriptions) {
    ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(value));
    NumberedSubscription one;
    one.number = ParseUint64(std::string_view(key).substr(kSubscriptionPrefix.size())).value_or(0);
    one.subscription.database = json.StringOr("database", "");
    one.subscription.policy = json.StringOr("policy", "");
    one.subscription.name = json.StringOr("name", "");
    one.subscription.mode = json.StringOr("mode", "");
    for (const JsonValue& destination : json.Find("destinations").array()) {
      one.subscription.destinations.push_back(destination.text());
    }
    next_number_ = std::max(next_number_, one.number + 1);
    subscriptions_.push_back(std::move(one));
  }
  return Status::Ok();
}

std::vector<StoredQuery> StoredQueries::List() const {
  const MutexLock lock(mutex_);
  std::vector<StoredQuery> list;
  for (const Numbered& one : queries_) list.push_back(one.query);
  return list;
}

Status StoredQueries::Create(std::string_view database, std::string_view name,
                             std::string_view query) {
  const MutexLock lock(mutex_);
  for (const Numbered& one : queries_) {
    if (one.query.database != database || one.query.name != name) continue;
    if (one.query.query == query) return Status::Ok();
    return AlreadyExists("continuous query already exists");
  }
  Numbered one;
  one.number = next_number_++;
  one.query.database = database;
  one.query.name = name;
  one.query.query = query;
  RETURN_IF_ERROR(state_->Apply({{KeyOf(kQueryPrefix, one.number), Encode(one.query)}}));
  queries_.push_back(std::move(one));
  return Status::Ok();
}

Status StoredQueries::Drop(std::string_view database, std::string_view name) {
  const MutexLock lock(mutex_);
  const auto found = std::find_if(queries_.begin(), queries_.end(), [&](const Numbered& one) {
    return one.query.database == database && one.query.name == name;
  });
  if (found == queries_.end()) return Status::Ok();
  RETURN_IF_ERROR(state_->Apply({{KeyOf(kQueryPrefix, found->number), std::nullopt}}));
  queries_.erase(found);
  return Status::Ok();
}

Status StoredQueries::NoteRun(std::string_view database, std::string_view name, int64_t time_ns) {
  const MutexLock lock(mutex_);
  for (Numbered& one : queries_) {
    if (one.query.database != database || one.query.name != name) continue;
    one.query.last_run_ns = time_ns;
    return state_->Apply({{KeyOf(kQueryPrefix, one.number), Encode(one.query)}});
  }
  return Status::Ok();  // dropped meanwhile
}

std::vector<Subscription> StoredQueries::Subscriptions() const {
  const MutexLock lock(mutex_);
  std::vector<Subscription> list;
  for (const NumberedSubscription& one : subscriptions_) list.push_back(one.subscription);
  return list;
}

Status StoredQueries::CreateSubscription(const Subscription& subscription) {
  for (const std::string& destination : subscription.destinations) {
    if (!IsDestination(destination)) {
      return InvalidArgument("invalid subscription URL: " + destination);
    }
  }
  const MutexLock lock(mutex_);
  for (const NumberedSubscription& one : subscriptions_) {
    if (one.subscription.database == subscription.database &&
        one.subscription.policy == subscription.policy &&
        one.subscription.name == subscription.name) {
      return AlreadyExists("subscription already exists");
    }
  }
  const uint64_t number = next_number_++;
  RETURN_IF_ERROR(state_->Apply({{KeyOf(kSubscriptionPrefix, number), Encode(subscription)}}));
  subscriptions_.push_back({number, subscription});
  return Status::Ok();
}

Status StoredQueries::DropSubscription(std::string_view database, std::string_view policy,
                                       std::string_view name) {
  const MutexLock lock(mutex_);
  const auto found = std::find_if(
      subscriptions_.begin(), subscriptions_.end(), [&](const NumberedSubscription& one) {
        return one.subscription.database == database && one.subscription.policy == policy &&
               one.subscription.name == name;
      });
  if (found == subscriptions_.end()) return NotFound("subscription not found");
  RETURN_IF_ERROR(state_->Apply({{KeyOf(kSubscriptionPrefix, found->number), std::nullopt}}));
  subscriptions_.erase(found);
  return Status::Ok();
}

Status StoredQueries::ForgetDatabase(std::string_view database) {
  const MutexLock lock(mutex_);
  std::vector<storage::StateStore::Change> changes;
  for (const Numbered& one : queries_) {
    if (one.query.database == database) {
      changes.push_back({KeyOf(kQueryPrefix, one.number), std::nullopt});
    }
  }
  for (const NumberedSubscription& one : subscriptions_) {
    if (one.subscription.database == database) {
      changes.push_back({KeyOf(kSubscriptionPrefix, one.number), std::nullopt});
    }
  }
  if (changes.empty()) return Status::Ok();
  RETURN_IF_ERROR(state_->Apply(changes));
  std::erase_if(queries_, [&](const Numbered& one) { return one.query.database == database; });
  std::erase_if(subscriptions_, [&](const NumberedSubscription& one) {
    return one.subscription.database == database;
  });
  return Status::Ok();
}

}  // namespace tsdb::influxql
