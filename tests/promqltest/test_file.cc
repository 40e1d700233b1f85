#include "tests/promqltest/test_file.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/duration.h"
#include "base/number.h"
#include "base/text.h"
#include "query/promql/engine.h"
#include "query/promql/lexer.h"
#include "tests/promqltest/start_times.h"

namespace tsdb::promqltest {
namespace {

using promql::SequenceValue;
using promql::SeriesDescription;

const Regex& Pattern(std::string_view pattern) {
  // Compiled once each; the patterns are literals of this file.
  static auto* const patterns = new std::vector<std::unique_ptr<Regex>>();
  for (const auto& regex : *patterns) {
    if (regex->pattern() == pattern) return *regex;
  }
  Result<Regex> compiled = Regex::Compile(pattern);
  CHECK(compiled.ok());
  patterns->push_back(std::make_unique<Regex>(*std::move(compiled)));
  return *patterns->back();
}

constexpr std::string_view kLoadPattern = R"(load(?:_(with_nhcb))?\s+(.+?))";
constexpr std::string_view kInstantPattern =
    R"(eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+))";
constexpr std::string_view kRangePattern =
    R"(eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+))";
constexpr std::string_view kExpectPattern =
    R"(expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?)";
constexpr std::string_view kExpectRangePattern =
    R"(expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+))";

// A number as Go's ParseInt(text, 0, 64) or ParseFloat reads it.
std::optional<double> ParseLoneNumber(std::string_view text) {
  const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  const std::string_view digits = text.substr(has_sign ? 1 : 0);
  if (!digits.empty() && digits[0] >= '0' && digits[0] <= '9') {
    const Result<double> number = promql::ParseNumberToken(digits);
    if (number.ok()) return text[0] == '-' ? -*number : *number;
  }
  return ParseFloat(text);
}

template <typename T>
void AddOrReplace(std::vector<T>* series, T added) {
  for (T& known : *series) {
    if (known.labels == added.labels) {
      known = std::move(added);
      return;
    }
  }
  series->push_back(std::move(added));
}

class FileParser {
 public:
  explicit FileParser(std::string_view text);
  Result<std::vector<Command>> Parse();

 private:
  Result<LoadCommand> ParseLoad();
  Result<EvalCommand> ParseEval();
  Status ParseEvalHead(EvalCommand* command);
  Status ParseTimes(std::string_view from, std::string_view to, std::string_view step,
                    EvalCommand* command);
  Status ParseOldForm(std::string_view suffix, EvalCommand* command);
  // Sets *done when the line ends the block.
  Status ParseEvalLine(EvalCommand* command, size_t* position, bool* done);
  Status ParseExpect(EvalCommand* command);
  Status ParseExpectedSeries(EvalCommand* command, size_t* position);
  Result<SeriesDescription> ParseSeries(std::string_view text);
  Result<int64_t> ParseTime(std::string_view text, std::string_view what);

  std::string_view line() const { return lines_[line_]; }
  bool InBlock() const { return line_ < lines_.size() && !lines_[line_].empty(); }
  Status Error(std::string_view message) const {
    return InvalidArgument("line " + std::to_string(line_ + 1) + ": " + std::string(message));
  }

  std::vector<std::string> lines_;  // trimmed, comments empty
  size_t line_ = 0;
};

FileParser::FileParser(std::string_view text) {
  for (const std::string_view raw : Split(text, '\n')) {
    const std::string_view trimmed = TrimSpace(raw);
    lines_.emplace_back(trimmed.starts_with("#") ? std::string_view() : trimmed);
  }
}

Result<std::vector<Command>> FileParser::Parse() {
  std::vector<Command> commands;
  while (line_ < lines_.size()) {
    if (line().empty()) {
      ++line_;
      continue;
    }
    const std::string word = ToLower(line().substr(0, line().find_first_of(" \t")));
    if (word == "clear") {
      commands.emplace_back(ClearCommand());
      ++line_;
    } else if (word.starts_with("load")) {
      ASSIGN_OR_RETURN(LoadCommand load, ParseLoad());
      commands.emplace_back(std::move(load));
    } else if (word.starts_with("eval")) {
      ASSIGN_OR_RETURN(EvalCommand eval, ParseEval());
      commands.emplace_back(std::move(eval));
    } else {
      return Error("invalid command " + GoQuote(line()));
    }
  }
  return commands;
}

Result<int64_t> FileParser::ParseTime(std::string_view text, std::string_view what) {
  const Result<int64_t> time = ParseDurationMs(text);
  if (!time.ok()) {
    return Error("invalid " + std::string(what) + " " + GoQuote(text) + ": " +
                 time.status().message());
  }
  return *time;
}

Result<SeriesDescription> FileParser::ParseSeries(std::string_view text) {
  Result<SeriesDescription> series = promql::ParseSeriesDescription(text);
  if (!series.ok()) return Error(series.status().message());
  return series;
}

Result<LoadCommand> FileParser::ParseLoad() {
  const auto groups = Pattern(kLoadPattern).FullMatchGroups(line());
  if (!groups.has_value()) return Error("invalid load command, want load[_with_nhcb] STEP");
  LoadCommand load;
  load.line = line_ + 1;
  load.with_nhcb = !(*groups)[1].empty();
  ASSIGN_OR_RETURN(load.step_ms, ParseTime((*groups)[2], "step"));
  std::optional<StartTimeLine> pending;
  for (++line_; InBlock(); ++line_) {
    if (IsStartTimeLine(line())) {
      if (pending.has_value()) return Error("@st line follows another one");
      Result<StartTimeLine> parsed = ParseStartTimeLine(line());
      if (!parsed.ok()) return Error(parsed.status().message());
      pending = *std::move(parsed);
      continue;
    }
    ASSIGN_OR_RETURN(SeriesDescription series, ParseSeries(line()));
    LoadCommand::Series added;
    if (pending.has_value()) {
      if (pending->labels != series.labels) return Error("@st line is for another metric");
      if (pending->offsets_ms.size() != series.values.size()) {
        return Error("@st line has another number of values");
      }
      added.start_offsets_ms = std::move(pending->offsets_ms);
      pending.reset();
    }
    added.labels = std::move(series.labels);
    added.values = std::move(series.values);
    AddOrReplace(&load.series, std::move(added));
  }
  if (pending.has_value()) return Error("@st line has no following sample line");
  return load;
}

Status FileParser::ParseTimes(std::string_view from, std::string_view to, std::string_view step,
                              EvalCommand* command) {
  ASSIGN_OR_RETURN(command->start_ms, ParseTime(from, "start"));
  ASSIGN_OR_RETURN(command->end_ms, ParseTime(to, "end"));
  ASSIGN_OR_RETURN(command->step_ms, ParseTime(step, "step"));
  if (command->end_ms < command->start_ms) return Error("end is before start");
  return Status::Ok();
}

Status FileParser::ParseOldForm(std::string_view suffix, EvalCommand* command) {
  if (suffix == "fail") command->fail.emplace();
  if (suffix == "warn") command->warnings.emplace_back();
  if (suffix == "info") command->infos.emplace_back();
  if (suffix == "ordered") command->ordered = true;
  return Status::Ok();
}

Status FileParser::ParseEvalHead(EvalCommand* command) {
  command->line = line_ + 1;
  if (const auto instant = Pattern(kInstantPattern).FullMatchGroups(line())) {
    command->query = (*instant)[3];
    ASSIGN_OR_RETURN(command->eval_ms, ParseTime((*instant)[2], "time"));
    command->start_ms = command->eval_ms;
    RETURN_IF_ERROR(ParseOldForm((*instant)[1], command));
  } else if (const auto range = Pattern(kRangePattern).FullMatchGroups(line())) {
    command->is_range = true;
    command->query = (*range)[5];
    RETURN_IF_ERROR(ParseTimes((*range)[2], (*range)[3], (*range)[4], command));
    RETURN_IF_ERROR(ParseOldForm((*range)[1], command));
  } else {
    return Error(
        "invalid eval command, want eval instant at TIME QUERY or eval range from TIME to TIME "
        "step "
        "DURATION QUERY");
  }
  const Result<promql::ExprPtr> expr = promql::ParseExpr(command->query, AllFeatures());
  if (!expr.ok()) return Error(expr.status().message());
  return Status::Ok();
}

Result<EvalCommand> FileParser::ParseEval() {
  EvalCommand command;
  RETURN_IF_ERROR(ParseEvalHead(&command));
  size_t position = 0;
  bool done = false;
  for (++line_; InBlock() && !done; ++line_) {
    RETURN_IF_ERROR(ParseEvalLine(&command, &position, &done));
  }
  if (!command.warnings.empty() && command.no_warnings) {
    return Error("expect warn and expect no_warn exclude each other");
  }
  if (!command.infos.empty() && command.no_infos) {
    return Error("expect info and expect no_info exclude each other");
  }
  return command;
}

Status FileParser::ParseEvalLine(EvalCommand* command, size_t* position, bool* done) {
  constexpr std::string_view kFailMessage = "expected_fail_message";
  constexpr std::string_view kFailRegexp = "expected_fail_regexp";
  constexpr std::string_view kExpectString = "expect string";
  if (command->fail.has_value() && line().starts_with(kFailMessage)) {
    command->fail =
        MessageRule::Exactly(std::string(TrimSpace(line().substr(kFailMessage.size()))));
    *done = true;
    return Status::Ok();
  }
  if (command->fail.has_value() && line().starts_with(kFailRegexp)) {
    Result<Regex> regex = Regex::Compile(TrimSpace(line().substr(kFailRegexp.size())));
    if (!regex.ok()) return Error(regex.status().message());
    command->fail = MessageRule::Matching(*std::move(regex));
    *done = true;
    return Status::Ok();
  }
  if (line().starts_with("expect range vector")) {
    const auto groups = Pattern(kExpectRangePattern).FullMatchGroups(line());
    if (!groups.has_value()) return Error("invalid range vector definition");
    RETURN_IF_ERROR(ParseTimes((*groups)[1], (*groups)[2], (*groups)[3], command));
    command->eval_ms = command->end_ms;
    command->expects_range_vector = command->instant_only = true;
    return Status::Ok();
  }
  if (line().starts_with(kExpectString)) {
    const std::string_view literal = TrimSpace(line().substr(kExpectString.size()));
    command->string = GoUnquote(literal);
    if (!command->string.has_value()) return Error("expect string wants a quoted string");
    command->instant_only = true;
    return Status::Ok();
  }
  if (line().substr(0, line().find(' ')) == "expect") return ParseExpect(command);
  if (const std::optional<double> number = ParseLoneNumber(line())) {
    command->scalar = number;
    *done = true;
    return Status::Ok();
  }
  return ParseExpectedSeries(command, position);
}

Status FileParser::ParseExpect(EvalCommand* command) {
  const auto groups = Pattern(kExpectPattern).FullMatchGroups(line());
  if (!groups.has_value()) return Error("invalid expect line " + GoQuote(line()));
  const std::string_view type = (*groups)[1];
  const std::string_view detail = TrimSpace((*groups)[3]);
  MessageRule rule;
  if ((*groups)[2] == "msg") rule = MessageRule::Exactly(std::string(detail));
  if ((*groups)[2] == "regex") {
    Result<Regex> regex = Regex::Compile(detail);
    if (!regex.ok()) return Error(regex.status().message());
    rule = MessageRule::Matching(*std::move(regex));
  }
  if (type == "fail") {
    if (command->fail.has_value()) return Error("more than one expect fail line");
    command->fail = std::move(rule);
  } else if (type == "warn") {
    command->warnings.push_back(std::move(rule));
  } else if (type == "info") {
    command->infos.push_back(std::move(rule));
  } else if (type == "no_warn") {
    command->no_warnings = true;
  } else if (type == "no_info") {
    command->no_infos = true;
  } else {
    command->ordered = true;
  }
  return Status::Ok();
}

Status FileParser::ParseExpectedSeries(EvalCommand* command, size_t* position) {
  ASSIGN_OR_RETURN(SeriesDescription series, ParseSeries(line()));
  const bool one_value = !command->is_range && !command->expects_range_vector;
  if (one_value && (series.values.size() != 1 || series.values[0].omitted)) {
    return Error("an instant vector has exactly one value for each series");
  }
  EvalCommand::ExpectedSeries added;
  added.labels = std::move(series.labels);
  added.values = std::move(series.values);
  added.position = (*position)++;
  AddOrReplace(&command->series, std::move(added));
  return Status::Ok();
}

}  // namespace

MessageRule MessageRule::Exactly(std::string message) {
  MessageRule rule;
  rule.message_ = std::move(message);
  return rule;
}

MessageRule MessageRule::Matching(Regex regex) {
  MessageRule rule;
  rule.regex_ = std::make_shared<const Regex>(std::move(regex));
  return rule;
}

bool MessageRule::Matches(std::string_view message) const {
  if (message_.has_value()) return message == *message_;
  return regex_ == nullptr || regex_->PartialMatch(message);
}

std::string MessageRule::Description() const {
  if (message_.has_value()) return "message " + GoQuote(*message_);
  return regex_ == nullptr ? "any message" : "message matching " + GoQuote(regex_->pattern());
}

const promql::Features& AllFeatures() {
  static const promql::Features features = [] {
    promql::Features all;
    all.experimental_functions = true;
    all.duration_expressions = true;
    all.extended_range_selectors = true;
    all.binop_fill_modifiers = true;
    all.delayed_name_removal = true;
    all.use_start_timestamps = true;
    return all;
  }();
  return features;
}

Result<std::vector<Command>> ParseTestFile(std::string_view text) {
  return FileParser(text).Parse();
}

}  // namespace tsdb::promqltest
