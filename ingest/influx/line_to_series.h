// What an Influx series is called in labels: of the field `f` of `m,tag=v`
//   __name__ = "m_f", or "m" when the field is called `value`;
//   the two hidden labels (model/write_batch.h) hold measurement and field, so that nothing is
//   guessed back; each tag is a label of its name. A tag called `__name__` would hide the metric's
//   name and is shown as `exported___name__`; `db` and `rp` are labels like others here (storage's
//   views move them aside).
// Any bytes are taken in values, as in InfluxDB; a tag key that begins with the byte 0xff, which
// marks hidden labels, is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/labels.h"
#include "model/write_batch.h"

namespace tsdb::influx {

// SeriesEncoding::kInfluxPoint. Lives for the whole process; thread-safe. Its errors are InfluxDB's
// words: "duplicate tags", "missing tag value".
const SeriesDecoder& InfluxSeriesDecoder();

// What is wrong with measurement and tags, apart from fields. `well_formed` tells a line that does
// not parse from one whose point is dropped ("invalid tag key: input tag \"time\" ..."). Empty:
// nothing.
struct KeyProblem {
  std::string reason;
  bool well_formed = false;
};
KeyProblem CheckLineKey(std::string_view key_bytes);

}  // namespace tsdb::influx
