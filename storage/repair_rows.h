// Makes the rows of a salvaged store agree with each other again: what other rows tell is made
// again, what nothing tells is taken out and named. Cut by what is repaired: repair_meta.cc (the
// format, the secret, databases, the next segment's id), repair_days.cc (descriptions of days),
// repair_index.cc (labels, posting lists, hashes), repair_chunks.cc, repair_journal.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/index/postings.h"
#include "storage/repair.h"
#include "storage/rocks/key_layout.h"
#include "storage/rocks/salvage.h"
#include "storage/rocks/store.h"
#include "storage/segment.h"

namespace tsdb::storage {

// Collects single rows and writes them some thousands at a time. Thread-compatible.
class RowWriter {
 public:
  // `store` is borrowed.
  explicit RowWriter(Store* store) : store_(store) {}
  Status Put(Family family, std::string key, std::string value);
  Status Delete(Family family, std::string key);
  // Makes all of them durable; until then a read of the store may miss some.
  Status Finish();

 private:
  Status FinishIfFull();

  Store* const store_;
  StoreBatch batch_;
};

// One repair. Thread-compatible; nobody else uses the store meanwhile.
class RowRepairer {
 public:
  // All are borrowed. `store` is the one that `salvage` made. `report` has the salvage's damage
  // already; what is found to be damaged or lost and what is made again is added to it.
  RowRepairer(Store* store, const Salvage& salvage, RepairReport* report)
      : store_(store), salvage_(salvage), report_(report), writer_(store) {}

  // Once. All rows are in tables afterwards, none in the log. After an error the store is of no
  // use: kNotFound when its rows are not those of a tsdbd store, kFailedPrecondition when they are
  // of a format that this program does not know, others when it cannot be read or written.
  Status Run();

 private:
  // --- what the salvage tells (repair_rows.cc). Keys in [begin, end), an empty `end` is no bound.
  bool MayHaveLost(Family family, std::string_view begin, std::string_view end) const;
  bool MayHaveLost(Family family, const PartitionKey& key) const;
  bool MayHaveLostMeta(std::string_view prefix) const;
  // Of a row that is written over: whether what is there may be an earlier one.
  bool IsDoubtful(std::string_view meta_key) const;

  // The rows of a day.
  std::unique_ptr<StoreIterator> RowsOf(Family family, const PartitionKey& key) const;
  Status Finish();

  // --- repair_meta.cc
  Status RepairFormat();
  Status RepairSecret();
  // Samples of a policy that the catalog does not know would be dropped by the next rewrite. They
  // become databases of their own.
  Status RepairCatalog();
  Status CreateDatabases(const std::set<uint32_t>& policies);
  // The policies of all series, stored and in the journal.
  Result<std::set<uint32_t>> PoliciesInUse() const;
  Status RepairNextSegment();
  Result<uint32_t> GreatestSegment() const;
  void NameLostMeta();

  // --- repair_days.cc
  Status RepairDays();
  // Adds days to `doubtful_` that have rows of the family and no description. The last generation
  // counts.
  Status FindDays(Family family);
  // A description from the day's rows and from what an earlier one said.
  Status DescribeDay(int32_t day, PartitionVersion earlier);
  uint32_t NextSeriesId(const PartitionKey& key) const;
  // Segments with rows, those that are about to be dropped left out. Their times are not known yet.
  Result<std::map<uint32_t, Segment>> FindSegments(const PartitionKey& key) const;

  // --- repair_index.cc
  Status RepairIndex(PartitionVersion* version);
  struct LostLabels;
  // Labels from the posting lists that name the series. Its hash tells whether they are all there.
  Status RebuildLabels(PartitionVersion* version, bool has_all_postings);
  // Series below `next_series_id` without a labels row.
  Result<Postings> SeriesWithoutLabels(const PartitionVersion& version) const;
  // What posting lists and hashes tell of them, by id.
  std::map<uint32_t, LostLabels> FindLabels(const PartitionKey& key, const Postings& series) const;
  // The labels row, empty when it cannot be told.
  std::string LabelsRowOf(LostLabels* series, bool has_all_postings) const;
  Status RebuildPostings(const PartitionVersion& version);
  Status RebuildHashes(const PartitionVersion& version);
  Status Ingest(std::unique_ptr<TableBuilder> table);

  // --- repair_chunks.cc
  Status RepairChunks(PartitionVersion* version);
  // Take out what cannot be decoded and add its series to `damaged`. With `describes` the segment
  // gets the times and the count of the samples that are there.
  Status RepairFragments(const PartitionVersion& version, bool describes, Segment* segment,
                         std::set<uint32_t>* damaged);
  Status RepairSealed(const PartitionVersion& version, bool describes, Segment* segment,
                      std::set<uint32_t>* damaged);
  Status ReplaceChunks(std::string key, std::string value);
  Status NameLostChunks(const PartitionVersion& version, const Segment& segment);
  // Some of the series, for a report: " (m{a="b"}, ... and 12 more)".
  std::string SeriesText(const PartitionKey& key, const std::set<uint32_t>& series) const;

  // --- repair_journal.cc
  // A record relies on those before it, so what lies behind a missing one is worth nothing.
  Status RepairJournal();
  // Of a journal whose records are all there; `row` says where it begins, or began earlier.
  Status RepairJournalBegin(const std::optional<std::string>& row);

  Store* const store_;
  const Salvage& salvage_;
  RepairReport* const report_;
  RowWriter writer_;
  uint64_t secret_ = 0;
  bool secret_is_new_ = false;
  std::map<int32_t, PartitionVersion> versions_;  // by day
  std::map<int32_t, PartitionVersion> doubtful_;  // what is known of days without a description
  std::set<int32_t> changed_;                     // days whose description is to be written
};

// Words of reports: "2026-03-01", "12 series".
std::string DayText(int32_t day);
std::string CountText(uint64_t count, std::string_view what);

}  // namespace tsdb::storage
