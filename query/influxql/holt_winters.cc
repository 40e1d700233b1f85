// holt_winters() and holt_winters_with_fit(): damped multiplicative exponential smoothing (Holt
// 1957, Winters 1960; damping after Gardner and McKenzie 1985). The parameters are found by the
// simplex search of Nelder and Mead (1965) from a grid of first guesses. Grid, weights and stopping
// rule are those of InfluxDB, because forecasts depend on them.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "query/influxql/streams.h"
#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

using Vector = std::vector<double>;
// May change its argument: what it was tried with is what it is remembered by.
using Objective = std::function<double(Vector&)>;

constexpr size_t kMaxPoints = 1'000'000;

// By squaring, as Go has it: the search ends elsewhere with other last digits.
double Power(double base, size_t exponent) {
  int base_shift = 0;
  double factor = std::frexp(base, &base_shift);
  double power = 1;
  int64_t shift = 0;
  for (int64_t factor_shift = base_shift; exponent > 0; exponent >>= 1) {
    constexpr int64_t kEnough = 4096;  // beyond what any float has
    if (factor_shift < -kEnough || factor_shift > kEnough) {
      shift += factor_shift;
      break;
    }
    if ((exponent & 1) != 0) {
      power *= factor;
      shift += factor_shift;
    }
    factor *= factor;
    factor_shift *= 2;
    if (factor < 0.5) {
      factor *= 2;
      --factor_shift;
    }
  }
  return std::ldexp(power, static_cast<int>(std::clamp<int64_t>(shift, -10000, 10000)));
}

class Simplex {
 public:
  Simplex(const Objective& objective, const Vector& start)
      : objective_(objective), size_(start.size()), vertices_(size_ + 1, start) {
    const auto n = static_cast<double>(size_);
    const double root = std::sqrt(n + 1) - 1;
    const double far = (root + n) / (n * std::sqrt(2));
    const double near = root / (n * std::sqrt(2));
    for (size_t i = 1; i <= size_; ++i) {
      for (size_t j = 0; j < size_; ++j) vertices_[i][j] = start[j] + (i - 1 == j ? far : near);
    }
    for (Vector& vertex : vertices_) values_.push_back(objective_(vertex));
  }

  // The least value found, and where.
  std::pair<double, Vector> Minimize() {
    constexpr int kMaxIterations = 1000;
    constexpr double kEpsilon = 1e-4;
    for (int i = 0; i < kMaxIterations; ++i) {
      Step();
      if (Deviation() < kEpsilon) break;
    }
    Vector best = vertices_[Least()];
    const Vector found = best;
    const double value = objective_(best);
    return {value, found};
  }

 private:
  size_t Least() const {
    return static_cast<size_t>(std::min_element(values_.begin(), values_.end()) - values_.begin());
  }

  void Step() {
    size_t worst = 0;
    size_t best = 0;
    for (size_t i = 0; i <= size_; ++i) {
      if (values_[i] > values_[worst]) worst = i;
      if (values_[i] < values_[best]) best = i;
    }
    size_t second = best;
    for (size_t i = 0; i <= size_; ++i) {
      if (values_[i] > values_[second] && values_[i] < values_[worst]) second = i;
    }
    Vector middle(size_, 0);
    for (size_t i = 0; i < size_; ++i) {
      for (size_t j = 0; j <= size_; ++j) {
        if (j != worst) middle[i] += vertices_[j][i];
      }
      middle[i] /= static_cast<double>(size_);
    }
    Vector reflected = Along(middle, vertices_[worst], -1);
    const double value = objective_(reflected);
    if (value < values_[second] && value >= values_[best]) Replace(worst, reflected, value);
    if (value < values_[best]) {
      Vector further = Along(middle, reflected, 2);
      const double further_value = objective_(further);
      further_value < value ? Replace(worst, further, further_value)
                            : Replace(worst, reflected, value);
    }
    if (value >= values_[second]) Contract(middle, reflected, value, worst, second, best);
  }

  void Contract(const Vector& middle, const Vector& reflected, double value, size_t worst,
                size_t second, size_t best) {
    const bool outside = value < values_[worst];
    Vector nearer = Along(middle, outside ? reflected : vertices_[worst], 0.5);
    const double nearer_value = objective_(nearer);
    if (nearer_value < values_[worst]) return Replace(worst, nearer, nearer_value);
    for (size_t i = 0; i <= size_; ++i) {
      if (i == best) continue;
      for (size_t j = 0; j < size_; ++j) {
        vertices_[i][j] = vertices_[best][j] + (vertices_[i][j] - vertices_[best][j]) / 2.0;
      }
    }
    values_[worst] = objective_(vertices_[worst]);
    values_[second] = objective_(vertices_[second]);
  }

  // middle + factor * (point - middle)
  static Vector Along(const Vector& middle, const Vector& point, double factor) {
    Vector result(middle.size());
    for (size_t i = 0; i < result.size(); ++i) {
      result[i] = middle[i] + factor * (point[i] - middle[i]);
    }
    return result;
  }

  void Replace(size_t index, const Vector& vertex, double value) {
    vertices_[index] = vertex;
    values_[index] = value;
  }

  double Deviation() const {
    double sum = 0;
    for (const double value : values_) sum += value;
    const double mean = sum / static_cast<double>(size_ + 1);
    double squares = 0;
    for (const double value : values_) {
      squares += (value - mean) * (value - mean) / static_cast<double>(size_);
    }
    return std::sqrt(squares);
  }

  const Objective& objective_;
  size_t size_;
  std::vector<Vector> vertices_;
  Vector values_;
};

// Parameters: alpha, beta, gamma, phi, the first level, the first trend, then the seasons.
class Model {
 public:
  Model(Vector values, size_t season) : values_(std::move(values)), season_(season) {}

  Vector Fit() const {
    Vector start = FirstGuess();
    const Objective objective = [this](Vector& parameters) { return Error(parameters); };
    double least = std::numeric_limits<double>::infinity();
    Vector best;
    constexpr double kGuesses[] = {0.3, 0.3 + 0.4};
    for (const double alpha : kGuesses) {
      for (const double beta : kGuesses) {
        for (const double gamma : kGuesses) {
          for (const double phi : kGuesses) {
            start[0] = alpha;
            start[1] = beta;
            start[2] = gamma;
            start[3] = phi;
            auto [error, parameters] = Simplex(objective, start).Minimize();
            if (error < least || best.empty()) {
              least = error;
              best = std::move(parameters);
            }
          }
        }
      }
    }
    return best;
  }

  // As many values as there are, and `ahead` more. The parameters are moved into their bounds, and
  // the seasons go on with the forecast.
  Vector Forecast(size_t ahead, Vector* parameters) const {
    Vector& p = *parameters;
    for (size_t i = 0; i < 4; ++i) p[i] = std::clamp(p[i], 0.0, 1.0);
    const double phi = p[3];
    double phi_sum = phi;
    double level = p[4];
    double trend = p[5];
    double* seasons = p.data() + 6;
    const size_t m = season_;
    size_t shift = m > 0 ? m - 1 : 0;
    Vector forecast(values_.size() + ahead);
    forecast[0] = values_[0];
    for (size_t t = 1; t < forecast.size(); ++t) {
      double season = 1;
      double season_ahead = 1;
      if (m > 0) {
        season = seasons[(t - m + shift) % m];
        season_ahead = seasons[(t - m + t % m + shift) % m];
      }
      const double before = forecast[t - 1];
      const double base = level + phi * trend;
      const double new_level = p[0] * (before / season) + (1 - p[0]) * base;
      const double new_trend = p[1] * (new_level - level) + (1 - p[1]) * phi * trend;
      const double new_season = p[2] * (before / base) + (1 - p[2]) * season;
      forecast[t] = (new_level + phi_sum * new_trend) * season_ahead;
      level = new_level;
      trend = new_trend;
      phi_sum += Power(phi, t);
      if (m > 0) {
        seasons[(t + shift) % m] = new_season;
        ++shift;
      }
    }
    return forecast;
  }

 private:
  Vector FirstGuess() const {
    constexpr double kWeight = 0.5;
    const size_t m = season_;
    double level = 0;
    double trend = 0;
    if (m > 0) {
      const auto length = static_cast<double>(m);
      for (size_t i = 0; i < m; ++i) {
        if (!std::isnan(values_[i])) level += (1 / length) * values_[i];
      }
      for (size_t i = 0; i < m && m + i < values_.size(); ++i) {
        if (std::isnan(values_[i]) || std::isnan(values_[m + i])) continue;
        trend += 1 / (length * length) * (values_[m + i] - values_[i]);
      }
    } else {
      level = kWeight * values_[0];
      if (!std::isnan(values_[1])) trend = kWeight * (values_[1] - values_[0]);
    }
    Vector guess(6 + m, 0);
    guess[4] = level;
    guess[5] = trend;
    for (size_t i = 0; i < m; ++i) {
      guess[6 + i] = std::isnan(values_[i]) ? 0 : values_[i] / level;
    }
    return guess;
  }

  double Error(Vector& parameters) const {
    const Vector forecast = Forecast(0, &parameters);
    double sum = 0;
    for (size_t i = 0; i < forecast.size(); ++i) {
      if (std::isnan(values_[i])) continue;
      if (std::isnan(forecast[i])) return std::numeric_limits<double>::infinity();
      sum += (forecast[i] - values_[i]) * (forecast[i] - values_[i]);
    }
    return sum;
  }

  Vector values_;
  size_t season_;  // 0: no seasons
};

int64_t RoundTo(int64_t time, int64_t interval) {
  const int64_t down = time / interval * interval;
  return time % interval > interval / 2 ? WrapAdd(down, interval) : down;
}

}  // namespace

Result<PointStreamPtr> HoltWinters(PointStreamPtr input, int64_t count, int64_t season,
                                   bool with_fit, int64_t interval_ns) {
  std::vector<Point> in;
  Point point;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, input->Next(&point));
    if (!more) break;
    if (!point.is_null && !IsNull(point.value)) in.push_back(point);
  }
  const auto nothing = [] {
    return PointStreamPtr(std::make_unique<VectorStream>(std::vector<Point>()));
  };
  const bool seasonal = season >= 2;
  if (interval_ns <= 0 || in.size() < 2) return nothing();
  if (seasonal && static_cast<int64_t>(in.size()) < season) return nothing();
  if (static_cast<uint64_t>(count) > kMaxPoints) {
    return InvalidArgument("holt_winters is limited to " + std::to_string(kMaxPoints) + " points");
  }
  // Values at regular times; NaN where one is missing.
  Vector values = {AsDouble(in[0].value)};
  int64_t time = RoundTo(in[0].time, interval_ns);
  if (RoundTo(in.back().time, interval_ns) <= time) return nothing();
  for (size_t i = 1; i < in.size(); ++i) {
    const int64_t rounded = RoundTo(in[i].time, interval_ns);
    if (rounded <= time) continue;
    for (time += interval_ns; time != rounded; time += interval_ns) {
      values.push_back(std::numeric_limits<double>::quiet_NaN());
      if (values.size() > kMaxPoints) {
        return InvalidArgument("holt_winters is limited to " + std::to_string(kMaxPoints) +
                               " points");
      }
    }
    values.push_back(AsDouble(in[i].value));
  }
  if (seasonal && values.size() < static_cast<size_t>(season)) return nothing();
  const size_t known = values.size();
  const Model model(std::move(values), seasonal ? static_cast<size_t>(season) : 0);
  Vector parameters = model.Fit();
  const Vector forecast = model.Forecast(static_cast<size_t>(count), &parameters);
  std::vector<Point> out;
  for (size_t i = with_fit ? 0 : known; i < forecast.size(); ++i) {
    if (std::isnan(forecast[i])) continue;
    Point result;
    const int64_t begin = with_fit ? in[0].time : in.back().time;
    const size_t steps = with_fit ? i : i - known + 1;
    result.time = WrapAdd(begin, WrapMul(interval_ns, static_cast<int64_t>(steps)));
    result.value = forecast[i];
    out.push_back(std::move(result));
  }
  return PointStreamPtr(std::make_unique<VectorStream>(std::move(out)));
}

}  // namespace tsdb::influxql
