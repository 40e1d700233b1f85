// InfluxDB's users, their passwords and grants; durable in the state store. Passwords are kept as
// argon2id hashes; what proved right is remembered as a keyed digest, so that a reporter that
// writes every few seconds costs one look-up. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "query/influxql/user_directory.h"
#include "storage/interface.h"

namespace tsdb::server {

class InfluxUsers : public influxql::UserDirectory {
 public:
  using Privilege = influxql::Privilege;

  // `state` is borrowed. Reads who is stored.
  static Result<std::unique_ptr<InfluxUsers>> Open(storage::StateStore* state);

  // Whether somebody can administer. Without, only the first administrator can be created.
  bool HasAdmin() const;
  bool empty() const;
  // Whether the password is the user's. An unknown user takes as long as a wrong password.
  bool Verify(std::string_view name, std::string_view password) const;
  bool IsAdmin(std::string_view name) const;
  bool Exists(std::string_view name) const;
  // Administrators may do everything, others what was granted. A privilege of kNone is everybody's.
  bool May(std::string_view name, Privilege privilege, std::string_view database) const;

  std::vector<User> List() const override;  // in order of creation
  Status Create(std::string_view name, std::string_view password, bool admin) override;
  Status Drop(std::string_view name) override;
  Status SetPassword(std::string_view name, std::string_view password) override;
  Status SetAdmin(std::string_view name, bool admin) override;
  Status SetPrivilege(std::string_view user, std::string_view database,
                      Privilege privilege) override;
  Result<Privilege> PrivilegeOn(std::string_view user, std::string_view database) const override;
  Result<std::vector<std::pair<std::string, Privilege>>> Grants(
      std::string_view user) const override;
  Status ForgetDatabase(std::string_view database) override;

 private:
  struct Account {
    uint64_t number = 0;  // of the key; order of creation
    std::string name;
    std::string hash;
    bool admin = false;
    std::map<std::string, Privilege, std::less<>> grants;
  };
  explicit InfluxUsers(storage::StateStore* state);
  Status Load();
  const Account* Find(std::string_view name) const SHARED_LOCKS_REQUIRED(mutex_);
  Status Save(const Account& account) EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Status Change(std::string_view name, const std::function<void(Account*)>& change);
  // Slow on purpose; at most two at a time, so that guessing costs the guesser and not the server.
  bool SlowVerify(const std::string& hash, std::string_view password) const;
  std::string DigestOf(std::string_view name, std::string_view password,
                       std::string_view hash) const;

  storage::StateStore* const state_;
  std::string secret_;  // of this process: keys the digests
  mutable SharedMutex mutex_;
  std::vector<Account> accounts_ GUARDED_BY(mutex_);
  uint64_t next_number_ GUARDED_BY(mutex_) = 1;

  mutable Mutex proven_mutex_;
  mutable std::unordered_set<std::string> proven_ GUARDED_BY(proven_mutex_);
  mutable Mutex slow_mutex_;
  mutable CondVar slow_done_;
  mutable int slow_running_ GUARDED_BY(slow_mutex_) = 0;
};

}  // namespace tsdb::server
