#include "storage/chunk/string_frame.h"

#include <array>
#include <unordered_map>

#include "base/coding.h"
#include "storage/chunk/int_frame.h"

namespace tsdb::storage {
namespace {

enum Form : uint8_t { kPlain = 0, kDictionary = 1 };

bool GetLengths(std::string_view* in, size_t count, int64_t* lengths) {
  if (!DecodeIntColumn(in, count, lengths)) return false;
  uint64_t left = in->size();
  for (size_t i = 0; i < count; ++i) {
    if (lengths[i] < 0 || static_cast<uint64_t>(lengths[i]) > left) return false;
    left -= static_cast<uint64_t>(lengths[i]);
  }
  return true;
}

std::string_view Take(std::string_view* in, int64_t length) {
  const std::string_view taken = in->substr(0, static_cast<size_t>(length));
  in->remove_prefix(static_cast<size_t>(length));
  return taken;
}

}  // namespace

StringFrameEncoder::StringFrameEncoder(std::span<const std::string> strings, std::string* out)
    : strings_(strings) {
  std::unordered_map<std::string_view, int64_t> index;
  std::vector<std::string_view> dictionary;
  indices_.reserve(strings.size());
  const size_t most = strings.size() / 2 + 1;  // with more distinct strings indices gain nothing
  for (const std::string& s : strings) {
    const auto [at, is_new] = index.emplace(s, static_cast<int64_t>(dictionary.size()));
    if (is_new) dictionary.push_back(s);
    if (dictionary.size() > most) break;
    indices_.push_back(at->second);
  }
  if (dictionary.size() > most) {
    indices_.clear();
    out->push_back(static_cast<char>(kPlain));
    return;
  }
  out->push_back(static_cast<char>(kDictionary));
  PutVarint(out, dictionary.size());
  std::vector<int64_t> lengths;
  lengths.reserve(dictionary.size());
  for (std::string_view s : dictionary) lengths.push_back(static_cast<int64_t>(s.size()));
  EncodeIntColumn(lengths.data(), lengths.size(), out);
  for (std::string_view s : dictionary) out->append(s);
}

void StringFrameEncoder::Encode(size_t first, size_t count, std::string* out) const {
  if (!indices_.empty()) return EncodeIntFrame(indices_.data() + first, count, out);
  std::array<int64_t, kMaxIntFrame> lengths{};
  for (size_t i = 0; i < count; ++i) {
    lengths[i] = static_cast<int64_t>(strings_[first + i].size());
  }
  EncodeIntFrame(lengths.data(), count, out);
  for (size_t i = 0; i < count; ++i) out->append(strings_[first + i]);
}

bool StringFrameDecoder::Open(std::string_view* in, size_t budget_bytes) {
  budget_bytes_ = budget_bytes;
  if (in->empty()) return false;
  const char form = in->front();
  in->remove_prefix(1);
  has_dictionary_ = form == kDictionary;
  if (form == kPlain) return true;
  if (!has_dictionary_) return false;
  uint64_t size = 0;
  // Equal lengths take no bytes of their own, so the bound is the chunk's, not that of the bytes.
  constexpr uint64_t kMaxEntries = 65536;
  if (!GetVarint(in, &size) || size == 0 || size > kMaxEntries) return false;
  std::vector<int64_t> lengths(size);
  if (!GetLengths(in, size, lengths.data())) return false;
  dictionary_.reserve(size);
  for (int64_t length : lengths) dictionary_.push_back(Take(in, length));
  return true;
}

bool StringFrameDecoder::Decode(std::string_view* in, size_t count, size_t skip, size_t take,
                                std::vector<std::string>* strings) {
  std::array<int64_t, kMaxIntFrame> numbers;  // indices, or lengths
  if (has_dictionary_ ? !DecodeIntFrame(in, count, numbers.data())
                      : count > kMaxIntFrame || !GetLengths(in, count, numbers.data())) {
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    std::string_view s;
    if (!has_dictionary_) {
      s = Take(in, numbers[i]);
    } else if (numbers[i] < 0 || static_cast<uint64_t>(numbers[i]) >= dictionary_.size()) {
      return false;
    } else {
      s = dictionary_[static_cast<size_t>(numbers[i])];
    }
    if (i < skip || i >= skip + take) continue;
    if (DecodedSize(s) > budget_bytes_) return false;
    budget_bytes_ -= DecodedSize(s);
    strings->emplace_back(s);
  }
  return true;
}

}  // namespace tsdb::storage
