#include "query/influxql/streams.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "query/influxql/wrapping.h"

namespace tsdb::influxql {
namespace {

class Concat : public PointStream {
 public:
  explicit Concat(std::vector<PointStreamPtr> inputs) : inputs_(std::move(inputs)) {}
  Result<bool> Next(Point* point) override {
    for (; at_ < inputs_.size(); ++at_) {
      ASSIGN_OR_RETURN(const bool more, inputs_[at_]->Next(point));
      if (more) return true;
      inputs_[at_].reset();
    }
    return false;
  }

 private:
  std::vector<PointStreamPtr> inputs_;
  size_t at_ = 0;
};

// -1, 0, 1 by the texts beside two points; what is no text counts as equal and ends the comparison.
int CompareTexts(const Point& a, const Point& b) {
  const size_t size = std::min(a.aux.size(), b.aux.size());
  for (size_t i = 0; i < size; ++i) {
    const auto* x = std::get_if<std::string>(&a.aux[i]);
    const auto* y = std::get_if<std::string>(&b.aux[i]);
    if (x == nullptr || y == nullptr) return 0;
    if (*x != *y) return *x < *y ? -1 : 1;
  }
  return 0;
}

// A binary heap of one point for each input. In which order points come that are not told apart is
// decided by the moves of the heap alone, as in InfluxDB: which of them a LIMIT keeps is seen by
// clients.
struct Head {
  Point point;
  size_t input = 0;
};
template <typename Order>
class Heap {
 public:
  Heap(std::vector<PointStreamPtr> inputs, Order before)
      : inputs_(std::move(inputs)), before_(std::move(before)) {}

  bool empty() const { return heads_.empty(); }

  Status Start() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Head head;
      head.input = i;
      ASSIGN_OR_RETURN(const bool more, Advance(&head));
      if (more) heads_.push_back(std::move(head));
    }
    for (size_t i = heads_.size() / 2; i > 0; --i) Down(i - 1, heads_.size());
    return Status::Ok();
  }

  // Takes the first one out of order. REQUIRES: !empty(), and Return or Remove come next.
  Head* Take() {
    const size_t last = heads_.size() - 1;
    std::swap(heads_[0], heads_[last]);
    Down(0, last);
    return &heads_.back();
  }
  void Return() { Up(heads_.size() - 1); }
  Head Remove() {
    Head head = std::move(heads_.back());
    heads_.pop_back();
    return head;
  }
  void Push(Head head) {
    heads_.push_back(std::move(head));
    Return();
  }

  // Gives it its input's next point; false at the end of it.
  Result<bool> Advance(Head* head) {
    head->point = Point();
    ASSIGN_OR_RETURN(const bool more, inputs_[head->input]->Next(&head->point));
    if (!more) inputs_[head->input].reset();
    return more;
  }

 private:
  bool Before(size_t a, size_t b) const { return before_(heads_[a].point, heads_[b].point); }

  void Up(size_t at) {
    while (at > 0) {
      const size_t parent = (at - 1) / 2;
      if (!Before(at, parent)) return;
      std::swap(heads_[at], heads_[parent]);
      at = parent;
    }
  }

  void Down(size_t at, size_t size) {
    for (;;) {
      size_t child = 2 * at + 1;
      if (child >= size) return;
      if (child + 1 < size && Before(child + 1, child)) ++child;
      if (!Before(child, at)) return;
      std::swap(heads_[at], heads_[child]);
      at = child;
    }
  }

  std::vector<PointStreamPtr> inputs_;
  Order before_;
  std::vector<Head> heads_;
};

class Merge : public PointStream {
 public:
  Merge(std::vector<PointStreamPtr> inputs, bool ascending)
      : heap_(std::move(inputs), {ascending}) {}

  Result<bool> Next(Point* point) override {
    if (!started_) RETURN_IF_ERROR(heap_.Start());
    started_ = true;
    if (heap_.empty()) return false;
    Head* head = heap_.Take();
    *point = std::move(head->point);
    ASSIGN_OR_RETURN(const bool more, heap_.Advance(head));
    more ? heap_.Return() : static_cast<void>(heap_.Remove());
    return true;
  }

 private:
  struct ByTime {
    bool ascending;
    bool operator()(const Point& a, const Point& b) const {
      if (a.time != b.time) return ascending ? a.time < b.time : a.time > b.time;
      const int order = CompareTexts(a, b);
      return ascending ? order < 0 : order > 0;
    }
  };

  Heap<ByTime> heap_;
  bool started_ = false;
};

class WindowMerge : public PointStream {
 public:
  WindowMerge(std::vector<PointStreamPtr> inputs, const Windows& windows, bool ascending)
      : windows_(windows), ascending_(ascending), heap_(std::move(inputs), {windows, ascending}) {}

  Result<bool> Next(Point* point) override {
    if (!started_) RETURN_IF_ERROR(heap_.Start());
    started_ = true;
    if (current_.has_value() && !IsInWindow(current_->point)) {
      heap_.Push(*std::exchange(current_, std::nullopt));
    }
    if (!current_.has_value()) {
      if (heap_.empty()) return false;
      heap_.Take();
      current_ = heap_.Remove();
      window_ = windows_.Of(current_->point.time);
    }
    *point = std::move(current_->point);
    ASSIGN_OR_RETURN(const bool more, heap_.Advance(&*current_));
    if (!more) current_.reset();
    return true;
  }

 private:
  bool IsInWindow(const Point& point) const {
    return ascending_ ? point.time < window_.end : point.time >= window_.start;
  }

  struct ByWindow {
    Windows windows;
    bool ascending;
    bool operator()(const Point& a, const Point& b) const {
      const int64_t x = windows.Of(a.time).start;
      const int64_t y = windows.Of(b.time).start;
      return ascending ? x < y : x > y;
    }
  };

  Windows windows_;
  bool ascending_;
  Heap<ByWindow> heap_;
  bool started_ = false;
  std::optional<Head> current_;
  Window window_;
};

class Limit : public PointStream {
 public:
  Limit(PointStreamPtr input, int64_t limit, int64_t offset)
      : input_(std::move(input)), limit_(limit), offset_(offset) {}
  Result<bool> Next(Point* point) override {
    for (;;) {
      if (limit_ > 0 && seen_ - offset_ >= limit_) return false;
      ASSIGN_OR_RETURN(const bool more, input_->Next(point));
      if (!more) return false;
      if (++seen_ > offset_) return true;
    }
  }

 private:
  PointStreamPtr input_;
  int64_t limit_;
  int64_t offset_;
  int64_t seen_ = 0;
};

class PerShard : public PointStream {
 public:
  PerShard(PointStreamPtr input, int64_t count, int64_t shard_group_ns)
      : input_(std::move(input)), count_(count), length_ns_(shard_group_ns) {}
  Result<bool> Next(Point* point) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, input_->Next(point));
      if (!more) return false;
      const int64_t group = ShardGroupOf(point->time, length_ns_);
      if (group != group_) seen_ = 0;
      group_ = group;
      if (++seen_ <= count_) return true;
    }
  }

 private:
  PointStreamPtr input_;
  int64_t count_;
  int64_t length_ns_;
  int64_t group_ = -1;
  int64_t seen_ = 0;
};

Value Linear(int64_t at, const Point& from, const Point& to, int64_t length, DataType type) {
  const int64_t start = from.time / length;
  const double slope_x = static_cast<double>(WrapSub(to.time / length, start));
  const double x = static_cast<double>(WrapSub(at / length, start));
  if (type == DataType::kInteger) {
    const auto* a = std::get_if<int64_t>(&from.value);
    const auto* b = std::get_if<int64_t>(&to.value);
    if (a == nullptr || b == nullptr) return {};
    const double slope = static_cast<double>(WrapSub(*b, *a)) / slope_x;
    return ToInteger(slope * x + static_cast<double>(*a));
  }
  const double slope = (AsDouble(to.value) - AsDouble(from.value)) / slope_x;
  return slope * x + AsDouble(from.value);
}

class Fill : public PointStream {
 public:
  Fill(PointStreamPtr input, const FillSpec& spec, const Windows& windows,
       std::shared_ptr<const TimeZone> zone, bool ascending, const CancelToken* cancel)
      : input_(std::move(input)),
        spec_(spec),
        windows_(windows),
        zone_(std::move(zone)),
        ascending_(ascending),
        cancel_(cancel) {
    const TimeRange& range = windows.range();
    first_ = windows.Of(ascending ? range.min : range.max).start;
    last_ = windows.Of(ascending ? range.max : range.min).start;
    if (spec_.is_count && spec_.option == FillOption::kNull) {
      spec_.option = FillOption::kNumber;
      spec_.value = int64_t{0};
    }
  }

  Result<bool> Next(Point* point) override {
    ASSIGN_OR_RETURN(const Point* next, input_.Peek());
    if (!started_) {
      if (next == nullptr) return false;
      started_ = true;
      const bool open = first_ <= kMinTime || (!ascending_ && windows_.range().max >= kMaxTime);
      at_ = open ? windows_.Of(next->time).start : first_;
      offset_ = OffsetAt(at_);
    }
    if (next == nullptr) {
      const bool open_end = !ascending_ && last_ <= kMinTime;
      if (open_end || is_over_ || (ascending_ ? at_ > last_ : at_ < last_)) return false;
    }
    if (next == nullptr || (ascending_ ? next->time > at_ : next->time < at_)) {
      constexpr uint64_t kGapsBetweenChecks = 1024;
      if (++gaps_ % kGapsBetweenChecks == 0) RETURN_IF_ERROR(cancel_->Check());
      *point = Gap(next);
    } else {
      *point = input_.Take();
      previous_ = *point;
    }
    Step();
    return true;
  }

 private:
  int64_t OffsetAt(int64_t time) const {
    if (zone_ == nullptr) return 0;
    const int64_t seconds = time / 1'000'000'000 - (time % 1'000'000'000 < 0 ? 1 : 0);
    return int64_t{zone_->OffsetAt(seconds)} * 1'000'000'000;
  }

  Point Gap(const Point* next) const {
    Point point;
    point.time = at_;
    point.aux.resize(spec_.aux_count);
    point.is_null = true;
    switch (spec_.option) {
      case FillOption::kNumber:
        point.value = spec_.value;
        point.is_null = IsNull(spec_.value);
        break;
      case FillOption::kPrevious:
        if (previous_.has_value()) {
          point.value = previous_->value;
          point.is_null = previous_->is_null;
        }
        break;
      case FillOption::kLinear:
        if (spec_.type != DataType::kFloat && spec_.type != DataType::kInteger) break;
        if (!previous_.has_value() || previous_->is_null || next == nullptr) break;
        point.value = Linear(at_, *previous_, *next, windows_.length_ns(), spec_.type);
        point.is_null = IsNull(point.value);
        break;
      default:
        break;
    }
    return point;
  }

  void Step() {
    const int64_t length = windows_.length_ns();
    Move(ascending_ ? length : -length);
    if (zone_ == nullptr || is_over_) return;
    const int64_t offset = OffsetAt(at_ - 1);
    if (offset == offset_) return;
    const int64_t change = offset_ - offset;
    if (std::llabs(change) < length) Move(change);
    offset_ = offset;
  }

  // Beyond the times that there are no interval begins.
  void Move(int64_t by) {
    is_over_ = __builtin_add_overflow(at_, by, &at_) || at_ < kMinTime || at_ > kMaxTime;
    if (is_over_) at_ = ascending_ ? kMaxTime : kMinTime;
  }

  PeekStream input_;
  FillSpec spec_;
  Windows windows_;
  std::shared_ptr<const TimeZone> zone_;
  bool ascending_;
  const CancelToken* cancel_;
  uint64_t gaps_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
  bool started_ = false;
  bool is_over_ = false;
  int64_t at_ = 0;
  int64_t offset_ = 0;
  std::optional<Point> previous_;
};

}  // namespace

PointStreamPtr ConcatStreams(std::vector<PointStreamPtr> inputs) {
  if (inputs.size() == 1) return std::move(inputs[0]);
  return std::make_unique<Concat>(std::move(inputs));
}

PointStreamPtr MergeStreams(std::vector<PointStreamPtr> inputs, bool ascending) {
  if (inputs.size() == 1) return std::move(inputs[0]);
  return std::make_unique<Merge>(std::move(inputs), ascending);
}

PointStreamPtr MergeWindows(std::vector<PointStreamPtr> inputs, const Windows& windows,
                            bool ascending) {
  if (inputs.size() == 1) return std::move(inputs[0]);
  return std::make_unique<WindowMerge>(std::move(inputs), windows, ascending);
}

PointStreamPtr LimitPoints(PointStreamPtr input, int64_t limit, int64_t offset) {
  if (limit <= 0 && offset <= 0) return input;
  return std::make_unique<Limit>(std::move(input), limit, offset);
}

int64_t ShardGroupOf(int64_t time, int64_t shard_group_ns) {
  // Groups are cut from the year 1 on.
  constexpr __int128 kYearOneNs = static_cast<__int128>(719'162) * 86'400'000'000'000;
  return static_cast<int64_t>((static_cast<__int128>(time) + kYearOneNs) / shard_group_ns);
}

PointStreamPtr LimitPerShard(PointStreamPtr input, int64_t count, int64_t shard_group_ns) {
  if (shard_group_ns <= 0) return input;
  return std::make_unique<PerShard>(std::move(input), count, shard_group_ns);
}

PointStreamPtr FillGaps(PointStreamPtr input, const FillSpec& spec, const Windows& windows,
                        std::shared_ptr<const TimeZone> zone, bool ascending,
                        const CancelToken* cancel) {
  return std::make_unique<Fill>(std::move(input), spec, windows, std::move(zone), ascending,
                                cancel);
}

}  // namespace tsdb::influxql
