// The methods that templates can call on time.Time and time.Duration.
#pragma once

#include <vector>

#include "alert/template/value.h"

namespace tsdb::gotemplate {

const std::vector<Function>& TimeMethods();
const std::vector<Function>& DurationMethods();

}  // namespace tsdb::gotemplate
