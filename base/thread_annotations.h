// Lock rules that clang checks (-Wthread-safety); gcc ignores them.
#pragma once

#if defined(__clang__)
#define TSDB_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define TSDB_THREAD_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) TSDB_THREAD_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY TSDB_THREAD_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) TSDB_THREAD_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) TSDB_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define EXCLUSIVE_LOCKS_REQUIRED(...) TSDB_THREAD_ATTRIBUTE(exclusive_locks_required(__VA_ARGS__))
#define SHARED_LOCKS_REQUIRED(...) TSDB_THREAD_ATTRIBUTE(shared_locks_required(__VA_ARGS__))
#define EXCLUDES(...) TSDB_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) TSDB_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) TSDB_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) TSDB_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) TSDB_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) TSDB_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS TSDB_THREAD_ATTRIBUTE(no_thread_safety_analysis)
