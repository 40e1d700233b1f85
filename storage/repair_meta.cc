// Rows that say what the store is: the format, the secret, databases, the next segment's id.
#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/text.h"
#include "storage/catalog.h"
#include "storage/format.h"
#include "storage/head/journal.h"
#include "storage/head/recent_series.h"
#include "storage/repair_rows.h"

namespace tsdb::storage {
namespace {

// What the rows of family `default` are, in the order of their keys.
struct MetaRows {
  const char* prefix;
  const char* what;
};
constexpr MetaRows kMetaRows[] = {
    {"c/", "databases and retention policies"},
    {"d/", "ranges to be dropped"},
    {"exemplars", "exemplars"},
    {"format", "the format"},
    {"journal", "where the journal begins"},
    {"m/", "metadata of metrics"},
    {"next_segment", "the next segment's id"},
    {"p/", "descriptions of days"},
    {"prometheus", "whether database prometheus is there"},
    {"s/", "state of rules, alerts, silences, notifications, users and queries"},
    {"secret", "the secret of hashes"},
    {"t/", "types of fields"},
};

// Collects the policies of the series that journal records define.
struct PolicyVisitor {
  std::set<uint32_t>* policies;
  bool Section(int32_t, TimeUnit) { return true; }
  bool Define(uint32_t, PolicyId policy, TimeUnit, const Labels&) {
    policies->insert(policy.value);
    return true;
  }
  uint64_t Base(uint32_t) { return 0; }
  bool Sample(uint32_t, ValueType, TimeUnit, const RawSample&, bool) { return true; }
  bool Exemplar(std::string_view) { return true; }
};

}  // namespace

Status RowRepairer::RepairFormat() {
  ASSIGN_OR_RETURN(const auto format, store_->Get(Family::kMeta, kFormatKey));
  if (!format.has_value()) {
    if (report_->damage.empty()) return NotFound("the directory holds something else than a store");
    report_->rebuilt.push_back("the row of the format");
    return writer_.Put(Family::kMeta, std::string(kFormatKey), std::string(kFormat));
  }
  if (*format != kFormat && *format != kOlderFormat) {
    return FailedPrecondition("the store has format \"" + *format +
                              "\" and this program repairs \"" + std::string(kFormat) + "\"");
  }
  return Status::Ok();
}

Status RowRepairer::RepairSecret() {
  ASSIGN_OR_RETURN(const auto secret, store_->Get(Family::kMeta, kSecretKey));
  if (secret.has_value() && secret->size() == 8) {
    std::string_view in = *secret;
    GetFixed64(&in, &secret_);
    return Status::Ok();
  }
  if (report_->damage.empty()) report_->damage.push_back("the row of the secret is missing");
  const Hash128 drawn = RandomHash128();
  secret_ = drawn.high ^ drawn.low;
  secret_is_new_ = true;
  std::string row;
  PutFixed64(&row, secret_);
  report_->rebuilt.push_back("the secret of hashes, and all hashes");
  return writer_.Put(Family::kMeta, std::string(kSecretKey), std::move(row));
}

Status RowRepairer::RepairCatalog() {
  if (!MayHaveLostMeta("c/") && !MayHaveLostMeta("prometheus")) return Status::Ok();
  ASSIGN_OR_RETURN(const std::set<uint32_t> used, PoliciesInUse());
  if (used.contains(kPrometheusPolicy.value)) {
    RETURN_IF_ERROR(writer_.Put(Family::kMeta, "prometheus", "1"));
  }
  if (!MayHaveLostMeta("c/")) return Status::Ok();
  RETURN_IF_ERROR(writer_.Finish());
  return CreateDatabases(used);
}

Result<std::set<uint32_t>> RowRepairer::PoliciesInUse() const {
  std::set<uint32_t> policies;
  for (const auto& [day, version] : versions_) {
    const std::string begin = PostingsPrefix(version.key, kPolicyPair);
    for (auto rows = store_->NewIterator(Family::kPostings, begin, PrefixEnd(begin)); rows->Valid();
         rows->Next()) {
      std::string_view value = rows->key().substr(begin.size());
      uint32_t id = 0;
      if (GetKey32(&value, &id)) policies.insert(id);
    }
  }
  PolicyVisitor visitor{&policies};
  JournalReader<PolicyVisitor> reader(&visitor);
  auto records = store_->NewIterator(Family::kJournal, "", "", false);
  for (; records->Valid(); records->Next()) (void)reader.Read(records->value());
  RETURN_IF_ERROR(records->status());
  return policies;
}

Status RowRepairer::CreateDatabases(const std::set<uint32_t>& policies) {
  StoredCatalog catalog(store_, 0);
  RETURN_IF_ERROR(catalog.Load());
  uint32_t next_database = 2;
  uint32_t next_policy = 2;
  for (const Database& database : catalog.List()) {
    next_database = std::max(next_database, database.id.value + 1);
    for (const RetentionPolicy& policy : database.policies) {
      next_policy = std::max(next_policy, policy.id.value + 1);
    }
  }
  next_database = std::max(next_database, catalog.state()->next_database);
  next_policy = std::max(next_policy, catalog.state()->next_policy);
  if (!policies.empty()) next_policy = std::max(next_policy, *policies.rbegin() + 1);
  const auto set_next = [&](uint32_t policy) {
    std::string ids;
    PutVarint(&ids, next_database);
    PutVarint(&ids, policy);
    RETURN_IF_ERROR(writer_.Put(Family::kMeta, "c/next", std::move(ids)));
    return writer_.Finish();
  };
  for (const uint32_t id : policies) {
    if (catalog.state()->Find(PolicyId{id}) != nullptr) continue;
    // A new database's policy gets the next id.
    RETURN_IF_ERROR(set_next(id));
    StoredCatalog again(store_, 0);
    RETURN_IF_ERROR(again.Load());
    const std::string name = "recovered_" + std::to_string(id);
    RETURN_IF_ERROR(again.CreateDatabase(name, nullptr));
    ++next_database;
    report_->rebuilt.push_back("database \"" + name +
                               "\", of samples whose database and retention policy are lost");
  }
  return set_next(next_policy);
}

Status RowRepairer::RepairNextSegment() {
  if (!MayHaveLostMeta(kNextSegmentKey) && doubtful_.empty()) return Status::Ok();
  uint32_t next = 1;
  ASSIGN_OR_RETURN(const auto row, store_->Get(Family::kMeta, kNextSegmentKey));
  if (row.has_value()) {
    std::string_view in = *row;
    GetFixed32(&in, &next);
  }
  ASSIGN_OR_RETURN(const uint32_t greatest, GreatestSegment());
  std::string text;
  PutFixed32(&text, std::max(next, greatest + 1));
  return writer_.Put(Family::kMeta, std::string(kNextSegmentKey), std::move(text));
}

Result<uint32_t> RowRepairer::GreatestSegment() const {
  uint32_t greatest = 0;
  for (const auto& [day, version] : versions_) {
    for (const Segment& segment : version.segments) greatest = std::max(greatest, segment.id);
  }
  auto rows = store_->NewIterator(Family::kChunks, "", "", false);
  while (rows->Valid()) {
    std::string_view text = rows->key().substr(kPartitionPrefixSize);
    uint32_t segment = 0;
    if (!GetKey32(&text, &segment)) return DataLoss("malformed key of a chunk");
    greatest = std::max(greatest, segment);
    rows->Seek(PrefixEnd(rows->key().substr(0, kPartitionPrefixSize + 4)));
  }
  RETURN_IF_ERROR(rows->status());
  return greatest;
}

void RowRepairer::NameLostMeta() {
  if (salvage_.log_is_damaged) {
    report_->lost.push_back("rows of the store itself that were in the damaged part of the log");
  }
  for (const LostRange& lost : salvage_.lost) {
    if (lost.family != Family::kMeta) continue;
    std::string what;
    for (const MetaRows& rows : kMetaRows) {
      if (!lost.Overlaps(rows.prefix, PrefixEnd(rows.prefix))) continue;
      what += (what.empty() ? "" : ", ") + std::string(rows.what);
    }
    report_->lost.push_back("rows of the store itself from " + GoQuote(lost.begin) + " to " +
                            (lost.end.empty() ? "the last" : GoQuote(lost.end)) +
                            ", or their last change: " + what);
  }
}

}  // namespace tsdb::storage
