// What the handlers of Prometheus' API share: the envelope of answers and errors, and the
// parameters that many of them take. Functions are thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/matcher.h"
#include "net/http_message.h"

namespace tsdb::server {

// {"status":"success","data":<data>}; `data_json` is one complete value. Warnings and infos are
// left out when empty.
net::HttpResponse PromSuccess(std::string_view data_json,
                              const std::vector<std::string>& warnings = {},
                              const std::vector<std::string>& infos = {});
// `,"warnings":[...],"infos":[...]}`: how an answer ends.
void AppendPromTail(const std::vector<std::string>& warnings, const std::vector<std::string>& infos,
                    std::string* out);

// {"status":"error","errorType":...,"error":...}, without `data`: clients take a null there for an
// answer.
net::HttpResponse PromFailure(const Status& status);
net::HttpResponse PromFailure(int http_status, std::string_view error_type, std::string_view error);

// invalid parameter "name": <reason>.
Status InvalidParameter(std::string_view name, std::string_view reason);

// The form where Prometheus refuses one with malformed parts, and reads no multipart/form-data.
Result<net::Parameters> CheckedForm(const net::HttpRequest& http);
// Of what Go reads as a form; longer ones are 413.
inline constexpr size_t kMaxFormBytes = 10 << 20;

// An instant ("1700000000.5", RFC 3339) in milliseconds. What no clock of Go's can hold is the
// smallest instant, as there.
Result<int64_t> ParseApiTimeMs(std::string_view text);
// The instant in a parameter; `fallback_ms` when it is absent. The error says `invalid time value
// for 'start': ...`; TimeParameter has `invalid parameter "start": ` before that.
Result<int64_t> OptionalTime(const net::Parameters& form, std::string_view name,
                             int64_t fallback_ms);
Result<int64_t> TimeParameter(const net::Parameters& form, std::string_view name,
                              int64_t fallback_ms);
// Seconds with fractions or a Prometheus duration, in nanoseconds or milliseconds.
Result<int64_t> ParseApiDurationNs(std::string_view text);
Result<int64_t> ParseApiDurationMs(std::string_view text);
// A number as Go's strconv.Atoi and strconv.ParseBool read and refuse it.
Result<int64_t> ParseGoInt(std::string_view text);
Result<bool> ParseGoBool(std::string_view text);
// 0 when absent; negative is an error.
Result<size_t> LimitParameter(const net::Parameters& form);
// Every match[] as matchers, each with a matcher that is not for the empty text. Errors are the
// parser's own: some callers name the parameter, some do not.
Result<std::vector<Matchers>> MatchParameters(const net::Parameters& form);
// The same where matchers may all be for the empty text. `{}` itself is left out: it selects
// nothing in Prometheus' storage.
Result<std::vector<Matchers>> AnyMatchParameters(const net::Parameters& form);

inline constexpr std::string_view kTruncatedWarning = "results truncated due to limit";
// "admin APIs disabled" and the like: Prometheus answers 500 here, not 503.
net::HttpResponse PromSwitchedOff(std::string_view error);
net::HttpResponse NoContent();

// Times that stand for "no bound", as Prometheus uses them (Go's smallest and largest instants).
inline constexpr int64_t kMinTimeMs = -9'223'372'036'854'775LL;
inline constexpr int64_t kMaxTimeMs = 9'223'372'036'854'775LL;

}  // namespace tsdb::server
