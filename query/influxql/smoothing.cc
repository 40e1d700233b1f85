#include "query/influxql/smoothing.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

namespace tsdb::influxql {
namespace {

// One value in, one value out; how many come before the first that means something.
class Filter {
 public:
  virtual ~Filter() = default;
  virtual double Add(double value) = 0;
  virtual int64_t warm_count() const = 0;
};

// Until `period` values have come the weights grow with them, or the average is a plain one.
class Average {
 public:
  Average(int64_t period, bool simple)
      : period_(period), simple_(simple), alpha_(2 / static_cast<double>(period + 1)) {}
  void set_alpha(double alpha) { alpha_ = alpha; }

  double Add(double value) {
    const auto count = static_cast<double>(count_);
    if (count_ == 0) {
      last_ = value;
    } else if (warmed()) {
      last_ += (value - last_) * alpha_;
    } else if (simple_) {
      last_ = (last_ * count + value) / (count + 1);
    } else {
      last_ += (value - last_) * (2 / (count + 2));
    }
    if (count_ < period_) ++count_;
    return last_;
  }
  // What a filter behind this one is fed with.
  bool ready() const { return warmed() || !simple_; }
  bool warmed() const { return count_ == period_; }
  double last() const { return last_; }
  int64_t warm_count() const { return period_ - 1; }

 private:
  int64_t period_;
  bool simple_;
  double alpha_;
  int64_t count_ = 0;
  double last_ = 0;
};

// One to three averages of averages.
class Cascade : public Filter {
 public:
  Cascade(int order, int64_t period, bool simple)
      : order_(order), simple_(simple), stages_(static_cast<size_t>(order), {period, simple}) {}

  double Add(double value) override {
    double stage[3] = {0, 0, 0};
    double current = value;
    for (size_t i = 0; i < stages_.size(); ++i) {
      if (i == 0 || stages_[i - 1].ready()) current = stages_[i].Add(current);
      stage[i] = current;
    }
    if (order_ == 1) return stage[0];
    if (order_ == 2) return 2 * stage[0] - stage[1];
    return 3 * stage[0] - 3 * stage[1] + stage[2];
  }
  int64_t warm_count() const override { return stages_[0].warm_count() * (simple_ ? order_ : 1); }

 private:
  int order_;
  bool simple_;
  std::vector<Average> stages_;
};

// Rate of change, in percent, of a triple average.
class TripleDerivative : public Filter {
 public:
  TripleDerivative(int64_t period, bool simple) : simple_(simple), stages_(3, {period, simple}) {}

  double Add(double value) override {
    double current = stages_[0].Add(value);
    if (stages_[0].ready()) {
      current = stages_[1].Add(current);
      if (stages_[1].ready()) current = stages_[2].Add(current);
    }
    const double rate = (current / last_ - 1) * 100;
    last_ = current;
    return rate;
  }
  int64_t warm_count() const override { return stages_[0].warm_count() * (simple_ ? 3 : 1) + 1; }

 private:
  bool simple_;
  std::vector<Average> stages_;
  double last_ = 0;
};

// Averages of gains and of losses: Wilder's relative strength index, and Chande's oscillator where
// it is smoothed.
class GainsAndLosses : public Filter {
 public:
  GainsAndLosses(int64_t period, bool simple, bool chande)
      : chande_(chande), up_(period + 1, simple), down_(period + 1, simple) {
    up_.set_alpha(1 / static_cast<double>(period));
    down_.set_alpha(1 / static_cast<double>(period));
  }
  double Add(double value) override {
    const double change = value - last_;
    up_.Add(change > 0 ? change : 0);
    down_.Add(change < 0 ? -change : 0);
    last_ = value;
    const double up = up_.last();
    const double down = down_.last();
    return chande_ ? 100 * ((up - down) / (up + down)) : 100 - 100 / (1 + up / down);
  }
  int64_t warm_count() const override { return up_.warm_count(); }

 private:
  bool chande_;
  Average up_;
  Average down_;
  double last_ = 0;
};

// The last values of a window with the changes that led to them; zeros at first. As many as have
// come take memory, whatever the length that a client asks for.
class Ring {
 public:
  struct Entry {
    double value = 0;
    double change = 0;
  };
  explicit Ring(int64_t length) : length_(static_cast<size_t>(length)) {}

  size_t length() const { return length_; }
  Entry& operator[](size_t index) {
    if (index >= entries_.size()) entries_.resize(index + 1);
    return entries_[index];
  }

 private:
  size_t length_;
  std::vector<Entry> entries_;
};

// Chande's momentum oscillator over a window, without smoothing. The sums run on, as InfluxDB's do.
class Chande : public Filter {
 public:
  explicit Chande(int64_t period) : ring_(period - 1) {}

  double Add(double value) override {
    if (ring_.length() == 0) return 0;  // a period of 1 has no changes
    const size_t oldest = (newest_ + 1) % ring_.length();
    double change = 0;
    if (seen_) {
      change = value - ring_[newest_].value;
      if (change > 0) up_ += change;
      if (change < 0) down_ -= change;
    }
    const double result = up_ != 0 || down_ != 0 ? 100 * ((up_ - down_) / (up_ + down_)) : 0;
    const double leaving = ring_[oldest].change;
    if (leaving > 0) up_ -= leaving;
    if (leaving < 0) down_ += leaving;
    ring_[oldest] = {value, change};
    newest_ = oldest;
    seen_ = true;
    return result;
  }
  int64_t warm_count() const override { return static_cast<int64_t>(ring_.length()); }

 private:
  Ring ring_;
  size_t newest_ = 0;
  bool seen_ = false;
  double up_ = 0;
  double down_ = 0;
};

// Kaufman's efficiency ratio: the change over a window in relation to all changes within it.
class EfficiencyRatio : public Filter {
 public:
  explicit EfficiencyRatio(int64_t period) : ring_(period) {}

  double Add(double value) override {
    const size_t oldest = (newest_ + 1) % ring_.length();
    const double signal = std::fabs(value - ring_[oldest].value);
    const double change = std::fabs(value - ring_[newest_].value);
    noise_ -= ring_[oldest].change;
    noise_ += change;
    newest_ = oldest;
    ring_[newest_] = {value, change};
    if (count_ <= ring_.length()) ++count_;
    return signal == 0 || noise_ == 0 ? 0 : signal / noise_;
  }
  int64_t warm_count() const override { return static_cast<int64_t>(ring_.length()); }
  bool warmed() const { return count_ == ring_.length() + 1; }
  double newest() { return ring_[newest_].value; }

 private:
  Ring ring_;
  size_t newest_ = 0;
  size_t count_ = 0;
  double noise_ = 0;
};

// Kaufman's adaptive moving average: between averages of 2 and 30 values, by the efficiency ratio.
class AdaptiveAverage : public Filter {
 public:
  explicit AdaptiveAverage(int64_t period) : ratio_(period) {}
  double Add(double value) override {
    if (!ratio_.warmed()) last_ = ratio_.newest();
    constexpr double kFast = 2.0 / 3.0;
    constexpr double kSlow = 2.0 / 31.0;
    const double weight = ratio_.Add(value) * (kFast - kSlow) + kSlow;
    last_ += weight * weight * (value - last_);
    return last_;
  }
  int64_t warm_count() const override { return ratio_.warm_count(); }

 private:
  EfficiencyRatio ratio_;
  double last_ = 0;
};

std::unique_ptr<Filter> MakeFilter(const Expr& call) {
  const std::string& name = call.text;
  // Nobody has as many values; what is computed from the period fits as well.
  constexpr int64_t kMaxPeriod = int64_t{1} << 60;
  const int64_t period = std::min(call.args[1]->integer, kMaxPeriod);
  const std::string warmup = call.args.size() > 3 ? call.args[3]->text : "";
  const bool simple = warmup == "simple";
  if (name == "exponential_moving_average") return std::make_unique<Cascade>(1, period, simple);
  if (name == "double_exponential_moving_average") {
    return std::make_unique<Cascade>(2, period, simple);
  }
  if (name == "triple_exponential_moving_average") {
    return std::make_unique<Cascade>(3, period, simple);
  }
  if (name == "triple_exponential_derivative") {
    return std::make_unique<TripleDerivative>(period, simple);
  }
  if (name == "relative_strength_index") {
    return std::make_unique<GainsAndLosses>(period, simple, false);
  }
  if (name == "kaufmans_efficiency_ratio") return std::make_unique<EfficiencyRatio>(period);
  if (name == "kaufmans_adaptive_moving_average") return std::make_unique<AdaptiveAverage>(period);
  if (warmup.empty() || warmup == "none") return std::make_unique<Chande>(period);
  return std::make_unique<GainsAndLosses>(period, simple, true);
}

class SmoothingStream : public PointStream {
 public:
  SmoothingStream(std::unique_ptr<Filter> filter, int64_t hold, bool drop_infinite,
                  PointStreamPtr input)
      : filter_(std::move(filter)),
        hold_(hold == -1 ? filter_->warm_count() : hold),
        drop_infinite_(drop_infinite),
        input_(std::move(input)) {}

  Result<bool> Next(Point* point) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, input_->Next(point));
      if (!more) return false;
      if (point->is_null || IsNull(point->value)) continue;
      const double value = filter_->Add(AsDouble(point->value));
      if (++count_ <= hold_ || (drop_infinite_ && std::isinf(value))) continue;
      point->value = value;
      point->aux.clear();
      return true;
    }
  }

 private:
  std::unique_ptr<Filter> filter_;
  int64_t hold_;
  bool drop_infinite_;
  PointStreamPtr input_;
  int64_t count_ = 0;
};

}  // namespace

PointStreamPtr Smooth(const Expr& call, PointStreamPtr input) {
  const int64_t hold = call.args.size() > 2 ? call.args[2]->integer : -1;
  const bool ratio = call.text == "triple_exponential_derivative" || call.text.starts_with("kauf");
  return std::make_unique<SmoothingStream>(MakeFilter(call), hold, ratio, std::move(input));
}

std::string SmoothingTitle(std::string_view function) {
  std::string title(function);
  for (char& c : title) {
    if (c == '_') c = ' ';
  }
  return title;
}

}  // namespace tsdb::influxql
