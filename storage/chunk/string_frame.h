// Strings of a chunk: a dictionary of the distinct ones in front and indices in the frames where
// strings repeat, else lengths and bytes in the frames. The bytes are not compressed: RocksDB does
// that. Layout in docs/format/chunk.md. Thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tsdb::storage {

class StringFrameEncoder {
 public:
  // `strings`, all of the chunk, are borrowed. Appends the dictionary to `out`.
  StringFrameEncoder(std::span<const std::string> strings, std::string* out);
  // REQUIRES: at most kMaxIntFrame strings.
  void Encode(size_t first, size_t count, std::string* out) const;

 private:
  std::span<const std::string> strings_;
  std::vector<int64_t> indices_;  // one for each string; empty without a dictionary
};

class StringFrameDecoder {
 public:
  // Consumes the dictionary; `in` outlives the decoder. `budget_bytes` bounds what Decode()
  // appends.
  bool Open(std::string_view* in, size_t budget_bytes);
  // Appends strings [skip, skip + take) of a frame of `count`.
  bool Decode(std::string_view* in, size_t count, size_t skip, size_t take,
              std::vector<std::string>* strings);

 private:
  bool has_dictionary_ = false;
  std::vector<std::string_view> dictionary_;
  size_t budget_bytes_ = 0;
};

// What a string counts for in kMaxDecodedBytes.
inline size_t DecodedSize(std::string_view s) { return sizeof(std::string) + s.size(); }

}  // namespace tsdb::storage
