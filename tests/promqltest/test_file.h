// The commands of a PromQL test file: clear, load, load_with_nhcb, eval. The language is that of
// Prometheus' promql/promqltest; ../shared/promqltest/README.md, sections 1 to 5, describes it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/regex.h"
#include "base/result.h"
#include "model/labels.h"
#include "query/promql/parser.h"

namespace tsdb::promqltest {

struct ClearCommand {};

struct LoadCommand {
  struct Series {
    Labels labels;
    std::vector<promql::SequenceValue> values;
    // Empty, or one for each value: milliseconds from the sample's time to its start time.
    std::vector<std::optional<int64_t>> start_offsets_ms;
  };
  int64_t step_ms = 0;
  bool with_nhcb = false;
  std::vector<Series> series;  // each label set once, the last of the block
  size_t line = 0;
};

// What an error message or annotation must be: any, a whole text, or a text in which a regex is
// found.
class MessageRule {
 public:
  MessageRule() = default;  // any
  static MessageRule Exactly(std::string message);
  static MessageRule Matching(Regex regex);

  bool Matches(std::string_view message) const;
  std::string Description() const;

 private:
  std::optional<std::string> message_;
  std::shared_ptr<const Regex> regex_;
};

struct EvalCommand {
  struct ExpectedSeries {
    Labels labels;
    std::vector<promql::SequenceValue> values;
    size_t position = 0;  // from 0, among the lines of series
  };

  std::string query;
  size_t line = 0;
  bool is_range = false;
  int64_t eval_ms = 0;   // of an instant query
  int64_t start_ms = 0;  // value i of a series is that of start + i * step, up to end
  int64_t end_ms = 0;
  int64_t step_ms = 0;

  bool ordered = false;
  bool instant_only =
      false;  // `expect string` and `expect range vector`: not run as range query too
  bool expects_range_vector = false;
  std::optional<MessageRule> fail;
  std::vector<MessageRule> warnings;
  std::vector<MessageRule> infos;
  bool no_warnings = false;
  bool no_infos = false;

  std::optional<double> scalar;
  std::optional<std::string> string;
  std::vector<ExpectedSeries> series;  // each label set once, the last of the block
};

using Command = std::variant<ClearCommand, LoadCommand, EvalCommand>;

// The features that test files need: every one that the parser knows.
const promql::Features& AllFeatures();

// kInvalidArgument "line N: ..." when a line is no command, or a query does not parse.
Result<std::vector<Command>> ParseTestFile(std::string_view text);

}  // namespace tsdb::promqltest
