// Listing what series there are: which of a day's series match and have samples in the time range,
// and what they are called. Samples are looked at only where neither the day, nor the head, nor the
// headers of chunks tell; with a limit the index leads to the first series in the order of labels.
#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/coding.h"
#include "model/write_batch.h"
#include "storage/engine_impl.h"
#include "storage/select/label_sets.h"
#include "storage/select/partition_index.h"
#include "storage/select/selection.h"

namespace tsdb::storage {
namespace {

// What of a series speaks for listing it. One before and one after the range do so together.
constexpr LabelSets::Flags kWithin = 1;
constexpr LabelSets::Flags kBefore = 2;
constexpr LabelSets::Flags kAfter = 4;

bool IsListed(LabelSets::Flags flags) {
  return (flags & kWithin) != 0 || (flags & (kBefore | kAfter)) == (kBefore | kAfter);
}

int64_t DayStartNs(int32_t day) { return DayStart(day, TimeUnit::kNanoseconds); }

// Turns labels rows into label sets as PromQL sees them, encoded.
class RowView {
 public:
  explicit RowView(const CatalogState* catalog) : catalog_(catalog) {}

  // False when the row is malformed. `labels` lives until the next call, or as long as the row.
  bool Show(std::string_view row, std::string_view* labels) {
    PolicyId policy;
    TimeUnit unit = TimeUnit::kMilliseconds;
    std::string_view stored;
    if (!SplitIdentity(row, &policy, &unit, &stored)) return false;
    const PolicyInfo* const info = catalog_->Find(policy);
    virtual_.clear();
    if (info != nullptr) {
      if (!info->db_label().empty()) virtual_.emplace_back("db", info->db_label());
      if (!info->rp_label().empty()) virtual_.emplace_back("rp", info->rp_label());
    }
    bool as_stored = virtual_.empty();
    shown_.clear();
    size_t next = 0;
    for (std::string_view rest = stored; !rest.empty();) {
      const std::string_view pair = rest;
      std::string_view name;
      std::string_view value;
      if (!GetBytes(&rest, &name) || !GetBytes(&rest, &value)) return false;
      if (!IsOrdinaryName(name)) {
        if (!IsHiddenLabel(name)) return ShowSpecial(stored, info, labels);
        as_stored = false;
        continue;
      }
      if (as_stored) continue;  // a hidden name sorts last
      for (; next < virtual_.size() && virtual_[next].first < name; ++next) AddVirtual(next);
      shown_.append(pair.substr(0, pair.size() - rest.size()));
    }
    if (as_stored) {
      *labels = stored;
      return true;
    }
    if (virtual_.empty()) return ShowSpecial(stored, info, labels);
    for (; next < virtual_.size(); ++next) AddVirtual(next);
    *labels = shown_;
    return true;
  }

 private:
  void AddVirtual(size_t i) {
    PutBytes(&shown_, virtual_[i].first);
    PutBytes(&shown_, virtual_[i].second);
  }

  bool ShowSpecial(std::string_view stored, const PolicyInfo* policy, std::string_view* labels) {
    const Result<Labels> decoded = DecodeLabels(stored);
    if (!decoded.ok()) return false;
    shown_ = EncodeLabels(ShowLabels(*decoded, policy, View::kPrometheus));
    *labels = shown_;
    return true;
  }

  const CatalogState* const catalog_;
  std::vector<std::pair<std::string_view, std::string_view>> virtual_;
  std::string shown_;
};

}  // namespace

// One attempt at a list. Thread-compatible.
class Engine::SeriesFinder {
 public:
  SeriesFinder(const Engine* engine, const SeriesListRequest* request, const CancelToken* cancel)
      : engine_(*engine),
        request_(*request),
        cancel_(*cancel),
        catalog_(engine->catalog_.state()),
        rules_(engine->retention_rules()),
        now_ns_(engine->options_.clock->NowNs()),
        sets_(std::make_unique<LabelSets>()),
        view_(catalog_.get()) {
    MillisecondsInNs(request->min_time_ms, request->max_time_ms, &min_ns_, &max_ns_);
    check_shown_ = std::any_of(
        request->selectors.begin(), request->selectors.end(), [&](const Matchers& selector) {
          return NeedsShownCheck(request->scope, View::kPrometheus, selector);
        });
  }

  // Null when a partition was renumbered meanwhile: to be tried again.
  Result<std::unique_ptr<SeriesList>> Find() {
    for (const PartitionSnapshot& snapshot : engine_.Snapshots(min_ns_, max_ns_)) {
      RETURN_IF_ERROR(cancel_.Check());
      Day day(snapshot, engine_);
      RETURN_IF_ERROR(Match(&day));
      if (day.matched.empty()) continue;
      RETURN_IF_ERROR(FindUnsure(&day));
      bool done = false;
      if (request_.limit != 0 && !check_shown_ && !is_stale_) {
        ASSIGN_OR_RETURN(done, FindFirst(day));
      }
      if (!done && !is_stale_) RETURN_IF_ERROR(AddSeries(day, day.matched.ToVector(), nullptr));
      if (is_stale_) return std::unique_ptr<SeriesList>();
    }
    RETURN_IF_ERROR(cancel_.Check());
    sets_->Finish(request_.limit, IsListed);
    return std::unique_ptr<SeriesList>(std::move(sets_));
  }

 private:
  struct Day {
    Day(const PartitionSnapshot& snapshot, const Engine& engine)
        : version(snapshot.version),
          recents(snapshot.recents),
          index(engine.store_.get(), snapshot.version, snapshot.recents, &engine.label_rows_),
          start_ns(DayStartNs(snapshot.version->key.day)),
          end_ns(DayEndNs(snapshot.version->key.day)) {}

    std::shared_ptr<const PartitionVersion> version;
    std::vector<std::shared_ptr<RecentSeries>> recents;
    PartitionIndex index;
    int64_t start_ns;
    int64_t end_ns;
    Postings matched;
    Postings unsure;                  // of those: whether they have samples is to be looked up
    std::vector<int64_t> kept_since;  // by id, in ns; empty where no rule of retention reaches
  };

  // The first series in the order of labels, one set of label pairs after the other.
  class FirstSeries;

  // Series that match and of which something is left.
  Status Match(Day* day) const {
    for (const Matchers& selector : request_.selectors) {
      ASSIGN_OR_RETURN(const Postings matched,
                       MatchPartition(day->index, *catalog_, request_.scope, View::kPrometheus,
                                      selector, cancel_));
      day->matched |= matched;
    }
    if (!day->version->dead.empty()) {
      day->matched -= engine_.DeadSeries(*day->version, day->matched);
    }
    day->matched -= engine_.EndedSeries(*day->version, min_ns_, day->matched);
    return Status::Ok();
  }

  // Every series of a day has a sample there, unless somebody has deleted or aged it.
  Status FindUnsure(Day* day) {
    RETURN_IF_ERROR(ApplyRules(day));
    if (!Covers(*day)) {
      day->unsure = day->matched;
      return Status::Ok();
    }
    for (const Tombstone& tombstone : day->version->tombstones) {
      day->unsure |= tombstone.series & day->matched;
    }
    ASSIGN_OR_RETURN(const Postings strings, StringSeries(day->index));
    day->unsure |= strings & day->matched;
    return Status::Ok();
  }

  Status ApplyRules(Day* day) const {
    if (!rules_->Reach(std::max(min_ns_, day->start_ns), now_ns_)) return Status::Ok();
    day->kept_since.assign(day->matched.empty() ? 0 : day->matched.max() + size_t{1}, INT64_MIN);
    RETURN_IF_ERROR(rules_->Apply(day->index, *catalog_, now_ns_, &day->kept_since));
    std::vector<uint32_t> gone;
    std::vector<uint32_t> cut;
    day->matched.ForEach([&](uint32_t id) {
      if (day->kept_since[id] >= day->end_ns) {
        gone.push_back(id);
      } else if (day->kept_since[id] > day->start_ns) {
        cut.push_back(id);
      }
    });
    day->matched -= Postings(gone);
    day->unsure = Postings(cut);
    return Status::Ok();
  }

  // Whether all samples of the day are in the time range.
  bool Covers(const Day& day) {
    if (min_ns_ <= day.start_ns && max_ns_ >= day.end_ns - 1) return true;
    const MutexLock lock(engine_.head_mutex_);
    const Partition* const partition = FindPartition(day);
    if (partition == nullptr) return false;
    int64_t first_ms = std::min(partition->min_time_ms, partition->frozen_min_ms);
    int64_t last_ms = std::max(partition->max_time_ms, partition->frozen_max_ms);
    for (const Segment& segment : partition->version()->segments) {
      first_ms = std::min(first_ms, segment.min_time_ms);
      last_ms = std::max(last_ms, segment.max_time_ms);
    }
    return request_.min_time_ms <= first_ms && request_.max_time_ms >= last_ms;
  }

  // The head's partition of the day; null, and then the list is stale, when that is another one
  // now.
  const Partition* FindPartition(const Day& day) EXCLUSIVE_LOCKS_REQUIRED(engine_.head_mutex_) {
    const auto found = engine_.partitions_.find(day.version->key.day);
    if (found != engine_.partitions_.end() && found->second->key() == day.version->key) {
      return found->second.get();
    }
    is_stale_ = true;
    return nullptr;
  }

  // Series that may hold strings, which PromQL does not see.
  Result<Postings> StringSeries(const PartitionIndex& index) {
    Postings result;
    std::vector<PolicyId> policies;
    RETURN_IF_ERROR(index.ForEachValue(
        kPolicyPair, {}, [&](std::string_view value, const IndexReader::Loader&) -> Result<bool> {
          PolicyId id;
          if (!GetKey32(&value, &id.value)) return DataLoss("malformed policy in the index");
          if (id != kPrometheusPolicy) policies.push_back(id);
          return true;
        }));
    if (policies.empty()) return result;
    for (const PolicyId policy : policies) {
      std::set<std::pair<std::string, std::string>> fields;
      ASSIGN_OR_RETURN(const std::vector<FieldTypeEntry> types,
                       ListFieldTypes(*engine_.store_, policy, {}));
      for (const FieldTypeEntry& type : types) {
        if (type.type == ValueType::kString) fields.emplace(type.measurement, type.field);
      }
      for (const auto& [measurement, field] : fields) {
        ASSIGN_OR_RETURN(Postings series, index.Get(kFieldLabel, field));
        if (series.empty()) continue;
        ASSIGN_OR_RETURN(const Postings of_measurement, index.Get(kMeasurementLabel, measurement));
        result |= series & of_measurement;
      }
    }
    return result;
  }

  // Adds those of `ids` (rising) that have samples. `listed`, may be null, gets the numbers of
  // their label sets.
  Status AddSeries(const Day& day, const std::vector<uint32_t>& ids,
                   std::vector<uint32_t>* listed) {
    std::vector<uint32_t> found;
    std::vector<LabelSets::Flags> flags;
    constexpr size_t kAtOnce = 16384;  // bounds what is captured of the head
    for (size_t begin = 0; begin < ids.size() && !is_stale_; begin += kAtOnce) {
      RETURN_IF_ERROR(cancel_.Check());
      const size_t size = std::min(kAtOnce, ids.size() - begin);
      RETURN_IF_ERROR(FindPresent(day, std::span(ids).subspan(begin, size), &found, &flags));
    }
    return day.index.ForEachIdentity(found, cancel_, [&](size_t position, std::string_view row) {
      std::string_view labels;
      if (!view_.Show(row, &labels) || (check_shown_ && !Matches(labels))) return;
      const uint32_t number = sets_->Add(labels, flags[position]);
      if (listed != nullptr && (flags[position] & kWithin) != 0) listed->push_back(number);
    });
  }

  bool Matches(std::string_view encoded) const {
    const Result<Labels> labels = DecodeLabels(encoded);
    return labels.ok() && std::any_of(request_.selectors.begin(), request_.selectors.end(),
                                      [&](const Matchers& selector) {
                                        return ShownMatches(request_.scope, selector, *labels);
                                      });
  }

  // Appends those of `ids` that are to be listed, or may be, and why.
  Status FindPresent(const Day& day, std::span<const uint32_t> ids, std::vector<uint32_t>* found,
                     std::vector<LabelSets::Flags>* flags) {
    std::vector<LabelSets::Flags> of(ids.size(), kWithin);
    std::vector<uint32_t> unsure;
    std::vector<uint32_t> place;  // in ids
    if (!day.unsure.empty()) {
      const Postings among = Postings(ids) & day.unsure;
      size_t i = 0;
      among.ForEach([&](uint32_t id) {
        while (ids[i] != id) ++i;
        unsure.push_back(id);
        place.push_back(static_cast<uint32_t>(i));
      });
    }
    if (!unsure.empty()) {
      std::vector<LabelSets::Flags> looked_up;
      RETURN_IF_ERROR(LookUp(day, unsure, &looked_up));
      if (is_stale_) return Status::Ok();
      for (size_t i = 0; i < unsure.size(); ++i) of[place[i]] = looked_up[i];
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      if (of[i] == 0) continue;
      found->push_back(ids[i]);
      flags->push_back(of[i]);
    }
    return Status::Ok();
  }

  // What the head and the segments say of `ids`.
  Status LookUp(const Day& day, const std::vector<uint32_t>& ids,
                std::vector<LabelSets::Flags>* flags) {
    flags->assign(ids.size(), 0);
    Selection within(engine_.store_.get(), &engine_.pool_, &engine_.metrics_, View::kPrometheus,
                     min_ns_, max_ns_);
    within.set_last_only(true);
    if (!Capture(day, ids, &within)) return Status::Ok();
    std::vector<uint32_t> rest;
    const std::vector<LatestSample>& latest = within.partitions()[0].latest;
    for (size_t i = 0; i < ids.size(); ++i) {
      const LatestSample known = i < latest.size() ? latest[i] : LatestSample();
      const Selection::Member member{0, static_cast<uint32_t>(i)};
      bool has = false;
      if (known.state != LatestSample::State::kUnknown) {
        has = known.state == LatestSample::State::kFloat &&
              IsKept(day, ids[i], known.timestamp_ms, TimeUnit::kMilliseconds);
      } else if (IsCut(day, ids[i])) {
        ASSIGN_OR_RETURN((*flags)[i], FlagsOf(day, within, ids[i], member));
        has = (*flags)[i] != 0;
      } else {
        ASSIGN_OR_RETURN(has, within.HasNumbers(member));
      }
      if (has) (*flags)[i] = kWithin;
      if (!has) rest.push_back(static_cast<uint32_t>(i));
    }
    return rest.empty() ? Status::Ok() : LookAround(day, ids, rest, flags);
  }

  // Of the series at the positions `rest` of `ids`: whether they have samples near the range.
  Status LookAround(const Day& day, const std::vector<uint32_t>& ids,
                    const std::vector<uint32_t>& rest, std::vector<LabelSets::Flags>* flags) {
    const int64_t length = request_.chunk_range_ms;
    if (length == 0) return Status::Ok();
    const auto chunk_of = [length](int64_t time) {
      return time / length - (time % length < 0 ? 1 : 0);
    };
    const int64_t chunk = chunk_of(request_.min_time_ms);
    if (chunk != chunk_of(request_.max_time_ms)) return Status::Ok();
    int64_t min_ns = 0;
    int64_t max_ns = 0;
    MillisecondsInNs(chunk * length, chunk * length + length - 1, &min_ns, &max_ns);
    Selection around(engine_.store_.get(), &engine_.pool_, &engine_.metrics_, View::kPrometheus,
                     min_ns, max_ns);
    std::vector<uint32_t> left;
    for (const uint32_t i : rest) left.push_back(ids[i]);
    if (!Capture(day, left, &around)) return Status::Ok();
    for (size_t i = 0; i < left.size(); ++i) {
      ASSIGN_OR_RETURN((*flags)[rest[i]],
                       FlagsOf(day, around, left[i], {0, static_cast<uint32_t>(i)}));
    }
    return Status::Ok();
  }

  static bool IsCut(const Day& day, uint32_t id) {
    return id < day.kept_since.size() && day.kept_since[id] > day.start_ns;
  }

  static bool IsKept(const Day& day, uint32_t id, int64_t time, TimeUnit unit) {
    return !IsCut(day, id) || ToNanoseconds(time, unit) >= day.kept_since[id];
  }

  // By the samples of a member of `selection`.
  Result<LabelSets::Flags> FlagsOf(const Day& day, const Selection& selection, uint32_t id,
                                   const Selection::Member& member) const {
    std::vector<SampleBlock> runs;
    RETURN_IF_ERROR(selection.Load(member, &runs));
    LabelSets::Flags flags = 0;
    for (const SampleBlock& run : runs) {
      if (run.type == ValueType::kString) continue;
      for (const int64_t time : run.timestamps) {
        if (!IsKept(day, id, time, run.unit)) continue;
        const int64_t time_ms = ToMilliseconds(time, run.unit);
        flags |= time_ms < request_.min_time_ms   ? kBefore
                 : time_ms > request_.max_time_ms ? kAfter
                                                  : kWithin;
      }
    }
    return flags;
  }

  // Makes `ids` the members of `selection`, with what the head holds of them.
  bool Capture(const Day& day, const std::vector<uint32_t>& ids, Selection* selection) {
    SelectedPartition partition;
    partition.version = day.version;
    partition.ids = ids;
    selection->partitions().push_back(std::move(partition));
    if (!engine_.CaptureHead(false, min_ns_, selection)) is_stale_ = true;
    return !is_stale_;
  }

  Result<bool> FindFirst(const Day& day);

  // The series of a canonical hash, or SeriesTable::kNone.
  Result<uint32_t> FindStored(const Day& day, Hash128 hash) {
    {
      const MutexLock lock(engine_.head_mutex_);
      const Partition* const partition = FindPartition(day);
      if (partition == nullptr) return SeriesTable::kNone;
      const uint32_t recent = partition->FindRecent(hash);
      if (recent != SeriesTable::kNone) return recent;
    }
    ASSIGN_OR_RETURN(const std::optional<std::string> row,
                     engine_.store_->Get(Family::kHashes, HashKey(day.version->key, hash)));
    uint32_t id = SeriesTable::kNone;
    if (row.has_value()) {
      std::string_view value = *row;
      if (!GetKey32(&value, &id)) return DataLoss("malformed row of a series' hash");
    }
    return id;
  }

  const Engine& engine_;
  const SeriesListRequest& request_;
  const CancelToken& cancel_;
  const std::shared_ptr<const CatalogState> catalog_;
  const std::shared_ptr<const RetentionRules> rules_;
  const int64_t now_ns_;
  int64_t min_ns_ = 0;
  int64_t max_ns_ = 0;
  bool check_shown_ = false;
  std::unique_ptr<LabelSets> sets_;
  RowView view_;
  bool is_stale_ = false;
};

// Labels are compared pair by pair, so of the series that match those with the least name come
// first, by its values; then, of those that share that pair, those with the least next name. The
// index knows which series have a pair: what is left after a few pairs is so little that all of it
// is read and sorted.
class Engine::SeriesFinder::FirstSeries {
 public:
  FirstSeries(SeriesFinder* finder, const Day& day)
      : finder_(*finder),
        day_(day),
        few_(std::max<uint64_t>(64, 2 * finder->request_.limit)),
        rows_left_(8192 + 8 * finder->request_.limit + day.matched.size() / 16),
        lookups_left_(8192 + day.matched.size() / 2) {}

  // False when that would be as much work as to read everything.
  Result<bool> Find() {
    if (day_.matched.size() > few_) RETURN_IF_ERROR(ListNames());
    return Descend(day_.matched, 0);
  }

 private:
  bool IsEnough() const { return listed_.size() >= finder_.request_.limit || finder_.is_stale_; }

  Status ListNames() {
    std::set<std::string> names;
    RETURN_IF_ERROR(day_.index.ForEachName([&](std::string_view name) {
      if (IsHiddenLabel(name)) return true;
      if (!IsOrdinaryName(name)) is_ordinary_ = false;
      names.emplace(name);
      return true;
    }));
    names_.assign(names.begin(), names.end());
    return day_.index.ForEachValue(
        kPolicyPair, {},
        [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
          if (value == PolicyPairValue(kPrometheusPolicy)) return true;
          ASSIGN_OR_RETURN(const Postings series, loader.Load());
          if (series.Intersects(day_.matched)) is_ordinary_ = false;
          return true;
        });
  }

  // Lists the first of `series`, which share the pairs of prefix_, and whose other names are those
  // from names_[next] on.
  Result<bool> Descend(Postings series, size_t next) {
    RETURN_IF_ERROR(finder_.cancel_.Check());
    if (series.size() <= few_ || next == names_.size()) return AddAll(series);
    // Shown labels differ from stored ones, but not in the first name, if that is before `db`.
    if (!is_ordinary_ && (next > 0 || names_[0] >= "db")) return AddAll(series);
    ASSIGN_OR_RETURN(bool goes_on, AddExact(&series));
    for (; goes_on && next < names_.size() && series.size() > few_; ++next) {
      if (IsEnough()) return true;
      const std::string& name = names_[next];
      bool gave_up = false;
      uint64_t lookups = 64 + series.size() / 2;
      RETURN_IF_ERROR(day_.index.ForEachValueInOrder(
          name, [&](std::string_view value, const IndexReader::Loader& loader) -> Result<bool> {
            if (lookups == 0 || lookups_left_ == 0) {
              gave_up = true;
              return false;
            }
            --lookups;
            --lookups_left_;
            ASSIGN_OR_RETURN(Postings with_pair, loader.Load());
            with_pair &= series;
            if (with_pair.empty()) return true;
            series -= with_pair;
            const size_t size = prefix_.size();
            prefix_.push_back({name, std::string(value)});
            ASSIGN_OR_RETURN(goes_on, Descend(std::move(with_pair), next + 1));
            prefix_.resize(size);
            return goes_on && !IsEnough() && !series.empty();
          }));
      if (gave_up) break;
      if (!is_ordinary_) break;
    }
    if (!goes_on) return false;
    if (IsEnough()) return true;
    return AddAll(series);
  }

  // The series that has the labels of prefix_ and no other comes before those with more.
  Result<bool> AddExact(Postings* series) {
    if (prefix_.empty() || !is_ordinary_) return true;
    const Labels labels = Labels::FromSorted(prefix_);
    for (const TimeUnit unit : {TimeUnit::kMilliseconds, TimeUnit::kNanoseconds}) {
      const Hash128 hash = finder_.engine_.CanonicalHash(kPrometheusPolicy, unit, labels);
      ASSIGN_OR_RETURN(const uint32_t id, finder_.FindStored(day_, hash));
      if (id == SeriesTable::kNone || !series->Contains(id)) continue;
      const SeriesId one[] = {id};
      ASSIGN_OR_RETURN(const bool goes_on, AddAll(Postings(one)));
      if (!goes_on) return false;
      series->Remove(id);
    }
    return true;
  }

  Result<bool> AddAll(const Postings& series) {
    if (series.size() > rows_left_) return false;
    rows_left_ -= series.size();
    std::vector<uint32_t> numbers;
    RETURN_IF_ERROR(finder_.AddSeries(day_, series.ToVector(), &numbers));
    listed_.insert(numbers.begin(), numbers.end());
    return true;
  }

  SeriesFinder& finder_;
  const Day& day_;
  const uint64_t few_;
  uint64_t rows_left_;
  uint64_t lookups_left_;
  std::vector<std::string> names_;  // as shown, sorted
  bool is_ordinary_ = true;         // every series that matches is shown as it is stored
  std::vector<Label> prefix_;
  std::set<uint32_t> listed_;  // label sets
};

Result<bool> Engine::SeriesFinder::FindFirst(const Day& day) {
  return FirstSeries(this, day).Find();
}

Result<std::unique_ptr<SeriesList>> Engine::ListSeries(const SeriesListRequest& request,
                                                       const CancelToken& cancel) const {
  for (;;) {
    SeriesFinder finder(this, &request, &cancel);
    ASSIGN_OR_RETURN(auto list, finder.Find());
    if (list != nullptr) return list;
  }
}

}  // namespace tsdb::storage
