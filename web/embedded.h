// The pages that tsdbd serves, embedded in the binary. The views live for the whole process.
#pragma once

#include <string_view>

namespace tsdb::web {

std::string_view IndexHtml();

}  // namespace tsdb::web
