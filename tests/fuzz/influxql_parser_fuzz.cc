// Any bytes as InfluxQL and as bound parameters: no crash, what parses is printed as what parses to
// the same text, and every SELECT is checked by the compiler.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "query/influxql/parser.h"
#include "query/influxql/privileges.h"
#include "query/influxql/select_compile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsdb::influxql;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(ParseBoundParameters(text));
  const auto statements = ParseQuery(text);
  if (!statements.ok()) return 0;
  for (const Statement& statement : *statements) {
    const std::string printed = ToString(statement);
    // Passwords are not printed.
    if (printed.find("[REDACTED]") == std::string::npos) {
      const auto again = ParseQuery(printed);
      if (again.ok() && again->size() == 1) CHECK(ToString((*again)[0]) == printed);
    }
    static_cast<void>(RequiredPrivileges(statement));
    if (const auto* select = std::get_if<SelectStatement>(&statement)) {
      static_cast<void>(CompileSelect(*select, {1'700'000'000'000'000'000}));
    }
  }
  return 0;
}
