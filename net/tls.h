// An OpenSSL server context made of certificate files. No OpenSSL header in here.
#pragma once

#include <memory>

#include "base/result.h"

struct ssl_ctx_st;

namespace tsdb::net {

struct TlsFiles;

struct TlsContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;

// kInvalidArgument names the file that cannot be used and why. The context is immutable afterwards
// and may be used by many threads.
Result<TlsContext> CreateServerTlsContext(const TlsFiles& files);

}  // namespace tsdb::net
