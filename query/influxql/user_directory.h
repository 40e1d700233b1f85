// InfluxDB's users as statements see them. Implemented by the server. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "query/influxql/statement.h"

namespace tsdb::influxql {

class UserDirectory {
 public:
  virtual ~UserDirectory() = default;
  struct User {
    std::string name;
    bool admin = false;
  };
  virtual std::vector<User> List() const = 0;  // by name
  // The same user once more is no error; "user already exists", "username required".
  virtual Status Create(std::string_view name, std::string_view password, bool admin) = 0;
  // "user not found", as all below.
  virtual Status Drop(std::string_view name) = 0;
  virtual Status SetPassword(std::string_view name, std::string_view password) = 0;
  virtual Status SetAdmin(std::string_view name, bool admin) = 0;
  virtual Status SetPrivilege(std::string_view user, std::string_view database,
                              Privilege privilege) = 0;
  // kNone where nothing was granted.
  virtual Result<Privilege> PrivilegeOn(std::string_view user, std::string_view database) const = 0;
  virtual Result<std::vector<std::pair<std::string, Privilege>>> Grants(
      std::string_view user) const = 0;  // by database
  // A database has gone, and with it what was granted on it.
  virtual Status ForgetDatabase(std::string_view database) = 0;
};

}  // namespace tsdb::influxql
