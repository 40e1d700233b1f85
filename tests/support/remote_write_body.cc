#include "tests/support/remote_write_body.h"

#include "proto/remote_write.h"
#include "proto/snappy_block.h"

namespace tsdb::testing {

std::string RemoteWriteBody(const std::vector<RemoteWriteSeries>& series) {
  std::vector<proto::RemoteWriteSeries> views(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    views[i].labels = &series[i].labels;
    views[i].samples = series[i].samples;
  }
  return proto::SnappyCompress(proto::EncodeRemoteWrite1(views));
}

}  // namespace tsdb::testing
