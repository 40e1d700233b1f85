// All that other rooms see of storage: appending batches, selecting samples, the catalog of
// databases and a small durable key-value store for the state of other rooms. `storage/engine.h`
// opens the real one.
//
// Every class here is thread-safe unless it says otherwise. Time bounds are inclusive: [min, max].
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/result.h"
#include "model/database_id.h"
#include "model/exemplar.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/matcher.h"
#include "model/metadata.h"
#include "model/sample.h"
#include "model/write_batch.h"

namespace tsdb::storage {

// ---------------------------------------------------------------------------------------------------
// Append

// What became of a sample or series. Expected and frequent, so an enum that is counted, not a
// Status.
enum class AppendVerdict : uint8_t {
  kStored,          // durable, or an identical sample was there already
  kInvalidLabels,   // the series' bytes do not decode to a valid label set
  kTooOld,          // before what the policy retains
  kTooFarInFuture,  // more than 10 min ahead by a Prometheus protocol
  kTypeConflict,  // another type in this field and shard group (Influx), or float against histogram
  kSeriesLimit,   // a limit of active series is reached
  kInvalidHistogram,
};
inline constexpr int kAppendVerdictCount = 7;
std::string_view AppendVerdictName(AppendVerdict verdict);  // "stored", "too old" ...

struct AppendReport {
  struct Rejection {
    uint32_t series_index = 0;  // into WriteBatch::series
    uint32_t point_count = 0;   // how many of its points were refused
    AppendVerdict verdict = AppendVerdict::kStored;
    std::string reason;  // whole sentence for the client; set for the first kMaxReasons only
  };
  static constexpr size_t kMaxReasons = 20;

  uint64_t stored_points = 0;      // identical duplicates count as stored
  uint64_t stored_histograms = 0;  // those of stored_points that are histograms
  uint64_t rejected_points = 0;
  uint64_t new_series = 0;
  uint64_t stored_exemplars = 0;
  uint64_t stored_metadata = 0;
  std::vector<Rejection> rejections;  // one a series, in series order
};

class Appender {
 public:
  virtual ~Appender() = default;

  // Stores what is valid and returns when that is durable as `--storage.sync` says and visible to
  // queries. A non-OK status means that nothing of the batch is guaranteed: kUnavailable when
  // shutting down, kResourceExhausted when overloaded or the disk is full (read-only mode),
  // kNotFound for an unknown policy.
  virtual Result<AppendReport> Append(const WriteBatch& batch) = 0;
};

// ---------------------------------------------------------------------------------------------------
// Select

// Which samples somebody may see or wants: the policies, in the order of their ids.
struct Scope {
  bool all = true;                 // every policy of every database
  std::vector<PolicyId> policies;  // sorted; only when !all
  // Enforced on every series besides the query's own matchers (a user's tenant isolation).
  std::vector<Matchers> required;  // a series must match one of them; empty: no restriction
};

// How series are shown.
enum class View : uint8_t {
  // PromQL: hidden labels removed, virtual labels `db` and `rp` added, a stored `db` or `rp` shown
  // as
  // `exported_db`, `exported_rp`; floats, integers as floats, booleans as 0 and 1, histograms; no
  // strings;
  // timestamps in milliseconds, of two samples in one millisecond the later; stored series that
  // show the
  // same labels merged, the newer sample winning.
  kPrometheus,
  // As stored: hidden labels present, every type, the series' own time unit, nothing merged.
  kStored,
};

struct SelectRequest {
  Scope scope;
  View view = View::kPrometheus;
  // Conjunction. With kPrometheus `db` and `rp` select virtual labels. Empty selects every series.
  Matchers matchers;
  // In milliseconds with kPrometheus; in nanoseconds with kStored, whatever the series' unit.
  int64_t min_time = std::numeric_limits<int64_t>::min();
  int64_t max_time = std::numeric_limits<int64_t>::max();
  // Only series without samples being opened: labels are wanted (/series). Cheaper.
  bool labels_only = false;
  // At most this many series, or values of a label: the first ones. 0: no limit.
  size_t limit = 0;
};

// What a sample of a downsampled series stands for. Of a step's samples that stayed the last has
// the step's count, sum and resets, the others count 0 and have what the sum changes by where they
// were written over later. A count of 1 is a sample as it came, whose
// sum is its value.
struct SampleWeight {
  uint32_t count = 1;
  double sum = 0;
  double reset_sum = 0;  // of values before counter resets within the step
};

// Decoded samples of one series in time order, as columns. Reused from call to call by the reader.
struct SampleBlock {
  ValueType type = ValueType::kFloat;
  TimeUnit unit = TimeUnit::kMilliseconds;
  std::vector<int64_t> timestamps;
  std::vector<double> floats;             // kFloat
  std::vector<int64_t> integers;          // kInteger, kBoolean (0 or 1)
  std::vector<std::string> strings;       // kString
  std::vector<HistogramPtr> histograms;   // kHistogram
  std::vector<int64_t> start_timestamps;  // empty, or one for each sample, 0 where unknown
  std::vector<SampleWeight> weights;      // empty, or one for each sample; floats only

  size_t size() const { return timestamps.size(); }
  bool empty() const { return timestamps.empty(); }
  void Clear();
};

// Reads one series' samples. Thread-compatible; valid while its SeriesSelection lives.
class SampleCursor {
 public:
  virtual ~SampleCursor() = default;
  // Fills `block` with the next run of samples (at least one, all of one type, timestamps rising
  // across calls) and returns true; false at the end. kDataLoss names a damaged chunk; reading may
  // go on after it. With View::kPrometheus the blocks are kFloat or kHistogram. Stale markers are
  // returned as they are.
  virtual Result<bool> Next(SampleBlock* block) = 0;
};

// The series that match, and their samples at the time of the call (a consistent snapshot: samples
// appended later are not seen). Series with no sample in the time range may be among them.
class SeriesSelection {
 public:
  virtual ~SeriesSelection() = default;
  virtual size_t size() const = 0;
  // Sorted by labels as shown in the view, each label set once (kPrometheus); views live with the
  // selection.
  virtual const Labels& labels(size_t index) const = 0;
  virtual PolicyId policy(size_t index) const = 0;  // of the first where merged
  // Cursors of different series may be used from different threads at once.
  virtual std::unique_ptr<SampleCursor> Open(size_t index) const = 0;
  // How many stored series were merged into others because they show the same labels.
  virtual size_t merged_series() const { return 0; }
};

class Querier {
 public:
  virtual ~Querier() = default;

  virtual Result<std::unique_ptr<SeriesSelection>> Select(const SelectRequest& request,
                                                          const CancelToken& cancel) const = 0;
  // Sorted, unique. With kPrometheus hidden names are left out and virtual ones included.
  virtual Result<std::vector<std::string>> LabelNames(const SelectRequest& request,
                                                      const CancelToken& cancel) const = 0;
  virtual Result<std::vector<std::string>> LabelValues(std::string_view name,
                                                       const SelectRequest& request,
                                                       const CancelToken& cancel) const = 0;

  struct SeriesExemplars {
    Labels labels;
    std::vector<Exemplar> exemplars;  // by time
  };
  virtual Result<std::vector<SeriesExemplars>> SelectExemplars(
      const SelectRequest& request) const = 0;

  // Metadata of one metric, or of all with an empty name; newest last, distinct; at most `limit`
  // metrics (0: all).
  virtual std::vector<std::pair<std::string, std::vector<MetricMetadata>>> Metadata(
      std::string_view metric_name, size_t limit) const = 0;
};

// The type that an Influx field has in one shard group.
struct FieldTypeEntry {
  std::string measurement;
  std::string field;
  int64_t group_start_ns = 0;
  ValueType type = ValueType::kFloat;
};

// ---------------------------------------------------------------------------------------------------
// Catalog

struct RetentionPolicy {
  PolicyId id;
  std::string name;
  int64_t duration_ns = 0;              // 0: for ever
  int64_t shard_group_duration_ns = 0;  // what field type conflicts go by
  int64_t replication = 1;              // InfluxDB's REPLICATION, kept and shown
  bool is_initial = false;              // created with its database: no virtual `rp` label
};

struct Database {
  DatabaseId id;
  std::string name;
  std::string default_policy;
  std::vector<RetentionPolicy> policies;  // in order of creation
};

// Databases and retention policies, durable. Changes are atomic and return when durable.
class Catalog {
 public:
  virtual ~Catalog() = default;

  virtual std::vector<Database> List()
      const = 0;  // by name; `prometheus` only once it holds a series
  virtual std::optional<Database> Find(std::string_view name) const = 0;
  // Kept up to date cheaply, for hot paths: the policy `policy_name` (empty: the default) of
  // `database`. kNotFound "database not found: ..." or "retention policy not found: ...".
  virtual Result<PolicyId> Resolve(std::string_view database,
                                   std::string_view policy_name) const = 0;

  // An existing database of that name is not an error (InfluxDB's rule). `initial` may be null:
  // "autogen", for ever.
  virtual Status CreateDatabase(std::string_view name, const RetentionPolicy* initial) = 0;
  virtual Status DropDatabase(
      std::string_view name) = 0;  // unknown: OK. Its samples are gone at once.
  virtual Status CreatePolicy(std::string_view database, const RetentionPolicy& policy,
                              bool make_default) = 0;
  struct PolicyChange {
    std::optional<int64_t> duration_ns;
    std::optional<int64_t> shard_group_duration_ns;
    std::optional<int64_t> replication;
    bool make_default = false;
  };
  virtual Status AlterPolicy(std::string_view database, std::string_view policy,
                             const PolicyChange& change) = 0;
  virtual Status DropPolicy(std::string_view database, std::string_view policy) = 0;  // unknown: OK
};

// ---------------------------------------------------------------------------------------------------
// Durable state of other rooms: alerts, notifications, pushed groups, users, monitor items. Small
// values; keys are "<room>/<kind>/<id>". Every change is durable when the call returns.
class StateStore {
 public:
  virtual ~StateStore() = default;
  struct Change {
    std::string key;
    std::optional<std::string> value;  // nullopt deletes
  };
  virtual Status Apply(const std::vector<Change>& changes) = 0;  // atomic
  virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Keys with the prefix, in byte order, with their values.
  virtual Result<std::vector<std::pair<std::string, std::string>>> Scan(
      std::string_view prefix) const = 0;
};

// ---------------------------------------------------------------------------------------------------
// Maintenance

struct DeleteRequest {
  Scope scope;
  View view = View::kPrometheus;    // which labels the matchers see
  std::vector<Matchers> selectors;  // series that match any of them
  int64_t min_time =
      std::numeric_limits<int64_t>::min();  // milliseconds (kPrometheus), nanoseconds (kStored)
  int64_t max_time = std::numeric_limits<int64_t>::max();
  // Of Influx measurements named by an equality that have no series left, the types of fields may be
  // chosen anew.
  bool forget_field_types = false;
  bool dry_run = false;
};

struct DeleteReport {
  uint64_t series = 0;
  uint64_t samples = 0;     // only counted with dry_run
  uint64_t size_bytes = 0;  // estimate of what rewriting gives back; only with dry_run
};

struct Cardinality {
  struct Item {
    std::string name;
    uint64_t count = 0;
  };
  uint64_t active_series = 0;  // in the head
  uint64_t head_chunks = 0;
  int64_t min_time_ms = 0;
  int64_t max_time_ms = 0;
  uint64_t label_pairs = 0;
  std::vector<Item> series_by_metric;
  std::vector<Item> values_by_label;
  std::vector<Item> bytes_by_label;
  std::vector<Item> series_by_label_pair;  // name "label=value"
};

struct VerifyReport {
  uint64_t files = 0;  // table files whose blocks were all read
  uint64_t series = 0;
  uint64_t samples = 0;  // decoded
  // What is damaged: a file with the place in it, or the chunks of a series.
  std::vector<std::string> damaged;
  static constexpr size_t kMaxDamaged = 1000;
};

// Samples of series that `selector` matches, labels as PromQL sees them, are kept for `time_ms`
// only. The shortest time that a series' database and rules give it counts.
struct RetentionRule {
  Matchers selector;
  int64_t time_ms = 0;
};

// Days that ended `after_ms` ago keep of the series that `selector` matches (an empty one: all)
// only what storage/downsample.h says.
struct DownsamplingRule {
  Matchers selector;
  int64_t after_ms = 0;
  int64_t resolution_ms = 0;
};

class Maintenance {
 public:
  virtual ~Maintenance() = default;
  // From now on what a rule makes too old is in no selection; its space is given back by rewriting.
  virtual void SetRetentionRules(std::vector<RetentionRule> rules) = 0;
  // Of several rules for one series the coarsest counts. What was downsampled stays so.
  virtual void SetDownsamplingRules(std::vector<DownsamplingRule> rules) = 0;
  virtual Result<DeleteReport> Delete(const DeleteRequest& request) = 0;
  // Seals every open chunk, rewrites every partition, trims journal and obsolete files; returns
  // when the size on disk is final.
  virtual Status Compact() = 0;
  // A consistent copy in `directory`, which must not exist.
  virtual Status Snapshot(const std::string& directory) = 0;
  // Reads everything that is stored. An error only when it could not go on.
  virtual Result<VerifyReport> Verify() const = 0;
  virtual Cardinality GetCardinality(size_t limit) const = 0;
};

class Storage : public Appender, public Querier, public Maintenance {
 public:
  // The types of an Influx policy's fields, of one measurement or of all with an empty name; by
  // measurement, field and shard group.
  virtual Result<std::vector<FieldTypeEntry>> FieldTypesOf(PolicyId policy,
                                                           std::string_view measurement) const = 0;
  virtual Catalog& catalog() = 0;
  virtual StateStore& state() = 0;
};

}  // namespace tsdb::storage
