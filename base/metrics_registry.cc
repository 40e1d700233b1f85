#include "base/metrics_registry.h"

#include <algorithm>
#include <limits>
#include <map>

#include "base/check.h"
#include "base/mutex.h"
#include "base/number.h"

namespace tsdb {
namespace {

enum class Kind : uint8_t { kCounter, kGauge, kHistogram };

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

void AppendEscaped(std::string* out, std::string_view text, bool escape_quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out->append("\\\\");
    } else if (c == '\n') {
      out->append("\\n");
    } else if (c == '"' && escape_quotes) {
      out->append("\\\"");
    } else {
      out->push_back(c);
    }
  }
}

// `job="a",le="0.5"`: the inside of the braces.
std::string LabelText(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out.push_back(',');
    out.append(name).append("=\"");
    AppendEscaped(&out, value, true);
    out.push_back('"');
  }
  return out;
}

void AppendSample(std::string* out, std::string_view name, std::string_view label_text,
                  double value) {
  out->append(name);
  if (!label_text.empty()) out->append("{").append(label_text).append("}");
  out->push_back(' ');
  out->append(FormatFloatG(value));
  out->push_back('\n');
}

// One of the four is set.
struct Instrument {
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<HistogramMetric> histogram;
  std::function<double()> read;
};

void AppendHistogram(std::string* out, const std::string& name, const std::string& label_text,
                     const HistogramMetric& histogram) {
  const std::string prefix = label_text.empty() ? "" : label_text + ",";
  uint64_t count = 0;
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) {
    const double bound = i < histogram.bounds().size() ? histogram.bounds()[i]
                                                       : std::numeric_limits<double>::infinity();
    count += histogram.bucket(i);
    AppendSample(out, name + "_bucket", prefix + "le=\"" + FormatFloatG(bound) + "\"",
                 static_cast<double>(count));
  }
  AppendSample(out, name + "_sum", label_text, histogram.sum());
  AppendSample(out, name + "_count", label_text, static_cast<double>(count));
}

void AppendInstrument(std::string* out, const std::string& name, const std::string& label_text,
                      const Instrument& instrument) {
  if (instrument.histogram) {
    AppendHistogram(out, name, label_text, *instrument.histogram);
  } else if (instrument.counter) {
    AppendSample(out, name, label_text, static_cast<double>(instrument.counter->value()));
  } else if (instrument.gauge) {
    AppendSample(out, name, label_text, instrument.gauge->value());
  } else {
    AppendSample(out, name, label_text, instrument.read());
  }
}

struct Family {
  Kind kind = Kind::kCounter;
  std::string help;
  // By label text. Shared with an Expose that prints them outside of the lock.
  std::map<std::string, std::shared_ptr<Instrument>> instruments;
};

}  // namespace

HistogramMetric::HistogramMetric(std::vector<double> bounds)
    : bounds_(std::move(bounds)),
      buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void HistogramMetric::Observe(double value) {
  // Bounds are inclusive. NaN is below no bound and so falls into +Inf.
  const auto bound = std::partition_point(bounds_.begin(), bounds_.end(),
                                          [value](double upper) { return !(value <= upper); });
  buckets_[static_cast<size_t>(bound - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t HistogramMetric::bucket(size_t index) const {
  DCHECK(index <= bounds_.size());
  return buckets_[index].load(std::memory_order_relaxed);
}

struct MetricsRegistry::Impl {
  mutable Mutex mutex;
  std::map<std::string, Family, std::less<>> families GUARDED_BY(mutex);

  // The instrument of these labels, empty when it is new.
  Instrument& Find(Kind kind, std::string_view name, std::string_view help, MetricLabels labels)
      EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::sort(labels.begin(), labels.end());
    auto family = families.find(name);
    if (family == families.end()) {
      family = families.try_emplace(std::string(name), Family{kind, std::string(help), {}}).first;
    }
    CHECK(family->second.kind == kind);
    CHECK(family->second.help == help);
    auto& instrument = family->second.instruments[LabelText(labels)];
    if (!instrument) instrument = std::make_shared<Instrument>();
    return *instrument;
  }

  // A function replaces an earlier one of the same labels.
  void AddFunction(Kind kind, std::string_view name, std::string_view help, MetricLabels labels,
                   std::function<double()> read) {
    MutexLock lock(mutex);
    std::sort(labels.begin(), labels.end());
    Instrument& existing = Find(kind, name, help, labels);
    CHECK(!existing.counter && !existing.gauge);
    auto replacement = std::make_shared<Instrument>();
    replacement->read = std::move(read);
    families.find(name)->second.instruments[LabelText(labels)] = std::move(replacement);
  }
};

MetricsRegistry::MetricsRegistry() : impl_(std::make_unique<Impl>()) {}
MetricsRegistry::~MetricsRegistry() = default;

Counter* MetricsRegistry::AddCounter(std::string_view name, std::string_view help,
                                     MetricLabels labels) {
  MutexLock lock(impl_->mutex);
  Instrument& instrument = impl_->Find(Kind::kCounter, name, help, std::move(labels));
  CHECK(!instrument.read);
  if (!instrument.counter) instrument.counter = std::make_unique<Counter>();
  return instrument.counter.get();
}

Gauge* MetricsRegistry::AddGauge(std::string_view name, std::string_view help,
                                 MetricLabels labels) {
  MutexLock lock(impl_->mutex);
  Instrument& instrument = impl_->Find(Kind::kGauge, name, help, std::move(labels));
  CHECK(!instrument.read);
  if (!instrument.gauge) instrument.gauge = std::make_unique<Gauge>();
  return instrument.gauge.get();
}

HistogramMetric* MetricsRegistry::AddHistogram(std::string_view name, std::string_view help,
                                               std::vector<double> bounds, MetricLabels labels) {
  MutexLock lock(impl_->mutex);
  Instrument& instrument = impl_->Find(Kind::kHistogram, name, help, std::move(labels));
  if (!instrument.histogram)
    instrument.histogram = std::make_unique<HistogramMetric>(std::move(bounds));
  return instrument.histogram.get();
}

void MetricsRegistry::AddGaugeFunction(std::string_view name, std::string_view help,
                                       MetricLabels labels, std::function<double()> read) {
  impl_->AddFunction(Kind::kGauge, name, help, std::move(labels), std::move(read));
}

void MetricsRegistry::AddCounterFunction(std::string_view name, std::string_view help,
                                         MetricLabels labels, std::function<double()> read) {
  impl_->AddFunction(Kind::kCounter, name, help, std::move(labels), std::move(read));
}

std::string MetricsRegistry::Expose() const {
  // The functions take locks of their own rooms, so they run without ours.
  std::map<std::string, Family, std::less<>> families;
  {
    MutexLock lock(impl_->mutex);
    families = impl_->families;
  }
  std::string out;
  for (const auto& [name, family] : families) {
    out.append("# HELP ").append(name).append(" ");
    AppendEscaped(&out, family.help, false);
    out.append("\n# TYPE ").append(name).append(" ").append(KindName(family.kind)).append("\n");
    for (const auto& [label_text, instrument] : family.instruments) {
      AppendInstrument(&out, name, label_text, *instrument);
    }
  }
  return out;
}

}  // namespace tsdb
