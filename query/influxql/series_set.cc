#include "query/influxql/series_set.h"

#include <algorithm>
#include <map>
#include <utility>

#include "query/influxql/condition.h"
#include "query/influxql/eval.h"
#include "query/influxql/field_column.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;

// "field = x" in a form that the index knows: AND-ed comparisons of a tag with a text or a regex.
void AddMatchers(const Expr& filter, Matchers* matchers) {
  if (filter.is(Kind::kParen)) return AddMatchers(*filter.args[0], matchers);
  if (!filter.is(Kind::kBinary)) return;
  if (filter.op == Token::kAnd) {
    AddMatchers(*filter.args[0], matchers);
    AddMatchers(*filter.args[1], matchers);
    return;
  }
  const Expr& left = *filter.args[0];
  const Expr& right = *filter.args[1];
  if (!left.is(Kind::kVarRef) || !IsTagRef(left) || !IsTagLabel(left.text)) return;
  if (left.text == "_name") return;
  if (right.is(Kind::kString) && (filter.op == Token::kEq || filter.op == Token::kNotEq)) {
    matchers->emplace_back(filter.op == Token::kEq ? MatchType::kEqual : MatchType::kNotEqual,
                           left.text, right.text);
  } else if (right.is(Kind::kRegex) &&
             (filter.op == Token::kEqRegex || filter.op == Token::kNotEqRegex)) {
    // Prometheus' matchers are anchored, InfluxDB's expressions are not. What does not compile with
    // the additions is looked at later.
    const bool equal = filter.op == Token::kEqRegex;
    Result<Matcher> matcher = Matcher::Create(equal ? MatchType::kRegex : MatchType::kNotRegex,
                                              left.text, "(?s:.*)(?:" + right.text + ")(?s:.*)");
    if (matcher.ok()) matchers->push_back(*std::move(matcher));
  }
}

std::string KeyOf(const Labels& labels) {
  std::string key;
  for (const Label& label : labels) {
    if (!IsTagLabel(label.name)) continue;
    key.append(label.name).push_back('\0');
    key.append(label.value).push_back('\0');
  }
  return key;
}

// A filter's variables that are fields.
void CollectFields(const ExprPtr& filter, std::vector<std::string>* out) {
  Walk(filter, [&](const Expr& node) {
    if (node.is(Kind::kVarRef) && !IsTagRef(node)) out->push_back(node.text);
  });
}

class SeriesStream : public PointStream {
 public:
  SeriesStream(const SeriesEntry& entry, const ColumnRef* driver, const std::vector<ColumnRef>& aux,
               const TimeRange& range, bool ascending, const CancelToken* cancel)
      : entry_(entry), range_(range), ascending_(ascending), cancel_(cancel) {
    if (driver != nullptr) {
      driver_ = ColumnOf(*driver);
      dead_ = driver_ == kNone;
    }
    by_aux_ = driver == nullptr;
    for (const ColumnRef& ref : aux) {
      Slot slot;
      slot.column = ref.type == DataType::kTag ? kNone : ColumnOf(ref);
      if (slot.column == kNone) {
        const std::string_view tag = TagValue(entry.tags, ref.name);
        const bool fits = ref.type == DataType::kTag || ref.type == DataType::kUnknown;
        if (fits && !tag.empty()) slot.constant = std::string(tag);
      } else if (by_aux_) {
        drivers_.push_back(slot.column);
      }
      aux_.push_back(std::move(slot));
    }
    if (by_aux_ && drivers_.empty()) dead_ = true;
    if (!dead_ && entry.filter) PrepareFilter();
  }

  Result<bool> Next(Point* point) override {
    if (dead_) return false;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, by_aux_ ? NextTime() : NextDriver());
      if (!more) return false;
      if (entry_.filter) {
        RETURN_IF_ERROR(LoadFilterValues());
        if (!Holds(*filter_, [this](const Expr& ref) { return FilterValue(ref); })) {
          Consume();
          continue;
        }
      }
      point->time = time_;
      point->is_null = by_aux_;
      point->value = by_aux_ ? Value() : columns_[driver_]->value();
      point->aux.resize(aux_.size());
      for (size_t i = 0; i < aux_.size(); ++i) {
        if (aux_[i].column == kNone) {
          point->aux[i] = aux_[i].constant;
        } else {
          ASSIGN_OR_RETURN(point->aux[i], columns_[aux_[i].column]->ValueAt(time_));
        }
      }
      Consume();
      return true;
    }
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Slot {
    size_t column = kNone;
    Value constant;
  };

  // Each field is read once, however often it is named.
  size_t ColumnOf(const ColumnRef& ref) {
    const bool readable = ref.type == DataType::kFloat || ref.type == DataType::kInteger ||
                          ref.type == DataType::kBoolean || ref.type == DataType::kString;
    const size_t* index = readable ? entry_.FindField(ref.name) : nullptr;
    if (index == nullptr) return kNone;
    const auto [found, is_new] = by_name_.try_emplace({ref.name, ref.type}, columns_.size());
    if (is_new) {
      columns_.push_back(std::make_unique<ColumnCursor>(
          FieldColumn(entry_.selection, *index, ref.type, range_, cancel_), ascending_));
    }
    return found->second;
  }

  void PrepareFilter() {
    filter_ = Rewrite(entry_.filter, [this](const ExprPtr& node) -> ExprPtr {
      if (!node->is(Kind::kVarRef)) return node;
      // Variables become numbers of slots.
      Slot slot;
      if (!IsTagRef(*node)) slot.column = ColumnOf({node->text, node->type});
      if (slot.column == kNone && IsTagRef(*node)) {
        const std::string_view tag = TagValue(entry_.tags, node->text);
        if (!tag.empty()) slot.constant = std::string(tag);
      }
      auto copy = std::make_shared<Expr>(*node);
      copy->integer = static_cast<int64_t>(filter_slots_.size());
      filter_slots_.push_back(std::move(slot));
      return copy;
    });
  }

  Status LoadFilterValues() {
    for (Slot& slot : filter_slots_) {
      if (slot.column == kNone) continue;
      ASSIGN_OR_RETURN(slot.constant, columns_[slot.column]->ValueAt(time_));
    }
    return Status::Ok();
  }
  Value FilterValue(const Expr& ref) const {
    return filter_slots_[static_cast<size_t>(ref.integer)].constant;
  }

  Result<bool> NextDriver() {
    ASSIGN_OR_RETURN(const bool valid, columns_[driver_]->Valid());
    if (valid) time_ = columns_[driver_]->time();
    return valid;
  }

  Result<bool> NextTime() {
    bool any = false;
    for (const size_t column : drivers_) {
      ASSIGN_OR_RETURN(const bool valid, columns_[column]->Valid());
      if (!valid) continue;
      const int64_t time = columns_[column]->time();
      if (!any || (ascending_ ? time < time_ : time > time_)) time_ = time;
      any = true;
    }
    return any;
  }

  void Consume() {
    if (!by_aux_) {
      columns_[driver_]->Advance();
      return;
    }
    for (const size_t column : drivers_) {
      const Result<bool> valid = columns_[column]->Valid();
      if (valid.ok() && *valid && columns_[column]->time() == time_) columns_[column]->Advance();
    }
  }

  const SeriesEntry& entry_;
  TimeRange range_;
  bool ascending_;
  const CancelToken* cancel_;
  std::map<std::pair<std::string, DataType>, size_t> by_name_;
  std::vector<std::unique_ptr<ColumnCursor>> columns_;
  size_t driver_ = kNone;
  bool by_aux_ = false;
  bool dead_ = false;
  std::vector<size_t> drivers_;  // columns whose times count; a field may be named twice
  std::vector<Slot> aux_;
  ExprPtr filter_;
  std::vector<Slot> filter_slots_;
  int64_t time_ = 0;
};

// What stands at `at` in a name or value as a series key has it, where commas, equals signs and
// blanks have a backslash before them: -1 at the end of the key.
int KeyByteAt(std::string_view text, size_t at, int behind) {
  if (at == text.size()) return behind;
  const char c = text[at];
  return c == ',' || c == '=' || c == ' ' ? '\\' : static_cast<unsigned char>(c);
}

// <0, 0, >0. `behind_a` is what follows in the key.
int CompareInKeys(std::string_view a, int behind_a, std::string_view b, int behind_b) {
  const size_t at =
      static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const int x = KeyByteAt(a, at, behind_a);
  const int y = KeyByteAt(b, at, behind_b);
  if (x != y || at == a.size() || at == b.size()) return x - y;
  return static_cast<unsigned char>(a[at]) - static_cast<unsigned char>(b[at]);
}

// InfluxDB reads series in the order of their keys, "m,a=1,b=2", which shows in points of one time.
bool IsKeyBefore(const Tags& a, const Tags& b) {
  const size_t size = std::min(a.size(), b.size());
  for (size_t i = 0; i < size; ++i) {
    if (a[i] == b[i]) continue;
    const int names = CompareInKeys(a[i].first, '=', b[i].first, '=');
    if (names != 0) return names < 0;
    const auto behind = [i](const Tags& tags) { return i + 1 < tags.size() ? ',' : -1; };
    return CompareInKeys(a[i].second, behind(a), b[i].second, behind(b)) < 0;
  }
  return a.size() < b.size();
}

}  // namespace

const size_t* SeriesEntry::FindField(std::string_view name) const {
  for (const auto& [field, index] : fields) {
    if (field == name) return &index;
  }
  return nullptr;
}

std::string_view TagValue(const Tags& tags, std::string_view name) {
  const auto found = std::lower_bound(tags.begin(), tags.end(), name,
                                      [](const auto& tag, std::string_view wanted) {
                                        return std::string_view(tag.first) < wanted;
                                      });
  return found != tags.end() && found->first == name ? std::string_view(found->second)
                                                     : std::string_view();
}

Tags Subset(const Tags& tags, const std::vector<std::string>& names) {
  Tags subset;
  subset.reserve(names.size());
  for (const std::string& name : names)
    subset.emplace_back(name, std::string(TagValue(tags, name)));
  return subset;
}

Result<std::unique_ptr<MeasurementSeries>> FindSeries(const PreparedSource& source,
                                                      const ExprPtr& filter,
                                                      const std::vector<std::string>& fields,
                                                      bool all_fields, const TimeRange& range,
                                                      Schema* schema) {
  auto found = std::make_unique<MeasurementSeries>();
  found->measurement = source.measurement;
  std::vector<std::string> wanted = fields;
  CollectFields(filter, &wanted);
  storage::SelectRequest request = schema->RequestFor(source.place, source.measurement, range);
  if (filter) AddMatchers(*filter, &request.matchers);
  const bool prometheus = source.place.is_prometheus();
  if (!all_fields && !prometheus && wanted.size() == 1) {
    request.matchers.emplace_back(MatchType::kEqual, std::string(kFieldLabel), wanted[0]);
  }
  ASSIGN_OR_RETURN(found->selection, schema->storage().Select(request, schema->cancel()));
  const storage::SeriesSelection& selection = *found->selection;
  std::map<std::string, size_t> by_tags;
  for (size_t i = 0; i < selection.size(); ++i) {
    const Labels& labels = selection.labels(i);
    const std::string_view field = NameOf(labels, prometheus).field;
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), field) != wanted.end();
    if (!is_wanted && !all_fields) continue;
    const auto [at, is_new] = by_tags.try_emplace(KeyOf(labels), found->entries.size());
    if (is_new) {
      SeriesEntry entry;
      entry.tags = TagsOf(labels);
      entry.selection = &selection;
      entry.shard_group_ns = source.place.shard_group_ns;
      found->entries.push_back(std::move(entry));
    }
    if (is_wanted) found->entries[at->second].fields.emplace_back(field, i);
  }
  if (filter) {
    std::erase_if(found->entries, [&](SeriesEntry& entry) {
      const Verdict verdict = JudgeForSelect(*filter, source.measurement, entry.tags);
      if (verdict == Verdict::kByRow) {
        entry.filter = RowFilter(filter, source.measurement, entry.tags);
      }
      return verdict == Verdict::kNo;
    });
  }
  std::sort(found->entries.begin(), found->entries.end(),
            [](const SeriesEntry& a, const SeriesEntry& b) { return IsKeyBefore(a.tags, b.tags); });
  return found;
}

PointStreamPtr StreamSeries(const SeriesEntry& entry, const ColumnRef* driver,
                            const std::vector<ColumnRef>& aux, const TimeRange& range,
                            bool ascending, const CancelToken* cancel) {
  return std::make_unique<SeriesStream>(entry, driver, aux, range, ascending, cancel);
}

}  // namespace tsdb::influxql
