// Checks serialized roaring bitmaps before the library reads them: it trusts counts, order and
// cardinalities, so that damaged bytes could make it write out of bounds. Private to this room.
#pragma once

#include <string_view>

namespace tsdb::storage {

// Whether `bytes` are exactly one bitmap in the portable format (RoaringFormatSpec on
// roaringbitmap.org), with every container sorted, inside its bounds and of the cardinality it
// claims.
bool IsValidRoaring(std::string_view bytes);

}  // namespace tsdb::storage
