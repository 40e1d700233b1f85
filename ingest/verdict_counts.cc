#include "ingest/verdict_counts.h"

#include <string>

#include "base/metrics_registry.h"

namespace tsdb::ingest {
namespace {

// In the order of AppendVerdict; values of a metric's label.
constexpr std::array<std::string_view, storage::kAppendVerdictCount> kLabels = {
    "stored",        "invalid_labels", "too_old",          "too_far_in_future",
    "type_conflict", "series_limit",   "invalid_histogram"};

}  // namespace

std::string_view VerdictLabel(storage::AppendVerdict verdict) {
  return kLabels[static_cast<size_t>(verdict)];
}

void VerdictCounts::Add(const storage::AppendReport& report) {
  (*this)[storage::AppendVerdict::kStored] += report.stored_points;
  for (const auto& rejection : report.rejections) {
    (*this)[rejection.verdict] += rejection.point_count;
  }
}

uint64_t VerdictCounts::rejected() const {
  uint64_t total = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    if (i != static_cast<size_t>(storage::AppendVerdict::kStored)) total += points[i];
  }
  return total;
}

IngestMetrics::IngestMetrics(MetricsRegistry* registry, std::string_view protocol) {
  const std::string name(protocol);
  for (size_t i = 0; i < points_.size(); ++i) {
    const auto verdict = static_cast<storage::AppendVerdict>(i);
    points_[i] = registry->AddCounter(
        "tsdbd_ingested_points_total", "Points received, by protocol and what became of them.",
        {{"protocol", name}, {"verdict", std::string(VerdictLabel(verdict))}});
  }
  const auto requests = [&](const char* outcome) {
    return registry->AddCounter("tsdbd_ingest_requests_total",
                                "Write requests, by protocol and answer.",
                                {{"protocol", name}, {"outcome", outcome}});
  };
  ok_ = requests("ok");
  partial_ = requests("partial");
  refused_ = requests("refused");
  unavailable_ = requests("unavailable");
}

void IngestMetrics::Record(const VerdictCounts& counts, int http_status) {
  for (size_t i = 0; i < points_.size(); ++i) {
    if (counts.points[i] > 0) points_[i]->Increment(counts.points[i]);
  }
  if (http_status < 300) {
    ok_->Increment();
  } else if (http_status >= 500 || http_status == 429) {
    unavailable_->Increment();
  } else if (counts[storage::AppendVerdict::kStored] > 0) {
    partial_->Increment();
  } else {
    refused_->Increment();
  }
}

}  // namespace tsdb::ingest
