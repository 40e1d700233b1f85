// Results in MessagePack, for clients that ask for it (Python's influxdb does). Times are extension
// 5: seconds in eight bytes and nanoseconds in four, as InfluxDB writes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/api/influx_format.h"

namespace tsdb::server {

std::unique_ptr<InfluxFormatter> MakeMsgPackFormatter(int64_t epoch_ns, bool chunked);
std::string MsgPackError(std::string_view error);

}  // namespace tsdb::server
