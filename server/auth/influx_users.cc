#include "server/auth/influx_users.h"

#include <algorithm>
#include <cstdio>
#include <functional>

#include <sodium.h>

#include "base/check.h"
#include "base/json.h"
#include "base/number.h"

namespace tsdb::server {
namespace {

using influxql::Privilege;

constexpr std::string_view kPrefix = "influxql/user/";
constexpr size_t kProvenMax = 20'000;
constexpr int kSlowMax = 2;
// OWASP's recommendation for argon2id: 19 MiB, two passes.
constexpr unsigned long long kOperations = 2;
constexpr size_t kMemoryBytes = 19ULL << 20;

std::string KeyOf(uint64_t number) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%016llu", static_cast<unsigned long long>(number));
  return std::string(kPrefix) + digits;
}

Result<std::string> HashPassword(std::string_view password) {
  char hash[crypto_pwhash_STRBYTES];
  if (crypto_pwhash_str(hash, password.data(), password.size(), kOperations, kMemoryBytes) != 0) {
    return ResourceExhausted("not enough memory to hash a password");
  }
  return std::string(hash);
}

Status UserNotFound() { return NotFound("user not found"); }

}  // namespace

InfluxUsers::InfluxUsers(storage::StateStore* state) : state_(state) {
  CHECK(sodium_init() >= 0);
  secret_.resize(crypto_generichash_KEYBYTES);
  randombytes_buf(secret_.data(), secret_.size());
}

Result<std::unique_ptr<InfluxUsers>> InfluxUsers::Open(storage::StateStore* state) {
  std::unique_ptr<InfluxUsers> users(new InfluxUsers(state));
  RETURN_IF_ERROR(users->Load());
  return users;
}

Status InfluxUsers::Load() {
  const WriterLock lock(mutex_);
  ASSIGN_OR_RETURN(const auto rows, state_->Scan(kPrefix));
  for (const auto& [key, value] : rows) {
    ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(value));
    Account account;
    account.number = ParseUint64(std::string_view(key).substr(kPrefix.size())).value_or(0);
    account.name = json.StringOr("name", "");
    account.hash = json.StringOr("hash", "");
    account.admin = json.Find("admin").is_bool() && json.Find("admin").boolean();
    for (const auto& [database, privilege] : json.Find("grants").object()) {
      const double number = privilege.is_number() ? privilege.number() : 0;
      account.grants[database] = static_cast<Privilege>(static_cast<int>(number) & 3);
    }
    next_number_ = std::max(next_number_, account.number + 1);
    accounts_.push_back(std::move(account));
  }
  return Status::Ok();
}

const InfluxUsers::Account* InfluxUsers::Find(std::string_view name) const {
  for (const Account& account : accounts_) {
    if (account.name == name) return &account;
  }
  return nullptr;
}

Status InfluxUsers::Save(const Account& account) {
  std::string out;
  JsonWriter json(&out);
  json.BeginObject().Key("name").String(account.name).Key("hash").String(account.hash);
  json.Key("admin").Bool(account.admin).Key("grants").BeginObject();
  for (const auto& [database, privilege] : account.grants) {
    json.Key(database).Int(static_cast<int64_t>(privilege));
  }
  json.EndObject().EndObject();
  return state_->Apply({{KeyOf(account.number), out}});
}

// The change is stored before it counts.
Status InfluxUsers::Change(std::string_view name, const std::function<void(Account*)>& change) {
  const WriterLock lock(mutex_);
  for (Account& account : accounts_) {
    if (account.name != name) continue;
    Account changed = account;
    change(&changed);
    RETURN_IF_ERROR(Save(changed));
    account = std::move(changed);
    return Status::Ok();
  }
  return UserNotFound();
}

bool InfluxUsers::HasAdmin() const {
  const ReaderLock lock(mutex_);
  return std::any_of(accounts_.begin(), accounts_.end(),
                     [](const Account& account) { return account.admin; });
}

bool InfluxUsers::empty() const {
  const ReaderLock lock(mutex_);
  return accounts_.empty();
}

bool InfluxUsers::IsAdmin(std::string_view name) const {
  const ReaderLock lock(mutex_);
  const Account* account = Find(name);
  return account != nullptr && account->admin;
}

bool InfluxUsers::Exists(std::string_view name) const {
  const ReaderLock lock(mutex_);
  return Find(name) != nullptr;
}

bool InfluxUsers::May(std::string_view name, Privilege privilege, std::string_view database) const {
  const ReaderLock lock(mutex_);
  const Account* account = Find(name);
  if (account == nullptr) return false;
  if (account->admin || privilege == Privilege::kNone) return true;
  const auto grant = account->grants.find(database);
  if (grant == account->grants.end()) return false;
  const auto wanted = static_cast<uint8_t>(privilege);
  return (static_cast<uint8_t>(grant->second) & wanted) == wanted;
}

std::string InfluxUsers::DigestOf(std::string_view name, std::string_view password,
                                  std::string_view hash) const {
  std::string text(name);
  text.append(1, '\0').append(password).append(1, '\0').append(hash);
  std::string digest(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()), digest.size(),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     reinterpret_cast<const unsigned char*>(secret_.data()), secret_.size());
  sodium_memzero(text.data(), text.size());
  return digest;
}

bool InfluxUsers::SlowVerify(const std::string& hash, std::string_view password) const {
  {
    const MutexLock lock(slow_mutex_);
    while (slow_running_ >= kSlowMax) slow_done_.Wait(slow_mutex_);
    ++slow_running_;
  }
  const bool right = crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
  const MutexLock lock(slow_mutex_);
  --slow_running_;
  slow_done_.NotifyOne();
  return right;
}

bool InfluxUsers::Verify(std::string_view name, std::string_view password) const {
  std::string hash;
  bool known = false;
  {
    const ReaderLock lock(mutex_);
    const Account* account = Find(name);
    known = account != nullptr;
    if (accounts_.empty()) return false;
    // An unknown name must take as long as a wrong password, so somebody's is compared.
    hash = known ? account->hash : accounts_.front().hash;
  }
  const std::string digest = DigestOf(name, password, hash);
  if (known) {
    const MutexLock lock(proven_mutex_);
    if (proven_.contains(digest)) return true;
  }
  if (!SlowVerify(hash, password) || !known) return false;
  const MutexLock lock(proven_mutex_);
  if (proven_.size() >= kProvenMax) proven_.clear();
  proven_.insert(digest);
  return true;
}

std::vector<influxql::UserDirectory::User> InfluxUsers::List() const {
  const ReaderLock lock(mutex_);
  std::vector<User> list;
  for (const Account& account : accounts_) list.push_back({account.name, account.admin});
  return list;
}

Status InfluxUsers::Create(std::string_view name, std::string_view password, bool admin) {
  if (name.empty()) return InvalidArgument("username required");
  if (Exists(name)) {
    const bool same = Verify(name, password) && IsAdmin(name) == admin;
    return same ? Status::Ok() : AlreadyExists("user already exists");
  }
  Account account;
  account.name = name;
  account.admin = admin;
  ASSIGN_OR_RETURN(account.hash, HashPassword(password));
  const WriterLock lock(mutex_);
  if (Find(name) != nullptr) return AlreadyExists("user already exists");
  account.number = next_number_++;
  RETURN_IF_ERROR(Save(account));
  accounts_.push_back(std::move(account));
  return Status::Ok();
}

Status InfluxUsers::Drop(std::string_view name) {
  const WriterLock lock(mutex_);
  const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                  [&](const Account& account) { return account.name == name; });
  if (found == accounts_.end()) return UserNotFound();
  RETURN_IF_ERROR(state_->Apply({{KeyOf(found->number), std::nullopt}}));
  accounts_.erase(found);
  return Status::Ok();
}

Status InfluxUsers::SetPassword(std::string_view name, std::string_view password) {
  ASSIGN_OR_RETURN(const std::string hash, HashPassword(password));
  return Change(name, [&](Account* account) { account->hash = hash; });
}

Status InfluxUsers::SetAdmin(std::string_view name, bool admin) {
  return Change(name, [&](Account* account) { account->admin = admin; });
}

Status InfluxUsers::SetPrivilege(std::string_view user, std::string_view database,
                                 Privilege privilege) {
  return Change(user,
                [&](Account* account) { account->grants[std::string(database)] = privilege; });
}

Result<Privilege> InfluxUsers::PrivilegeOn(std::string_view user, std::string_view database) const {
  const ReaderLock lock(mutex_);
  const Account* account = Find(user);
  if (account == nullptr) return UserNotFound();
  const auto grant = account->grants.find(database);
  return grant == account->grants.end() ? Privilege::kNone : grant->second;
}

Result<std::vector<std::pair<std::string, Privilege>>> InfluxUsers::Grants(
    std::string_view user) const {
  const ReaderLock lock(mutex_);
  const Account* account = Find(user);
  if (account == nullptr) return UserNotFound();
  return std::vector<std::pair<std::string, Privilege>>(account->grants.begin(),
                                                        account->grants.end());
}

Status InfluxUsers::ForgetDatabase(std::string_view database) {
  const WriterLock lock(mutex_);
  for (Account& account : accounts_) {
    const auto grant = account.grants.find(database);
    if (grant == account.grants.end()) continue;
    Account changed = account;
    changed.grants.erase(std::string(database));
    RETURN_IF_ERROR(Save(changed));
    account = std::move(changed);
  }
  return Status::Ok();
}

}  // namespace tsdb::server
