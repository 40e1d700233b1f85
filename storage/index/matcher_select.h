// From label matchers to the ids of the series that match, with Prometheus' semantics: an absent
// label has the value "". Cheap conditions are looked up first and an empty intermediate result
// ends the search.
#pragma once

#include <functional>
#include <string_view>

#include "base/cancel.h"
#include "base/result.h"
#include "model/matcher.h"
#include "storage/index/postings.h"

namespace tsdb::storage {

// What selection needs to know of an index: of one partition, of recent series, or of several
// merged. Implementations are safe for concurrent readers.
class IndexReader {
 public:
  virtual ~IndexReader() = default;

  // Series with that pair; empty when there are none.
  virtual Result<Postings> Get(std::string_view name, std::string_view value) const = 0;

  // Reads the postings of the value being visited; an iterator has them at hand, so that only the
  // values that match are decoded. Valid during the visit.
  class Loader {
   public:
    virtual ~Loader() = default;
    virtual Result<Postings> Load() const = 0;
  };
  // False stops the scan without error.
  using ValueVisitor = std::function<Result<bool>(std::string_view value, const Loader& loader)>;
  // Every value of `name` that begins with `prefix` (never ""), once or, from merged indexes, more
  // than once, in any order. The first error of the visitor or of the index ends the scan.
  virtual Status ForEachValue(std::string_view name, std::string_view prefix,
                              const ValueVisitor& visitor) const = 0;

  // Every series.
  virtual Result<Postings> All() const = 0;
};

// The series that match all of `matchers`; no matchers select all. kCancelled and kDeadlineExceeded
// from `cancel`, other errors from the index.
Result<Postings> SelectSeries(const IndexReader& index, const Matchers& matchers,
                              const CancelToken& cancel);

}  // namespace tsdb::storage
