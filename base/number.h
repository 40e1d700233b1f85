// Numbers as Go's strconv reads and prints them, because every client of ours expects that
// spelling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tsdb {

// strconv.FormatFloat(value, 'f', -1, 64): shortest digits that read back, never an exponent;
// "NaN",
// "+Inf", "-Inf". This is how Prometheus prints sample values in JSON and in PromQL.
std::string FormatFloat(double value);
void AppendFloat(std::string* out, double value);
// The same into `out`, which has room for kPrintedFloatSize bytes. Returns how many of them count;
// 0 for NaN, infinities, and numbers so great or small that they might not fit.
inline constexpr size_t kPrintedFloatSize = 32;
size_t PrintFloat(double value, char* out);

// strconv.FormatFloat(value, 'g', -1, 64): an exponent below 1e-4 and from 1e6 on ("1e+06",
// "1e-07"). This is how Prometheus' text exposition prints values.
std::string FormatFloatG(double value);

// As encoding/json prints a float64: 'f' form unless the exponent is < -6 or >= 21, then 'e' form
// with "e-07" shortened to "e-7". REQUIRES: finite.
void AppendJsonFloat(std::string* out, double value);

// strconv.ParseFloat with PromQL's and the exposition formats' spellings: decimal, exponent,
// hexadecimal (the 'p' exponent may be missing: "0x1f"), underscores refused, "Inf", "+inf",
// "infinity", "NaN" in any case (NaN takes no sign). nullopt when not a number or trailing bytes;
// out of range gives an infinity or a zero. The NaN has Go's bits, 0x7ff8000000000001.
std::optional<double> ParseFloat(std::string_view text);

// strconv.ParseFloat itself: a hexadecimal number needs its 'p', underscores may stand between
// digits ("1_000"), and what a float cannot hold is no number ("1e400").
std::optional<double> ParseGoFloat(std::string_view text);

// Base 10, optional sign ('-' for int64 only), the whole text; nullopt when it is no int64
// (uint64).
std::optional<int64_t> ParseInt64(std::string_view text);
std::optional<uint64_t> ParseUint64(std::string_view text);

// Appends the decimal digits of `value`.
void AppendInt(std::string* out, int64_t value);
void AppendUint(std::string* out, uint64_t value);

}  // namespace tsdb
