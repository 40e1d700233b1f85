// Repairs a data directory that no server has open: what can be read goes into a new store, what
// can be told from the rest is made again (an index from labels, labels from an index, a day's
// description from its rows), what is lost is named. The damaged directory is never written to; it
// is exchanged for the new one in one step and kept under another name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace tsdb::storage {

struct RepairOptions {
  std::string path;
  std::string target;    // where the repaired store goes; empty: into the place of `path`
  bool dry_run = false;  // does all of it, and leaves nothing
};

struct RepairReport {
  std::vector<std::string> damage;   // files and rows, each with what is wrong. Empty: none
  std::vector<std::string> lost;     // what is not in the repaired store
  std::vector<std::string> rebuilt;  // what was made again from other rows
  std::string kept;                  // where the damaged directory is now; empty: where it was
  uint64_t tables = 0;               // that were read
  bool is_damaged() const { return !damage.empty(); }
};

// Needs room beside the directory for what is rewritten; undamaged tables are linked where the disk
// can do that, copied otherwise. An interrupted repair leaves the directory as it was, or
// repaired, and perhaps a directory "<path>.repairing" that the next one removes.
//
// kNotFound when there is no store, kFailedPrecondition when a process uses it or when it is of a
// format that this program does not know, kUnavailable when files cannot be written.
Result<RepairReport> RepairStorage(const RepairOptions& options);

}  // namespace tsdb::storage
