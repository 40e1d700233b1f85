// Which characters Go prints as they are: letters, marks, numbers, punctuation, symbols and the
// ASCII space. A table of its own, because quoting must agree with Go's to the last code point.
#pragma once

namespace tsdb {

// strconv.IsPrint.
bool IsPrintable(char32_t code_point);

}  // namespace tsdb
