// Assertions about our own mistakes. What a client, a peer or a disk can cause is never a CHECK.
#pragma once

namespace tsdb {

// Prints "BUG: <file>:<line>: <condition>" to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace tsdb

// Always on: cheap invariants, above all just before bytes are persisted.
#define CHECK(condition)                                   \
  do {                                                     \
    if (!(condition)) [[unlikely]]                         \
      ::tsdb::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

// On in dev and sanitizer builds.
#ifdef TSDB_DCHECK_IS_ON
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition)       \
  do {                          \
    if (false && (condition)) { \
    }                           \
  } while (false)
#endif
