// CRC-32C (Castagnoli), as RocksDB and many file formats use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tsdb {

// Some GB/s where the processor has an instruction for it, a tenth of that elsewhere.
uint32_t Crc32c(std::string_view bytes);

}  // namespace tsdb
