#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tsdb {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "BUG: %s:%d: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace tsdb
