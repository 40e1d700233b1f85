#include "server/self_scrape.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/number.h"
#include "base/text.h"
#include "model/write_batch.h"

namespace tsdb::server {
namespace {

// {name="value",...} from the front of `*text`, escapes undone.
bool ReadLabels(std::string_view* text, std::vector<Label>* labels) {
  text->remove_prefix(1);
  while (!text->empty() && text->front() != '}') {
    if (text->front() == ',') text->remove_prefix(1);
    const size_t equals = text->find("=\"");
    if (equals == std::string_view::npos) return false;
    Label label{std::string(text->substr(0, equals)), ""};
    text->remove_prefix(equals + 2);
    while (!text->empty() && text->front() != '"') {
      char c = text->front();
      text->remove_prefix(1);
      if (c == '\\' && !text->empty()) {
        c = text->front() == 'n' ? '\n' : text->front();
        text->remove_prefix(1);
      }
      label.value.push_back(c);
    }
    if (text->empty()) return false;
    text->remove_prefix(1);
    labels->push_back(std::move(label));
  }
  if (text->empty()) return false;
  text->remove_prefix(1);
  return true;
}

Result<ExposedSample> ParseLine(std::string_view line) {
  const auto bad = [&] { return InvalidArgument("malformed metric line: " + std::string(line)); };
  std::string_view rest = line;
  const size_t name_end = rest.find_first_of("{ ");
  if (name_end == std::string_view::npos || name_end == 0) return bad();
  std::vector<Label> labels = {{std::string(kMetricName), std::string(rest.substr(0, name_end))}};
  rest.remove_prefix(name_end);
  if (rest.front() == '{' && !ReadLabels(&rest, &labels)) return bad();
  const std::optional<double> value = ParseFloat(TrimSpace(rest));
  if (!value.has_value()) return bad();
  ExposedSample sample;
  ASSIGN_OR_RETURN(sample.labels, Labels::FromUnsorted(std::move(labels)));
  sample.value = *value;
  return sample;
}

std::string WithoutEscapes(std::string_view help) {
  std::string text;
  for (size_t i = 0; i < help.size(); ++i) {
    if (help[i] == '\\' && i + 1 < help.size()) {
      ++i;
      text.push_back(help[i] == 'n' ? '\n' : help[i]);
    } else {
      text.push_back(help[i]);
    }
  }
  return text;
}

// "# HELP name text" and "# TYPE name type"; those of one metric follow each other.
void ReadComment(std::string_view line, std::vector<WriteBatch::SeriesMetadata>* metadata) {
  const bool is_help = line.starts_with("# HELP ");
  if (!is_help && !line.starts_with("# TYPE ")) return;
  line.remove_prefix(std::string_view("# HELP ").size());
  const size_t name_end = std::min(line.find(' '), line.size());
  const std::string_view name = line.substr(0, name_end);
  line.remove_prefix(std::min(name_end + 1, line.size()));
  if (metadata->empty() || metadata->back().metric_name != name) {
    metadata->push_back({std::string(name), {}});
  }
  if (is_help) {
    metadata->back().metadata.help = WithoutEscapes(line);
  } else {
    metadata->back().metadata.type = ParseMetricType(line);
  }
}

}  // namespace

Result<ExposedMetrics> ParseOwnMetrics(std::string_view text) {
  ExposedMetrics metrics;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with('#')) {
      ReadComment(line, &metrics.metadata);
    } else if (!line.empty()) {
      ASSIGN_OR_RETURN(ExposedSample sample, ParseLine(line));
      metrics.samples.push_back(std::move(sample));
    }
  }
  return metrics;
}

struct SelfScrape::Impl {
  Options options;
  Mutex mutex;
  CondVar condition;
  bool stopping GUARDED_BY(mutex) = false;
  std::thread thread;
};

SelfScrape::SelfScrape(Options options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
  impl_->thread = std::thread([this] {
    const auto interval = std::chrono::milliseconds(impl_->options.interval_ms);
    for (;;) {
      if (const Status status = RunOnce(); !status.ok()) {
        LogWarn("cannot store own metrics", {{"reason", status}});
      }
      MutexLock lock(impl_->mutex);
      if (!impl_->stopping) impl_->condition.WaitFor(impl_->mutex, interval);
      if (impl_->stopping) return;
    }
  });
}

SelfScrape::~SelfScrape() {
  {
    MutexLock lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->condition.NotifyAll();
  impl_->thread.join();
}

Status SelfScrape::RunOnce() {
  const Options& options = impl_->options;
  ASSIGN_OR_RETURN(ExposedMetrics metrics, ParseOwnMetrics(options.metrics->Expose()));
  std::vector<ExposedSample>& samples = metrics.samples;
  samples.push_back({Labels{{kMetricName, "up"}}, 1});
  std::vector<std::string> series;
  series.reserve(samples.size());
  for (ExposedSample& sample : samples) {
    sample.labels.Set("job", "tsdbd");
    sample.labels.Set("instance", options.instance);
    series.push_back(EncodeLabels(sample.labels));
  }
  WriteBatch batch;
  batch.decoder = &LabelsDecoder();
  batch.metadata = std::move(metrics.metadata);
  const int64_t now_ms = options.clock->NowMs();
  for (size_t i = 0; i < samples.size(); ++i) batch.AddFloat(series[i], now_ms, samples[i].value);
  return options.appender->Append(batch).status();
}

}  // namespace tsdb::server
