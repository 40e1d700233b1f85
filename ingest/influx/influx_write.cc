#include "ingest/influx/influx_write.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.h"
#include "ingest/influx/line_parser.h"
#include "ingest/influx/line_to_series.h"
#include "ingest/write_scope.h"

namespace tsdb::influx {
namespace {

using storage::AppendVerdict;

constexpr int kRetryAfterSeconds = 5;
// A request is stored in batches of about this many points, so that memory is bounded however long
// it is.
constexpr size_t kPointsPerBatch = 200'000;
constexpr size_t kErrorBytesMax = 64 * 1024;

InfluxWriteOutcome Refusal(int http_status, std::string error) {
  InfluxWriteOutcome outcome;
  outcome.http_status = http_status;
  outcome.error = std::move(error);
  return outcome;
}

bool IsConsistency(std::string_view text) {
  const std::string level = ToLower(text);
  return level.empty() || level == "any" || level == "one" || level == "quorum" || level == "all";
}

InfluxWriteOutcome FromAppendStatus(const Status& status) {
  switch (status.code()) {
    case StatusCode::kResourceExhausted:
    case StatusCode::kUnavailable:
    case StatusCode::kCancelled:
    case StatusCode::kDeadlineExceeded: {
      InfluxWriteOutcome outcome = Refusal(503, status.message());
      outcome.retry_after_seconds = kRetryAfterSeconds;
      return outcome;
    }
    case StatusCode::kInvalidArgument:
      return Refusal(400, status.message());
    default:
      return Refusal(500, status.message());
  }
}

// Lines that were not stored, in the order of the request, and the error text that InfluxDB makes
// of them.
class FailedLines {
 public:
  void Unparsable(uint32_t line, std::string_view text, std::string_view reason) {
    unparsable_.try_emplace(line,
                            "unable to parse '" + std::string(text) + "': " + std::string(reason));
  }
  void Dropped(uint32_t line, std::string reason) { dropped_.try_emplace(line, std::move(reason)); }
  // The field that is the reason, after others of its point that went with it.
  void DroppedFor(uint32_t line, std::string reason, std::string_view fallback) {
    const auto [found, is_new] = dropped_.try_emplace(line, reason);
    if (!is_new && found->second == fallback) found->second = std::move(reason);
  }
  void BeyondRetention(uint32_t line) { beyond_retention_.try_emplace(line); }

  void AddProblems(const LineParser& parser) {
    for (const LineProblem& problem : parser.problems()) {
      if (problem.parsed) {
        Dropped(problem.line, problem.reason);
      } else {
        Unparsable(problem.line, problem.text, problem.reason);
      }
    }
  }
  // A wrong key is found by whoever decodes it, which need not be the line parser.
  void AddWrongKey(const LineParser& parser, const WriteBatch::Series& series,
                   const std::string& fallback_reason) {
    KeyProblem problem = CheckLineKey(series.bytes);
    if (problem.reason.empty() || problem.well_formed) {
      Dropped(series.source_index,
              problem.reason.empty() ? fallback_reason : std::move(problem.reason));
    } else {
      Unparsable(series.source_index, parser.LineAt(series.bytes.data()), problem.reason);
    }
  }

  size_t unparsable_count() const { return unparsable_.size(); }
  std::string UnparsableText() const {
    std::string text;
    size_t left = unparsable_.size();
    for (const auto& [line, error] : unparsable_) {
      if (text.size() > kErrorBytesMax) {
        return text + "\nand " + std::to_string(left) + " more lines";
      }
      if (!text.empty()) text += '\n';
      text += error;
      --left;
    }
    return text;
  }
  // What a request with at least one good line is answered; empty when all is stored. A dropped
  // point comes before one beyond retention, and that before lines that do not parse.
  std::string PartialText() const {
    if (!dropped_.empty()) return Partial(DropReason(), dropped_.size());
    if (!beyond_retention_.empty()) {
      return Partial("points beyond retention policy", beyond_retention_.size());
    }
    return unparsable_.empty() ? "" : Partial(UnparsableText(), 0);
  }

 private:
  // The first one, but InfluxDB looks at all tags before it looks at any field.
  std::string DropReason() const {
    for (const auto& [line, reason] : dropped_) {
      if (reason.starts_with("invalid tag key: ")) return reason;
    }
    return dropped_.begin()->second;
  }

  static std::string Partial(const std::string& reason, size_t dropped) {
    return "partial write: " + reason + " dropped=" + std::to_string(dropped);
  }
  std::map<uint32_t, std::string> unparsable_, dropped_, beyond_retention_;
};

// Buffers that a thread keeps from request to request.
struct Scratch {
  LineParser parser;
  WriteBatch batch;
};

void ResetBatch(PolicyId policy, WriteBatch* batch) {
  batch->Clear();
  batch->policy = policy;
  batch->unit = TimeUnit::kNanoseconds;
  batch->encoding = SeriesEncoding::kInfluxPoint;
  batch->decoder = &InfluxSeriesDecoder();
}

void AddRejections(const storage::AppendReport& report, const WriteBatch& batch,
                   const LineParser& parser, FailedLines* failed) {
  for (const auto& rejection : report.rejections) {
    const WriteBatch::Series& series = batch.series[rejection.series_index];
    if (rejection.verdict == AppendVerdict::kInvalidLabels) {
      failed->AddWrongKey(parser, series, rejection.reason);
    } else if (rejection.verdict == AppendVerdict::kTooOld) {
      failed->BeyondRetention(series.source_index);
    } else {
      const std::string_view fallback = ingest::VerdictLabel(rejection.verdict);
      failed->DroppedFor(series.source_index,
                         rejection.reason.empty() ? std::string(fallback) : rejection.reason,
                         fallback);
    }
  }
}

// Adds what the parser found; true when a line of the request was well-formed, be its point kept or
// not. `wrong_keys` lines look good to the parser but are not.
bool AddParserProblems(const LineParser& parser, uint64_t wrong_keys, FailedLines* failed) {
  failed->AddProblems(parser);
  const auto& problems = parser.problems();
  return parser.good_lines() > wrong_keys ||
         std::any_of(problems.begin(), problems.end(),
                     [](const LineProblem& problem) { return problem.parsed; });
}

// The request is refused as a whole, but not before lines that are all wrong: InfluxDB parses
// first.
InfluxWriteOutcome RefuseAfterParsing(LineParser* parser, WriteBatch* batch, int http_status,
                                      std::string error) {
  FailedLines failed;
  uint64_t wrong_keys = 0;
  bool more = true;
  while (more) {
    ResetBatch({}, batch);
    more = parser->Parse(kPointsPerBatch, batch);
    uint32_t last_line = UINT32_MAX;
    for (const WriteBatch::Series& series : batch->series) {
      if (series.source_index == std::exchange(last_line, series.source_index)) continue;
      const KeyProblem problem = CheckLineKey(series.bytes);
      if (problem.reason.empty() || problem.well_formed) continue;
      failed.AddWrongKey(*parser, series, "");
      ++wrong_keys;
    }
  }
  batch->Clear();
  if (!AddParserProblems(*parser, wrong_keys, &failed) && failed.unparsable_count() > 0) {
    return Refusal(400, failed.UnparsableText());
  }
  return Refusal(http_status, std::move(error));
}

}  // namespace

std::optional<InfluxWriteOutcome> CheckInfluxDatabase(std::string_view database,
                                                      const storage::Catalog& catalog) {
  if (database.empty()) return Refusal(400, "database is required");
  if (catalog.Resolve(database, "").ok() || catalog.Find(database).has_value()) return std::nullopt;
  return Refusal(404, "database not found: " + GoQuote(database));
}

InfluxWriteOutcome HandleInfluxWrite(const InfluxWriteRequest& request,
                                     const storage::Catalog& catalog, storage::Appender* appender) {
  if (auto refusal = CheckInfluxDatabase(request.database, catalog)) return *std::move(refusal);
  thread_local Scratch scratch;
  LineParser& parser = scratch.parser;
  WriteBatch& batch = scratch.batch;
  parser.Begin(request.body, PrecisionNs(request.precision), request.now_ns);
  if (!IsConsistency(request.consistency)) {
    return RefuseAfterParsing(&parser, &batch, 400, "invalid consistency level");
  }
  const Result<PolicyId> policy = catalog.Resolve(request.database, request.policy);
  if (!policy.ok()) {
    return RefuseAfterParsing(&parser, &batch, 500, policy.status().message());
  }

  InfluxWriteOutcome outcome;
  FailedLines failed;
  bool more = true;
  while (more) {
    ResetBatch(*policy, &batch);
    more = parser.Parse(kPointsPerBatch, &batch);
    if (batch.series.empty()) continue;
    if (auto forbidden = ingest::FindForbiddenSeries(batch, request.required)) {
      batch.Clear();
      return Refusal(403, "not permitted to write series " + forbidden->ToString());
    }
    Result<storage::AppendReport> report = appender->Append(batch);
    if (!report.ok()) {
      batch.Clear();
      return FromAppendStatus(report.status());
    }
    outcome.verdicts.Add(*report);
    AddRejections(*report, batch, parser, &failed);
  }
  batch.Clear();  // views into the request must not outlive it
  const bool any_good = AddParserProblems(parser, failed.unparsable_count(), &failed);
  outcome.error = any_good ? failed.PartialText() : failed.UnparsableText();
  if (!outcome.error.empty()) outcome.http_status = 400;
  return outcome;
}

InfluxBucket ParseBucket(std::string_view bucket) {
  const size_t slash = bucket.find('/');
  if (slash == std::string_view::npos) return {bucket, {}};
  return {bucket.substr(0, slash), bucket.substr(slash + 1)};
}

std::optional<std::string_view> PrecisionOfV2(std::string_view precision) {
  if (precision.empty() || precision == "ns") return "n";
  if (precision == "us") return "u";
  if (precision == "ms") return "ms";
  if (precision == "s") return "s";
  return std::nullopt;
}

}  // namespace tsdb::influx
