// Makes a full disk something that RocksDB recovers from by itself.
//
// RocksDB 7.8 stays half stopped after DB::Resume and after the recovery that it has for "no
// space": ErrorHandler::ClearBGError forgets a flag, and from then on an ingestion is given file
// number 0 and flushes are not waited for. Its recovery from errors that may be retried has no such
// fault and starts by itself, so writes that find no space are reported as such.
//
// That one has another: its thread sleeps between attempts, and when DB::Close meets it asleep, it
// stops it and then waits for ever to be told that it has ended. So a database that is recovering
// is closed in the middle of an attempt, from which it does find its way out.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

namespace rocksdb {
class DB;
class Env;
}  // namespace rocksdb

namespace tsdb::storage {

constexpr std::chrono::milliseconds kRecoveryPause(100);  // between attempts to go on

// Between the files that find no space and the one who closes the database. Thread-safe.
class FullDiskGate {
 public:
  // A write that found no space passes here. Returns whether it should be tried again. Once the
  // database is being closed, it waits until DB::Close has begun.
  bool PassFailure();
  // Closes `db`, recovering or not.
  void Close(rocksdb::DB* db);

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::rep kNever = 0;

  std::atomic<bool> closing_{false};
  std::atomic<Clock::rep> held_since_{kNever};  // the first write that waits
  std::atomic<Clock::rep> released_{kNever};    // when writes need not wait any more
};

// `base`, which must outlive the result as `gate` must, with "no space" turned into an error that
// may be retried. Its text has kNoSpaceText in it.
std::unique_ptr<rocksdb::Env> RetryWhenDiskIsFull(rocksdb::Env* base, FullDiskGate* gate);

inline constexpr const char* kNoSpaceText = "No space left on device";

}  // namespace tsdb::storage
