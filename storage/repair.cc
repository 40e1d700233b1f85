#include "storage/repair.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/coding.h"
#include "base/duration.h"
#include "base/hash.h"
#include "base/text.h"
#include "model/write_batch.h"
#include "storage/catalog.h"
#include "storage/format.h"
#include "storage/head/chunklet.h"
#include "storage/head/journal.h"
#include "storage/head/recent_series.h"
#include "storage/rocks/key_layout.h"
#include "storage/rocks/salvage.h"
#include "storage/rocks/store.h"
#include "storage/sealed_segment.h"
#include "storage/segment.h"
#include "storage/select/chunk_cache.h"

namespace tsdb::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBatchOps = 10'000;
constexpr size_t kNamesShown = 3;

std::string DayText(int32_t day) { return FormatRfc3339Ms(day * kDayMs).substr(0, 10); }

std::string Count(uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what;
}

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

// Rows are written in batches.
class Writer {
 public:
  explicit Writer(Store* store) : store_(store) {}
  Status Put(Family family, std::string key, std::string value) {
    batch_.Put(family, std::move(key), std::move(value));
    return MaybeWrite();
  }
  Status Delete(Family family, std::string key) {
    batch_.Delete(family, std::move(key));
    return MaybeWrite();
  }
  Status Finish() {
    if (batch_.empty()) return Status::Ok();
    const Status status = store_->Write(batch_, true);
    batch_.Clear();
    return status;
  }

 private:
  Status MaybeWrite() { return batch_.ops().size() < kBatchOps ? Status::Ok() : Finish(); }

  Store* store_;
  StoreBatch batch_;
};

// Makes rows agree with each other again after some were lost.
class Repairer {
 public:
  Repairer(Store* store, const Salvage& salvage, RepairReport* report)
      : store_(store), salvage_(salvage), report_(report), writer_(store) {}

  Status Run() {
    RETURN_IF_ERROR(RepairFormat());
    RETURN_IF_ERROR(LoadVersions());
    for (auto& [day, version] : versions_) {
      RETURN_IF_ERROR(RepairIndex(&version));
    }
    RETURN_IF_ERROR(RepairCatalog());
    for (auto& [day, version] : versions_) {
      RETURN_IF_ERROR(RepairChunks(&version));
    }
    RETURN_IF_ERROR(RepairJournal());
    NameLostMeta();
    return Finish();
  }

 private:
  bool MayHaveLost(Family family, std::string_view begin, std::string_view end) const {
    return std::any_of(salvage_.lost.begin(), salvage_.lost.end(), [&](const LostRange& lost) {
      return lost.family == family && lost.Overlaps(begin, end);
    });
  }
  bool MayHaveLostMeta(std::string_view prefix) const {
    return salvage_.log_is_damaged || MayHaveLost(Family::kMeta, prefix, PrefixEnd(prefix));
  }
  // A row that is written over: what is there may be an earlier one.
  bool IsDoubtful(std::string_view meta_key) const {
    return salvage_.log_is_damaged ||
           MayHaveLost(Family::kMeta, meta_key, std::string(meta_key) + '\0');
  }
  bool MayHaveLost(Family family, const PartitionKey& key) const {
    const std::string prefix = PartitionPrefix(key);
    return MayHaveLost(family, prefix, PrefixEnd(prefix));
  }

  // --- meta

  Status RepairFormat() {
    ASSIGN_OR_RETURN(const auto format, store_->Get(Family::kMeta, kFormatKey));
    ASSIGN_OR_RETURN(const auto secret, store_->Get(Family::kMeta, kSecretKey));
    if (format.has_value() && *format != kFormat && *format != kOlderFormat) {
      return FailedPrecondition("the store has format \"" + *format +
                                "\" and this program repairs \"" + std::string(kFormat) + "\"");
    }
    if (!format.has_value()) {
      if (report_->damage.empty())
        return NotFound("the directory holds something else than a store");
      RETURN_IF_ERROR(writer_.Put(Family::kMeta, std::string(kFormatKey), std::string(kFormat)));
      report_->rebuilt.push_back("the row of the format");
    }
    if (secret.has_value() && secret->size() == 8) {
      std::string_view in = *secret;
      GetFixed64(&in, &secret_);
      return Status::Ok();
    }
    if (report_->damage.empty()) report_->damage.push_back("the row of the secret is missing");
    const Hash128 drawn = RandomHash128();
    secret_ = drawn.high ^ drawn.low;
    std::string row;
    PutFixed64(&row, secret_);
    secret_is_new_ = true;
    report_->rebuilt.push_back("the secret of hashes, and all hashes");
    return writer_.Put(Family::kMeta, std::string(kSecretKey), std::move(row));
  }

  Status LoadVersions() {
    auto rows = store_->NewIterator(Family::kMeta, kPartitionPrefix, PrefixEnd(kPartitionPrefix));
    for (; rows->Valid(); rows->Next()) {
      std::string_view key = rows->key().substr(kPartitionPrefix.size());
      uint32_t shifted = 0;
      if (!GetKey32(&key, &shifted)) continue;
      const int32_t day = static_cast<int32_t>(shifted ^ 0x80000000U);
      Result<PartitionVersion> version = DecodeVersion(day, rows->value());
      if (version.ok() && !IsDoubtful(rows->key())) {
        versions_.emplace(day, *std::move(version));
      } else {
        if (!version.ok()) report_->damage.push_back(version.status().message());
        doubtful_[day] = version.ok() ? *std::move(version) : PartitionVersion();
        doubtful_[day].key.day = day;
      }
    }
    RETURN_IF_ERROR(rows->status());
    if (MayHaveLostMeta(kPartitionPrefix) || !doubtful_.empty()) {
      RETURN_IF_ERROR(FindDays(Family::kLabels));
      RETURN_IF_ERROR(FindDays(Family::kChunks));
    }
    for (auto& [day, version] : doubtful_) {
      RETURN_IF_ERROR(DescribeDay(day, std::move(version)));
    }
    return Status::Ok();
  }

  // Days with rows of which the description is lost. The last generation counts.
  Status FindDays(Family family) {
    auto rows = store_->NewIterator(family, "", "", false);
    while (rows->Valid()) {
      if (rows->key().size() < kPartitionPrefixSize) return DataLoss("malformed key");
      std::string_view key = rows->key();
      uint32_t shifted = 0;
      GetKey32(&key, &shifted);
      const int32_t day = static_cast<int32_t>(shifted ^ 0x80000000U);
      const uint16_t generation =
          static_cast<uint16_t>(static_cast<uint8_t>(key[0]) << 8 | static_cast<uint8_t>(key[1]));
      if (!versions_.contains(day) && IsDoubtful(PartitionRowKey(day))) {
        PartitionKey& found = doubtful_[day].key;
        found = {day, std::max(found.generation, generation)};
      }
      rows->Seek(PrefixEnd(rows->key().substr(0, kPartitionPrefixSize)));
    }
    return rows->status();
  }

  // What the rows of the day tell, and what an earlier description said.
  Status DescribeDay(int32_t day, PartitionVersion earlier) {
    PartitionVersion version;
    version.key = {day, earlier.key.generation};
    version.next_series_id = earlier.next_series_id;
    version.dead = std::move(earlier.dead);
    version.tombstones = std::move(earlier.tombstones);
    const std::string prefix = PartitionPrefix(version.key);
    const std::string end = PrefixEnd(prefix);
    for (auto rows = store_->NewIterator(Family::kLabels, prefix, end, false); rows->Valid();
         rows->Next()) {
      std::string_view key = rows->key().substr(kPartitionPrefixSize);
      uint32_t id = 0;
      if (GetKey32(&key, &id)) version.next_series_id = std::max(version.next_series_id, id + 1);
    }
    for (auto rows = store_->NewIterator(Family::kHashes, prefix, end, false); rows->Valid();
         rows->Next()) {
      std::string_view value = rows->value();
      uint32_t id = 0;
      if (GetKey32(&value, &id)) version.next_series_id = std::max(version.next_series_id, id + 1);
    }
    std::set<std::string> dropped;  // prefixes of segments that are not wanted any more
    for (auto ranges = store_->NewIterator(Family::kMeta, "d/", PrefixEnd("d/")); ranges->Valid();
         ranges->Next()) {
      std::string_view value = ranges->value().substr(std::min<size_t>(1, ranges->value().size()));
      std::string_view begin;
      if (GetBytes(&value, &begin)) dropped.emplace(begin);
    }
    std::map<uint32_t, SegmentKind> there;
    auto rows = store_->NewIterator(Family::kChunks, prefix, end, false);
    while (rows->Valid()) {
      std::string_view key = rows->key().substr(kPartitionPrefixSize);
      uint32_t id = 0;
      uint32_t row = 0;
      if (!GetKey32(&key, &id) || !GetKey32(&key, &row))
        return DataLoss("malformed key of a chunk");
      const std::string segment = SegmentPrefix(version.key, id);
      if (!dropped.contains(segment)) {
        there[id] =
            IsFragments(day, row, rows->value()) ? SegmentKind::kFragments : SegmentKind::kSealed;
      }
      rows->Seek(PrefixEnd(segment));
    }
    RETURN_IF_ERROR(rows->status());
    for (const Segment& segment : earlier.segments) {
      there.erase(segment.id);
      version.segments.push_back(segment);
    }
    const bool is_new = !there.empty() || version.next_series_id != earlier.next_series_id;
    for (const auto& [id, kind] : there) {
      Segment segment;
      segment.id = id;
      segment.kind = kind;
      segment.min_time_ms = INT64_MAX;  // to be found out
      segment.max_time_ms = INT64_MIN;
      version.segments.push_back(segment);
    }
    if (is_new) {
      changed_.insert(day);
      report_->rebuilt.push_back("the description of day " + DayText(day) + ": " +
                                 Count(version.next_series_id, "series, ") +
                                 Count(version.segments.size(), "segments") +
                                 "; samples deleted since it was last described may be back");
    }
    versions_.emplace(day, std::move(version));
    return Status::Ok();
  }

  static bool IsFragments(int32_t day, uint32_t row, std::string_view value) {
    if (row >= kFirstTimestampList) return false;
    std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> parts;
    if (!ParseFragmentGroup(value, row * kFragmentGroup, &parts) || parts.empty()) return false;
    return std::all_of(parts.begin(), parts.end(), [&](const auto& part) {
      std::vector<SampleBlock> runs;
      const auto& [id, offset, size] = part;
      return DecodeChunklets(value.substr(offset, size), day, INT64_MIN, INT64_MAX, &runs).ok() &&
             !runs.empty();
    });
  }

  // Samples of a policy that the catalog does not know would be dropped by the next rewrite. They
  // become databases of their own.
  Status RepairCatalog() {
    if (!MayHaveLostMeta("c/") && !MayHaveLostMeta("prometheus")) return Status::Ok();
    std::set<uint32_t> used;
    for (const auto& [day, version] : versions_) {
      const std::string begin = PostingsPrefix(version.key, kPolicyPair);
      for (auto rows = store_->NewIterator(Family::kPostings, begin, PrefixEnd(begin));
           rows->Valid(); rows->Next()) {
        std::string_view value = rows->key().substr(begin.size());
        uint32_t id = 0;
        if (GetKey32(&value, &id)) used.insert(id);
      }
    }
    RETURN_IF_ERROR(ReadPoliciesOfJournal(&used));
    if (used.contains(kPrometheusPolicy.value)) {
      RETURN_IF_ERROR(writer_.Put(Family::kMeta, "prometheus", "1"));
    }
    if (!MayHaveLostMeta("c/")) return Status::Ok();
    RETURN_IF_ERROR(writer_.Finish());
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
    if (!used.empty()) next_policy = std::max(next_policy, *used.rbegin() + 1);
    const auto set_next = [&](uint32_t policy) {
      std::string ids;
      PutVarint(&ids, next_database);
      PutVarint(&ids, policy);
      RETURN_IF_ERROR(writer_.Put(Family::kMeta, "c/next", std::move(ids)));
      return writer_.Finish();
    };
    for (const uint32_t id : used) {
      if (catalog.state()->Find(PolicyId{id}) != nullptr) continue;
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

  // Definitions of series in journal records that can be read.
  struct DefinitionVisitor {
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
  Status ReadPoliciesOfJournal(std::set<uint32_t>* policies) const {
    DefinitionVisitor visitor{policies};
    JournalReader<DefinitionVisitor> reader(&visitor);
    auto rows = store_->NewIterator(Family::kJournal, "", "", false);
    for (; rows->Valid(); rows->Next()) (void)reader.Read(rows->value());
    return rows->status();
  }

  void NameLostMeta() {
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

  // --- index

  Status RepairIndex(PartitionVersion* version) {
    const PartitionKey& key = version->key;
    if (version->next_series_id == 0) return Status::Ok();
    const bool labels = MayHaveLost(Family::kLabels, key);
    const bool postings = MayHaveLost(Family::kPostings, key);
    const bool hashes = MayHaveLost(Family::kHashes, key) || secret_is_new_;
    if (labels) RETURN_IF_ERROR(RebuildLabels(version, !postings));
    if (postings) RETURN_IF_ERROR(RebuildPostings(*version));
    if (hashes) RETURN_IF_ERROR(RebuildHashes(*version));
    return Status::Ok();
  }

  std::unique_ptr<StoreIterator> LabelsOf(const PartitionKey& key) const {
    const std::string prefix = PartitionPrefix(key);
    return store_->NewIterator(Family::kLabels, prefix, PrefixEnd(prefix), false);
  }

  // Labels from the posting lists that name the series. Its hash tells whether they are all there.
  Status RebuildLabels(PartitionVersion* version, bool has_all_postings) {
    const PartitionKey& key = version->key;
    Postings missing = Postings::FromRange(0, version->next_series_id);
    auto rows = LabelsOf(key);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(kPartitionPrefixSize);
      uint32_t id = 0;
      if (GetKey32(&text, &id)) missing.Remove(id);
    }
    RETURN_IF_ERROR(rows->status());
    if (missing.empty()) return Status::Ok();
    struct Found {
      std::vector<Label> labels;
      std::optional<PolicyId> policy;
      std::optional<Hash128> hash;
    };
    std::map<uint32_t, Found> found;
    missing.ForEach([&](uint32_t id) { found[id]; });
    const std::string prefix = PartitionPrefix(key);
    std::string name;
    std::string_view value;
    for (auto lists = store_->NewIterator(Family::kPostings, prefix, PrefixEnd(prefix), false);
         lists->Valid(); lists->Next()) {
      if (!ParsePostingKey(lists->key().substr(prefix.size()), &name, &value)) continue;
      Result<Postings> list = Postings::Deserialize(lists->value());
      if (!list.ok()) continue;
      PolicyId policy;
      std::string_view in = value;
      const bool is_policy = name == kPolicyPair && GetKey32(&in, &policy.value);
      (*list & missing).ForEach([&](uint32_t id) {
        if (is_policy) {
          found[id].policy = policy;
        } else {
          found[id].labels.push_back({name, std::string(value)});
        }
      });
    }
    for (auto hashes = store_->NewIterator(Family::kHashes, prefix, PrefixEnd(prefix), false);
         hashes->Valid(); hashes->Next()) {
      std::string_view in = hashes->value();
      uint32_t id = 0;
      if (!GetKey32(&in, &id) || !missing.Contains(id)) continue;
      std::string_view text = hashes->key().substr(kPartitionPrefixSize);
      Hash128 hash;
      if (GetKey64(&text, &hash.high) && GetKey64(&text, &hash.low)) found[id].hash = hash;
    }
    std::vector<uint32_t> lost;
    for (auto& [id, series] : found) {
      const std::string row = RowOf(&series.labels, series.policy, series.hash, has_all_postings);
      if (row.empty()) {
        lost.push_back(id);
        if (series.hash.has_value()) {  // so that the series gets another id when it comes again
          RETURN_IF_ERROR(writer_.Delete(Family::kHashes, HashKey(key, *series.hash)));
        }
        continue;
      }
      RETURN_IF_ERROR(writer_.Put(Family::kLabels, LabelsKey(key, id), row));
    }
    RETURN_IF_ERROR(writer_.Finish());
    if (found.size() > lost.size()) {
      report_->rebuilt.push_back("labels of " + Count(found.size() - lost.size(), "series") +
                                 " of day " + DayText(key.day) + ", from posting lists");
    }
    if (lost.empty()) return Status::Ok();
    version->dead.AddMany(lost);
    changed_.insert(key.day);
    report_->lost.push_back("labels of " + Count(lost.size(), "series") + " of day " +
                            DayText(key.day) + ", and with them their samples of that day");
    return Status::Ok();
  }

  // The labels row, empty when it cannot be told.
  std::string RowOf(std::vector<Label>* pairs, const std::optional<PolicyId>& policy,
                    const std::optional<Hash128>& hash, bool has_all_postings) const {
    Result<Labels> labels = Labels::FromUnsorted(std::move(*pairs));
    if (!labels.ok() || !policy.has_value()) return "";
    if (hash.has_value() && !secret_is_new_) {
      for (const TimeUnit unit : {TimeUnit::kMilliseconds, TimeUnit::kNanoseconds}) {
        std::string row = EncodeIdentity(*policy, unit, *labels);
        if (HashBytes128(row, ~secret_) == *hash) return row;
      }
      return "";
    }
    if (!has_all_postings || labels->empty()) return "";
    const bool is_influx = labels->Has(kMeasurementLabel);
    return EncodeIdentity(*policy, is_influx ? TimeUnit::kNanoseconds : TimeUnit::kMilliseconds,
                          *labels);
  }

  Status RebuildPostings(const PartitionVersion& version) {
    RecentPostings postings;
    std::vector<RecentPostings::PairRef> pairs;
    auto rows = LabelsOf(version.key);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(kPartitionPrefixSize);
      uint32_t id = 0;
      const Result<SeriesIdentity> identity = DecodeIdentity(rows->value());
      if (!GetKey32(&text, &id) || !identity.ok()) continue;
      pairs.clear();
      for (const Label& label : identity->labels) {
        pairs.push_back(postings.Intern(label.name, label.value));
      }
      pairs.push_back(postings.Intern(kPolicyPair, PolicyPairValue(identity->policy)));
      postings.Add(id, pairs.data(), pairs.size());
    }
    RETURN_IF_ERROR(rows->status());
    ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kPostings));
    RETURN_IF_ERROR(postings.Drain(
        PartitionPrefix(version.key),
        [&](std::string_view key, std::string_view list) { return table->AddMerge(key, list); }));
    report_->rebuilt.push_back("posting lists of day " + DayText(version.key.day) +
                               ", from labels of " + Count(postings.series_count(), "series"));
    return Ingest(std::move(table));
  }

  Status RebuildHashes(const PartitionVersion& version) {
    std::vector<std::pair<Hash128, uint32_t>> ids;
    auto rows = LabelsOf(version.key);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(kPartitionPrefixSize);
      uint32_t id = 0;
      if (GetKey32(&text, &id)) ids.emplace_back(HashBytes128(rows->value(), ~secret_), id);
    }
    RETURN_IF_ERROR(rows->status());
    if (secret_is_new_) {
      const std::string prefix = PartitionPrefix(version.key);
      RETURN_IF_ERROR(store_->DropRange(Family::kHashes, prefix, PrefixEnd(prefix)));
    }
    std::sort(ids.begin(), ids.end());
    ASSIGN_OR_RETURN(auto table, store_->NewTable(Family::kHashes));
    for (const auto& [hash, id] : ids) {
      std::string row;
      PutKey32(&row, id);
      RETURN_IF_ERROR(table->Add(HashKey(version.key, hash), row));
    }
    report_->rebuilt.push_back("hashes of " + Count(ids.size(), "series") + " of day " +
                               DayText(version.key.day) + ", from their labels");
    return Ingest(std::move(table));
  }

  Status Ingest(std::unique_ptr<TableBuilder> table) {
    if (table->entry_count() == 0) return Status::Ok();
    RETURN_IF_ERROR(table->Finish());
    std::vector<std::unique_ptr<TableBuilder>> tables;
    tables.push_back(std::move(table));
    return store_->Ingest(tables);
  }

  // --- chunks

  Status RepairChunks(PartitionVersion* version) {
    for (Segment& segment : version->segments) {
      const bool is_new = segment.min_time_ms > segment.max_time_ms;
      std::set<uint32_t> damaged;  // series
      RETURN_IF_ERROR(IsSealed(segment.kind)
                          ? CheckSealed(*version, &segment, is_new, &damaged)
                          : CheckFragments(*version, &segment, is_new, &damaged));
      if (!damaged.empty()) {
        const std::string what = "chunks of " + Count(damaged.size(), "series") + " in segment " +
                                 std::to_string(segment.id) + " of day " +
                                 DayText(version->key.day);
        if (!MayHaveLost(Family::kChunks, version->key)) {
          report_->damage.push_back(what + " cannot be decoded");
        }
        report_->lost.push_back(what + Names(version->key, damaged));
      }
      RETURN_IF_ERROR(NameLostRows(*version, segment));
    }
    // Of a description made anew: segments without a row that can be decoded.
    std::erase_if(version->segments,
                  [](const Segment& s) { return s.min_time_ms > s.max_time_ms; });
    return Status::Ok();
  }

  static void Describe(const std::vector<SampleBlock>& runs, Segment* segment) {
    for (const SampleBlock& run : runs) {
      if (run.empty()) continue;
      segment->sample_count += run.size();
      segment->min_time_ms =
          std::min(segment->min_time_ms, ToMilliseconds(run.timestamps.front(), run.unit));
      segment->max_time_ms =
          std::max(segment->max_time_ms, ToMilliseconds(run.timestamps.back(), run.unit));
    }
  }

  Status CheckFragments(const PartitionVersion& version, Segment* segment, bool is_new,
                        std::set<uint32_t>* damaged) {
    const std::string prefix = SegmentPrefix(version.key, segment->id);
    auto rows = store_->NewIterator(Family::kChunks, prefix, PrefixEnd(prefix), false);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(prefix.size());
      uint32_t row = 0;
      if (!GetKey32(&text, &row)) continue;
      std::vector<std::tuple<uint32_t, uint32_t, uint32_t>> parts;
      const bool parsed = ParseFragmentGroup(rows->value(), row * kFragmentGroup, &parts);
      if (!parsed) damaged->insert(row * kFragmentGroup);
      std::string rest;
      uint32_t last = row * kFragmentGroup;
      const size_t damaged_before = damaged->size();
      for (const auto& [id, offset, size] : parts) {
        std::vector<SampleBlock> runs;
        const std::string_view bytes = rows->value().substr(offset, size);
        if (!DecodeChunklets(bytes, version.key.day, INT64_MIN, INT64_MAX, &runs).ok()) {
          damaged->insert(id);
          continue;
        }
        if (is_new) Describe(runs, segment);
        PutVarint(&rest, id - last);
        PutBytes(&rest, bytes);
        last = id;
      }
      if (parsed && damaged->size() == damaged_before) continue;
      RETURN_IF_ERROR(Replace(std::string(rows->key()), std::move(rest)));
    }
    return rows->status();
  }

  Status CheckSealed(const PartitionVersion& version, Segment* segment, bool is_new,
                     std::set<uint32_t>* damaged) {
    const std::string prefix = SegmentPrefix(version.key, segment->id);
    std::map<uint32_t, std::shared_ptr<const std::vector<int64_t>>> lists;
    auto rows = store_->NewIterator(Family::kChunks,
                                    ChunkKey(version.key, segment->id, kFirstTimestampList),
                                    PrefixEnd(prefix), false);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(prefix.size());
      uint32_t row = 0;
      auto times = std::make_shared<std::vector<int64_t>>();
      if (!GetKey32(&text, &row) || !DecodeTimestamps(rows->value(), times.get()).ok()) continue;
      lists[row - kFirstTimestampList] = std::move(times);
    }
    RETURN_IF_ERROR(rows->status());
    const TimestampListReader reader =
        [&](uint32_t list) -> Result<std::shared_ptr<const std::vector<int64_t>>> {
      const auto found = lists.find(list);
      if (found == lists.end()) return DataLoss("timestamp list is missing");
      return found->second;
    };
    rows = store_->NewIterator(Family::kChunks, prefix,
                               ChunkKey(version.key, segment->id, kFirstTimestampList), false);
    for (; rows->Valid(); rows->Next()) {
      std::string_view text = rows->key().substr(prefix.size());
      uint32_t row = 0;
      if (!GetKey32(&text, &row)) continue;
      std::vector<SampleBlock> runs;
      const Status status = DecodeSealed(rows->value(), reader, INT64_MIN, INT64_MAX, &runs);
      if (is_new) Describe(runs, segment);
      if (status.ok()) continue;
      damaged->insert(row);
      RETURN_IF_ERROR(Replace(std::string(rows->key()), KeepReadableChunks(rows->value(), reader)));
    }
    return rows->status();
  }

  Status Replace(std::string key, std::string value) {
    if (value.empty()) return writer_.Delete(Family::kChunks, std::move(key));
    return writer_.Put(Family::kChunks, std::move(key), std::move(value));
  }

  // The first row of a segment whose key is not before `bound`.
  static uint64_t RowAt(std::string_view bound, const std::string& prefix) {
    if (bound <= prefix) return 0;
    if (!bound.starts_with(prefix)) return uint64_t{1} << 32;
    std::string text(bound.substr(prefix.size(), 4));
    text.resize(4, '\0');
    std::string_view in = text;
    uint32_t row = 0;
    GetKey32(&in, &row);
    return row + uint64_t{bound.size() > prefix.size() + 4};
  }

  Status NameLostRows(const PartitionVersion& version, const Segment& segment) {
    const std::string prefix = SegmentPrefix(version.key, segment.id);
    const uint64_t width = IsSealed(segment.kind) ? 1 : kFragmentGroup;
    for (const LostRange& lost : salvage_.lost) {
      if (lost.family != Family::kChunks) continue;
      const uint64_t begin = RowAt(lost.begin, prefix);
      const uint64_t end = lost.end.empty() ? uint64_t{1} << 32 : RowAt(lost.end, prefix);
      const uint64_t first = begin * width;
      const uint64_t last = std::min<uint64_t>(end * width, version.next_series_id);
      std::set<uint32_t> series;
      for (uint64_t id = first; id < last; ++id) series.insert(static_cast<uint32_t>(id));
      if (series.empty()) continue;  // lists of timestamps: the chunks that need them are named
      auto rows = store_->NewIterator(Family::kChunks, lost.begin, lost.end, false);
      for (; rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
        const uint64_t row = RowAt(rows->key(), prefix);
        for (uint64_t i = 0; i < width; ++i) series.erase(static_cast<uint32_t>(row * width + i));
      }
      if (series.empty()) continue;
      report_->lost.push_back(
          "segment " + std::to_string(segment.id) + " of day " + DayText(version.key.day) +
          ": what series " + std::to_string(*series.begin()) + " to " +
          std::to_string(*series.rbegin()) + " have in it" + Names(version.key, series));
    }
    return Status::Ok();
  }

  // Some of the series: " (m{a="b"}, ... of 12)".
  std::string Names(const PartitionKey& key, const std::set<uint32_t>& series) const {
    std::string text;
    size_t shown = 0;
    for (const uint32_t id : series) {
      const auto row = store_->Get(Family::kLabels, LabelsKey(key, id));
      if (!row.ok() || !row->has_value()) continue;
      const Result<SeriesIdentity> identity = DecodeIdentity(**row);
      if (!identity.ok()) continue;
      text += (shown == 0 ? "" : ", ") + identity->labels.ToString();
      if (++shown == kNamesShown) break;
    }
    if (text.empty()) return "";
    if (series.size() > shown) text += " and " + Count(series.size() - shown, "more");
    return " (" + text + ")";
  }

  // --- journal

  // All records are there, and with them some that are in segments already. A gap is where a
  // checkpoint had earlier ones dropped, or a write failed: the records behind it rely on none
  // before.
  Status FindJournalBegin(const std::optional<std::string>& row) {
    uint64_t stored = 1;
    if (row.has_value()) {
      std::string_view in = *row;
      GetKey64(&in, &stored);
    }
    uint64_t begin = stored;
    uint64_t next = 0;
    auto rows = store_->NewIterator(Family::kJournal, "", "", false);
    for (; rows->Valid(); rows->Next()) {
      std::string_view key = rows->key();
      uint64_t sequence = 0;
      if (!GetKey64(&key, &sequence)) continue;
      if (sequence != next) begin = sequence;
      next = sequence + 1;
    }
    RETURN_IF_ERROR(rows->status());
    begin = std::max(begin, stored);
    if (row.has_value() && begin == stored) return Status::Ok();
    report_->rebuilt.push_back("where the journal begins: at record " + std::to_string(begin));
    return writer_.Put(Family::kMeta, std::string(kJournalBeginKey), JournalKey(begin));
  }

  // A record relies on those before it, so what lies behind a missing one is worth nothing.
  Status RepairJournal() {
    ASSIGN_OR_RETURN(const auto row, store_->Get(Family::kMeta, kJournalBeginKey));
    if (!salvage_.log_is_damaged && !MayHaveLost(Family::kJournal, "", "")) {
      return IsDoubtful(kJournalBeginKey) ? FindJournalBegin(row) : Status::Ok();
    }
    uint64_t next = 0;  // that is expected; 0: any
    if (row.has_value()) {
      std::string_view in = *row;
      if (!GetKey64(&in, &next)) next = 0;
    }
    auto rows = store_->NewIterator(Family::kJournal, JournalKey(next), "", false);
    uint64_t first_lost = 0;
    uint64_t last = 0;
    uint64_t dropped = 0;
    bool is_whole = next != 0;
    for (; rows->Valid(); rows->Next()) {
      std::string_view key = rows->key();
      uint64_t sequence = 0;
      if (!GetKey64(&key, &sequence)) continue;
      if (sequence != next && is_whole) is_whole = false;
      if (!is_whole && first_lost == 0) first_lost = next == 0 ? sequence : next;
      last = sequence;
      next = sequence + 1;
      if (is_whole) continue;
      ++dropped;
      RETURN_IF_ERROR(writer_.Delete(Family::kJournal, JournalKey(sequence)));
    }
    RETURN_IF_ERROR(rows->status());
    if (dropped > 0) {
      report_->lost.push_back(
          "journal records " + std::to_string(first_lost) + " to " + std::to_string(last) +
          ": samples since the last checkpoint; a record before them is damaged");
    } else if (salvage_.log_is_damaged || MayHaveLost(Family::kJournal, JournalKey(next), "")) {
      report_->lost.push_back("journal records from " + std::to_string(next) +
                              " on, if there were any: samples since the last checkpoint");
    }
    if (!row.has_value() || first_lost != 0) {
      RETURN_IF_ERROR(writer_.Put(Family::kMeta, std::string(kJournalBeginKey),
                                  JournalKey(std::max<uint64_t>(last + 1, 1))));
    }
    return Status::Ok();
  }

  Status Finish() {
    if (MayHaveLostMeta(kNextSegmentKey) || !doubtful_.empty()) {
      uint32_t next = 1;
      ASSIGN_OR_RETURN(const auto row, store_->Get(Family::kMeta, kNextSegmentKey));
      if (row.has_value()) {
        std::string_view in = *row;
        GetFixed32(&in, &next);
      }
      ASSIGN_OR_RETURN(const uint32_t greatest, GreatestSegment());
      std::string text;
      PutFixed32(&text, std::max(next, greatest + 1));
      RETURN_IF_ERROR(writer_.Put(Family::kMeta, std::string(kNextSegmentKey), std::move(text)));
    }
    for (const int32_t day : changed_) {
      RETURN_IF_ERROR(
          writer_.Put(Family::kMeta, PartitionRowKey(day), EncodeVersion(versions_.at(day))));
    }
    RETURN_IF_ERROR(writer_.Finish());
    for (int i = 0; i < kFamilyCount; ++i) {
      RETURN_IF_ERROR(store_->Flush(static_cast<Family>(i)));
    }
    return Status::Ok();
  }

  Result<uint32_t> GreatestSegment() const {
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

  Store* const store_;
  const Salvage& salvage_;
  RepairReport* const report_;
  Writer writer_;
  uint64_t secret_ = 0;
  bool secret_is_new_ = false;
  std::map<int32_t, PartitionVersion> versions_;  // by day
  std::map<int32_t, PartitionVersion>
      doubtful_;  // what is known of days without a sure description
  std::set<int32_t> changed_;
};

// A directory that goes when this does.
class WorkDirectory {
 public:
  explicit WorkDirectory(std::string path) : path_(std::move(path)) {}
  ~WorkDirectory() { Remove(); }
  Status Create() {
    Remove();
    std::error_code error;
    fs::create_directory(path_, error);
    if (error) return Unavailable("cannot create " + path_ + ": " + error.message());
    return Status::Ok();
  }
  const std::string& path() const { return path_; }

 private:
  void Remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string path_;
};

Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return Unavailable("cannot rename " + from + " to " + to + ": " + error.message());
  return Status::Ok();
}

std::string KeptName(const std::string& path) {
  std::string time = FormatRfc3339Ms(Clock::Real().NowMs()).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  const std::string name = path + ".damaged-" + time;
  std::string free = name;
  for (int i = 2; fs::exists(free); ++i) free = name + "-" + std::to_string(i);
  return free;
}

// The new store takes the place of the old one, which is kept beside it.
Status PutInPlace(const std::string& repaired, const std::string& path, std::string* kept) {
  const std::string beside = KeptName(path);
  RETURN_IF_ERROR(Rename(repaired, beside));
  if (Status status = ExchangeDirectories(beside, path); !status.ok()) {
    std::error_code ignored;
    fs::remove_all(beside, ignored);
    return std::move(status).Annotate("\"--to\" writes the repaired store elsewhere");
  }
  *kept = beside;
  if (fs::exists(beside + "/snapshots")) {
    RETURN_IF_ERROR(Rename(beside + "/snapshots", path + "/snapshots"));
  }
  return Status::Ok();
}

}  // namespace

Result<RepairReport> RepairStorage(const RepairOptions& options) {
  std::error_code error;
  const std::string path = fs::weakly_canonical(options.path, error).string();
  if (error || !fs::is_directory(path)) {
    return NotFound("there is no data directory " + options.path);
  }
  std::string target = path;
  if (!options.target.empty()) {
    target = fs::weakly_canonical(options.target, error).string();
    if (error || fs::exists(target)) {
      return FailedPrecondition(options.target + " exists already");
    }
  }
  ASSIGN_OR_RETURN(const auto lock, DirectoryLock::Take(path));
  WorkDirectory work(target + ".repairing");
  RETURN_IF_ERROR(work.Create());
  RepairReport report;
  ASSIGN_OR_RETURN(const Salvage salvage, SalvageDatabase(path, work.path()));
  report.damage = salvage.damage;
  report.tables = salvage.tables;
  const std::string repaired = work.path() + "/store";
  {
    StoreOptions store_options;
    store_options.path = repaired;
    ASSIGN_OR_RETURN(const auto store, Store::Open(store_options));
    RETURN_IF_ERROR(Repairer(store.get(), salvage, &report).Run());
    uint64_t files = 0;
    for (const Status& status : store->Verify(&files)) RETURN_IF_ERROR(status);
  }
  if (!report.is_damaged() || options.dry_run) return report;
  if (options.target.empty()) {
    RETURN_IF_ERROR(PutInPlace(repaired, path, &report.kept));
  } else {
    RETURN_IF_ERROR(Rename(repaired, target));
  }
  return report;
}

}  // namespace tsdb::storage
