#include "server/self_scrape.h"

#include <chrono>
#include <thread>

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

}  // namespace

Result<std::vector<ExposedSample>> ParseExposition(std::string_view text) {
  std::vector<ExposedSample> samples;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    ASSIGN_OR_RETURN(ExposedSample sample, ParseLine(line));
    samples.push_back(std::move(sample));
  }
  return samples;
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
  ASSIGN_OR_RETURN(std::vector<ExposedSample> samples, ParseExposition(options.metrics->Expose()));
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
  const int64_t now_ms = options.clock->NowMs();
  for (size_t i = 0; i < samples.size(); ++i) batch.AddFloat(series[i], now_ms, samples[i].value);
  return options.appender->Append(batch).status();
}

}  // namespace tsdb::server
