// Lines of a load block that give start timestamps to the samples of the next line:
// `name{labels}@st ITEMS`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace tsdb::promqltest {

struct StartTimeLine {
  Labels labels;
  // Milliseconds from each sample's time to its start time; nullopt where there is none.
  std::vector<std::optional<int64_t>> offsets_ms;
};

// The first word ends in @st.
bool IsStartTimeLine(std::string_view line);

// Items: _ _xN D DxN D+ExN D-ExN, where D and E are durations with or without a sign.
Result<StartTimeLine> ParseStartTimeLine(std::string_view line);

}  // namespace tsdb::promqltest
