#include "storage/select/partition_index.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/coding.h"
#include "storage/head/chunklet.h"
#include "storage/rocks/key_layout.h"

namespace tsdb::storage {
namespace {

constexpr std::string_view kDb = "db";
constexpr std::string_view kRp = "rp";
constexpr std::string_view kExportedDb = "exported_db";
constexpr std::string_view kExportedRp = "exported_rp";
constexpr size_t kRowsPerCheck = 1024;  // how often a cancelled query is noticed

class RowLoader : public IndexReader::Loader {
 public:
  explicit RowLoader(const StoreIterator* row) : row_(row) {}
  Result<Postings> Load() const override { return Postings::Deserialize(row_->value()); }

 private:
  const StoreIterator* row_;
};

// What several places of an index know of one value.
class UnitedLoader : public IndexReader::Loader {
 public:
  void Add(const IndexReader::Loader* part) { parts_.push_back(part); }
  Result<Postings> Load() const override {
    Postings all;
    for (const IndexReader::Loader* part : parts_) {
      ASSIGN_OR_RETURN(const Postings series, part->Load());
      all |= series;
    }
    return all;
  }

 private:
  std::vector<const IndexReader::Loader*> parts_;
};

class RecentLoader : public IndexReader::Loader {
 public:
  RecentLoader(const RecentSeries* recent, RecentPostings::PairRef pair)
      : recent_(recent), pair_(pair) {}
  Result<Postings> Load() const override {
    const ReaderLock lock(recent_->mutex());
    return recent_->postings().Get(pair_);
  }

 private:
  const RecentSeries* recent_;
  RecentPostings::PairRef pair_;
};

// The conditions that decide by policy, and those left for the index.
struct SplitMatchers {
  std::vector<const Matcher*> db;
  std::vector<const Matcher*> rp;
  Matchers index;
};

SplitMatchers Split(const Matchers& matchers, View view) {
  SplitMatchers result;
  for (const Matcher& matcher : matchers) {
    if (view == View::kStored) {
      result.index.push_back(matcher);
    } else if (matcher.name() == kDb) {
      result.db.push_back(&matcher);
    } else if (matcher.name() == kRp) {
      result.rp.push_back(&matcher);
    } else if (matcher.name() != kExportedDb && matcher.name() != kExportedRp) {
      result.index.push_back(matcher);
    }
  }
  return result;
}

bool Accepts(const SplitMatchers& split, const PolicyInfo& policy) {
  const auto matches = [](const std::vector<const Matcher*>& list, std::string_view value) {
    return std::all_of(list.begin(), list.end(),
                       [&](const Matcher* m) { return m->Matches(value); });
  };
  return matches(split.db, policy.db_label()) && matches(split.rp, policy.rp_label());
}

// Series of the policies that exist, are in scope and are accepted.
Result<Postings> SeriesOfPolicies(const PartitionIndex& index, const CatalogState& catalog,
                                  const Scope& scope, const SplitMatchers& split) {
  Postings result;
  const Status status = index.ForEachValue(
      kPolicyPair, {},
      [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
        PolicyId id;
        if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
        const PolicyInfo* policy = catalog.Find(id);
        const bool in_scope =
            scope.all || std::binary_search(scope.policies.begin(), scope.policies.end(), id);
        if (policy == nullptr || !in_scope || !Accepts(split, *policy)) return true;
        ASSIGN_OR_RETURN(const Postings series, loader.Load());
        result |= series;
        return true;
      });
  RETURN_IF_ERROR(status);
  return result;
}

}  // namespace

PartitionIndex::PartitionIndex(const Store* store, std::shared_ptr<const PartitionVersion> version,
                               std::vector<std::shared_ptr<RecentSeries>> recents,
                               LabelRows* label_rows)
    : store_(store),
      version_(std::move(version)),
      recents_(std::move(recents)),
      label_rows_(label_rows) {}

Result<Postings> PartitionIndex::Get(std::string_view name, std::string_view value) const {
  Postings result;
  for (const auto& recent : recents_) {
    const ReaderLock lock(recent->mutex());
    result |= recent->postings().Get(name, value);
  }
  if (version_->next_series_id == 0) return result;
  ASSIGN_OR_RETURN(const std::optional<std::string> row,
                   store_->Get(Family::kPostings, PostingsKey(version_->key, name, value)));
  if (row.has_value()) {
    ASSIGN_OR_RETURN(const Postings stored, Postings::Deserialize(*row));
    result |= stored;
  }
  return result;
}

Status PartitionIndex::ForEachValue(std::string_view name, std::string_view prefix,
                                    const ValueVisitor& visitor) const {
  for (const auto& recent : recents_) {
    std::vector<std::pair<std::string, RecentPostings::PairRef>> values;
    {
      const ReaderLock lock(recent->mutex());
      for (const auto& [value, pair] : recent->postings().Values(name, prefix)) {
        values.emplace_back(value, pair);
      }
    }
    for (const auto& [value, pair] : values) {
      ASSIGN_OR_RETURN(const bool goes_on, visitor(value, RecentLoader(recent.get(), pair)));
      if (!goes_on) return Status::Ok();
    }
  }
  if (version_->next_series_id == 0) return Status::Ok();
  std::string begin = PostingsPrefix(version_->key, name);
  const size_t value_at = begin.size();
  begin += prefix;
  auto row = store_->NewIterator(Family::kPostings, begin, PrefixEnd(begin));
  for (; row->Valid(); row->Next()) {
    ASSIGN_OR_RETURN(const bool goes_on,
                     visitor(row->key().substr(value_at), RowLoader(row.get())));
    if (!goes_on) return Status::Ok();
  }
  return row->status();
}

Status PartitionIndex::ForEachValueInOrder(std::string_view name,
                                           const ValueVisitor& visitor) const {
  std::vector<std::pair<std::string, RecentLoader>> recent_values;
  for (const auto& recent : recents_) {
    const ReaderLock lock(recent->mutex());
    for (const auto& [value, pair] : recent->postings().Values(name)) {
      recent_values.emplace_back(value, RecentLoader(recent.get(), pair));
    }
  }
  std::sort(recent_values.begin(), recent_values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::string begin = PostingsPrefix(version_->key, name);
  std::unique_ptr<StoreIterator> row;
  if (version_->next_series_id != 0) {
    row = store_->NewIterator(Family::kPostings, begin, PrefixEnd(begin));
  }
  for (size_t next = 0;;) {
    const bool on_disk = row != nullptr && row->Valid();
    if (!on_disk && next == recent_values.size()) break;
    std::string_view value;
    if (on_disk) value = row->key().substr(begin.size());
    if (!on_disk || (next < recent_values.size() && recent_values[next].first < value)) {
      value = recent_values[next].first;
    }
    UnitedLoader loader;
    const RowLoader stored(row.get());
    const bool takes_row = on_disk && row->key().substr(begin.size()) == value;
    if (takes_row) loader.Add(&stored);
    for (; next < recent_values.size() && recent_values[next].first == value; ++next) {
      loader.Add(&recent_values[next].second);
    }
    ASSIGN_OR_RETURN(const bool goes_on, visitor(value, loader));
    if (!goes_on) return Status::Ok();
    if (takes_row) row->Next();
  }
  return row == nullptr ? Status::Ok() : row->status();
}

Result<Postings> PartitionIndex::All() const {
  uint64_t end = version_->next_series_id;
  for (const auto& recent : recents_) {
    const ReaderLock lock(recent->mutex());
    end = std::max<uint64_t>(end, recent->first_id() + recent->size());
  }
  if (end == 0) return Postings();
  return Postings::FromRange(0, end);
}

Status PartitionIndex::ForEachName(
    const std::function<bool(std::string_view name)>& visitor) const {
  for (const auto& recent : recents_) {
    std::vector<std::string> names;
    {
      const ReaderLock lock(recent->mutex());
      for (const std::string_view name : recent->postings().Names()) names.emplace_back(name);
    }
    for (const std::string& name : names) {
      if (!visitor(name)) return Status::Ok();
    }
  }
  if (version_->next_series_id == 0) return Status::Ok();
  const std::string begin = PartitionPrefix(version_->key);
  auto row = store_->NewIterator(Family::kPostings, begin, PrefixEnd(begin));
  std::string name;
  std::string_view value;
  while (row->Valid()) {
    if (!ParsePostingKey(row->key().substr(begin.size()), &name, &value)) {
      return DataLoss("malformed key in the index");
    }
    if (!visitor(name)) return Status::Ok();
    row->Seek(PrefixEnd(PostingsPrefix(version_->key, name)));  // past all values of the name
  }
  return row->status();
}

Status PartitionIndex::ForEachIdentity(
    const std::vector<uint32_t>& ids, const CancelToken& cancel,
    const std::function<void(size_t position, std::string_view row)>& visitor) const {
  uint32_t first_recent = version_->next_series_id;
  for (const auto& recent : recents_) first_recent = std::min(first_recent, recent->first_id());
  const size_t on_disk =
      static_cast<size_t>(std::lower_bound(ids.begin(), ids.end(), first_recent) - ids.begin());
  RETURN_IF_ERROR(IdentitiesOnDisk(ids, on_disk, cancel, visitor));
  SeriesIdentity identity;
  for (size_t i = on_disk; i < ids.size(); ++i) {
    if (i % kRowsPerCheck == 0) RETURN_IF_ERROR(cancel.Check());
    for (const auto& recent : recents_) {
      if (!recent->Lookup(ids[i], &identity)) continue;
      visitor(i, EncodeIdentity(identity.policy, identity.unit, identity.labels));
      break;
    }
  }
  return Status::Ok();
}

Status PartitionIndex::IdentitiesOnDisk(
    const std::vector<uint32_t>& ids, size_t count, const CancelToken& cancel,
    const std::function<void(size_t, std::string_view)>& visitor) const {
  LabelRows nothing_kept(store_, 0, nullptr, nullptr);
  LabelRows::Reader reader(label_rows_ != nullptr ? label_rows_ : &nothing_kept, version_->key,
                           version_->next_series_id);
  constexpr size_t kAtOnce = 32;
  std::vector<std::string_view> rows;
  for (size_t begin = 0; begin < count; begin += kAtOnce) {
    if (begin % kRowsPerCheck == 0) RETURN_IF_ERROR(cancel.Check());
    const size_t size = std::min(kAtOnce, count - begin);
    RETURN_IF_ERROR(reader.Rows(std::span(ids).subspan(begin, size), &rows));
    for (size_t i = 0; i < size; ++i) {
      if (!rows[i].empty()) visitor(begin + i, rows[i]);
    }
  }
  return Status::Ok();
}

Result<Postings> MatchPartition(const PartitionIndex& index, const CatalogState& catalog,
                                const Scope& scope, View view, const Matchers& matchers,
                                const CancelToken& cancel) {
  const SplitMatchers split = Split(matchers, view);
  ASSIGN_OR_RETURN(Postings result, SeriesOfPolicies(index, catalog, scope, split));
  if (!result.empty() && !split.index.empty()) {
    ASSIGN_OR_RETURN(const Postings matched, SelectSeries(index, split.index, cancel));
    result &= matched;
  }
  if (!result.empty() && !scope.required.empty()) {
    Postings permitted;
    for (const Matchers& alternative : scope.required) {
      const SplitMatchers part = Split(alternative, view);
      ASSIGN_OR_RETURN(Postings matched, SeriesOfPolicies(index, catalog, scope, part));
      if (!matched.empty() && !part.index.empty()) {
        ASSIGN_OR_RETURN(const Postings selected, SelectSeries(index, part.index, cancel));
        matched &= selected;
      }
      permitted |= matched;
    }
    result &= permitted;
  }
  return result;
}

bool NeedsShownCheck(const Scope& scope, View view, const Matchers& matchers) {
  if (view == View::kStored) return false;
  const auto needs = [](const Matchers& list) {
    return std::any_of(list.begin(), list.end(), [](const Matcher& m) {
      return m.name() == kExportedDb || m.name() == kExportedRp;
    });
  };
  return needs(matchers) || std::any_of(scope.required.begin(), scope.required.end(), needs);
}

bool ShownMatches(const Scope& scope, const Matchers& matchers, const Labels& shown) {
  if (!MatchesAll(matchers, shown)) return false;
  return scope.required.empty() ||
         std::any_of(scope.required.begin(), scope.required.end(),
                     [&](const Matchers& alternative) { return MatchesAll(alternative, shown); });
}

// A millisecond of PromQL holds all of its nanoseconds.
void BoundsInNs(const SelectRequest& request, int64_t* min_ns, int64_t* max_ns) {
  *min_ns = request.min_time;
  *max_ns = request.max_time;
  if (request.view == View::kStored) return;
  MillisecondsInNs(request.min_time, request.max_time, min_ns, max_ns);
}

bool IsOrdinaryName(std::string_view name) {
  if (name.empty() || (name[0] != 'd' && name[0] != 'r' && name[0] != 'e')) {  // nearly all
    return !IsHiddenLabel(name);
  }
  return name != kDb && name != kRp && name != kExportedDb && name != kExportedRp;
}

Labels ShowLabels(const Labels& stored, const PolicyInfo* policy, View view) {
  if (view == View::kStored) return stored;
  std::vector<Label> shown;
  shown.reserve(stored.size() + 2);
  bool sorted = true;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!shown.empty() && shown.back().name >= name) sorted = false;
    shown.push_back({std::string(name), std::string(value)});
  };
  const bool has_db = stored.Has(kDb);
  const bool has_rp = stored.Has(kRp);
  for (const Label& label : stored) {
    if (IsHiddenLabel(label.name)) continue;
    if (label.name == kDb) {
      add(kExportedDb, label.value);
    } else if (label.name == kRp) {
      add(kExportedRp, label.value);
    } else if (!(label.name == kExportedDb && has_db) && !(label.name == kExportedRp && has_rp)) {
      add(label.name, label.value);
    }
  }
  if (policy != nullptr && !policy->db_label().empty()) add(kDb, policy->db_label());
  if (policy != nullptr && !policy->rp_label().empty()) add(kRp, policy->rp_label());
  if (!sorted) {
    std::sort(shown.begin(), shown.end(),
              [](const Label& a, const Label& b) { return a.name < b.name; });
  }
  return Labels::FromSorted(std::move(shown));
}

}  // namespace tsdb::storage
