// Why an operation could not be done. A code says what the caller should do next; the message says
// what could not be done, on what, why, and what helps ("cannot open data directory ...").
// Immutable once built; cheap to move; an OK status does not allocate.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tsdb {

enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,     // the request is wrong and stays wrong: fix the input
  kNotFound,            // the named thing does not exist
  kAlreadyExists,       // the named thing exists and differs
  kFailedPrecondition,  // fix the state of the system first (locked directory, newer format)
  kOutOfRange,          // a time or size beyond a limit
  kResourceExhausted,   // a limit is reached; retry later or raise it
  kUnauthenticated,     // who is asking is unknown
  kPermissionDenied,    // who is asking may not
  kUnsupported,         // a wrong content type or encoding
  kCancelled,           // the caller went away
  kDeadlineExceeded,    // the time allowed has passed
  kUnavailable,         // retry the same call later
  kDataLoss,            // stored or received bytes are damaged
  kInternal,            // our mistake
};

std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message);
  Status(const Status& other);
  Status& operator=(const Status& other);
  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;

  static Status Ok() { return Status(); }

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const { return rep_ ? rep_->code : StatusCode::kOk; }
  const std::string& message() const;

  // The same status with "<context>: " before its message. An OK status stays OK.
  Status Annotate(std::string_view context) &&;
  Status Annotate(std::string_view context) const&;

  // "ok", or "<code name>: <message>".
  std::string ToString() const;

 private:
  struct Rep {
    StatusCode code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

Status InvalidArgument(std::string message);
Status NotFound(std::string message);
Status AlreadyExists(std::string message);
Status FailedPrecondition(std::string message);
Status OutOfRange(std::string message);
Status ResourceExhausted(std::string message);
Status Unauthenticated(std::string message);
Status PermissionDenied(std::string message);
Status Unsupported(std::string message);
Status Cancelled(std::string message);
Status DeadlineExceeded(std::string message);
Status Unavailable(std::string message);
Status DataLoss(std::string message);
Status InternalError(std::string message);

}  // namespace tsdb

// Returns the status from the enclosing function unless it is OK.
#define RETURN_IF_ERROR(expr)                                                          \
  do {                                                                                 \
    if (::tsdb::Status tsdb_status_ = (expr); !tsdb_status_.ok()) return tsdb_status_; \
  } while (false)
