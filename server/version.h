// What we say we are: our own version, and the versions that clients of other products tell us
// apart by.
#pragma once

#include <string_view>

namespace tsdb::server {

inline constexpr std::string_view kVersion = TSDBD_VERSION;     // set by the build
inline constexpr std::string_view kInfluxdbVersion = "1.8.10";  // X-Influxdb-Version, /health

}  // namespace tsdb::server
