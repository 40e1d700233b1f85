// The directories of a repair: what is salvaged and made whole beside the damaged store takes its
// place.
#include "storage/repair.h"

#include <filesystem>
#include <utility>

#include "base/clock.h"
#include "base/duration.h"
#include "storage/repair_rows.h"
#include "storage/rocks/salvage.h"
#include "storage/rocks/store.h"

namespace tsdb::storage {
namespace {

namespace fs = std::filesystem;

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
    RETURN_IF_ERROR(RowRepairer(store.get(), salvage, &report).Run());
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
