#include "query/influxql/show.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/number.h"
#include "base/text.h"
#include "query/influxql/condition.h"
#include "query/influxql/eval.h"
#include "query/influxql/select_compile.h"
#include "query/influxql/series_set.h"

namespace tsdb::influxql {
namespace {

using Kind = Expr::Kind;
using NameSet = std::set<std::string, std::less<>>;

bool IsComparison(Token op) {
  return op == Token::kEq || op == Token::kNotEq || op == Token::kEqRegex ||
         op == Token::kNotEqRegex;
}

// Names of InfluxDB's own, which are no tags.
bool IsSystemName(std::string_view name) {
  return name == "_name" || name == "_tagKey" || name == "_tagKeys" || name == "_series" ||
         name == "_fieldKeys" || name == "_measurements" || name == "_tags";
}

Status WrongOperator() { return InvalidArgument("invalid tag comparison operator"); }

Status CheckOperators(const Expr& condition) {
  if (condition.is(Kind::kParen)) return CheckOperators(*condition.args[0]);
  if (!condition.is(Kind::kBinary)) return Status::Ok();
  if (condition.op == Token::kAnd || condition.op == Token::kOr) {
    RETURN_IF_ERROR(CheckOperators(*condition.args[0]));
    return CheckOperators(*condition.args[1]);
  }
  return IsComparison(condition.op) ? Status::Ok() : WrongOperator();
}

bool HasTime(const ExprPtr& condition) {
  bool has_time = false;
  Walk(condition, [&](const Expr& node) { has_time = has_time || node.is_time_ref(); });
  return has_time;
}

// What SHOW TAG VALUES compares must be a name.
Status CheckLeftSides(const Expr& condition) {
  if (condition.is(Kind::kParen)) return CheckLeftSides(*condition.args[0]);
  if (!condition.is(Kind::kBinary)) return Status::Ok();
  if (condition.op == Token::kAnd || condition.op == Token::kOr) {
    RETURN_IF_ERROR(CheckLeftSides(*condition.args[0]));
    return CheckLeftSides(*condition.args[1]);
  }
  if (!IsComparison(condition.op) || condition.args[0]->is(Kind::kVarRef)) return Status::Ok();
  return InvalidArgument("left side of '" + std::string(TokenText(condition.op)) +
                         "' must be a tag key");
}

Status CheckAllOperators(const Expr& expr) {
  if (!expr.is(Kind::kBinary) && !expr.is(Kind::kParen)) return Status::Ok();
  const bool allowed = expr.is(Kind::kParen) || expr.op == Token::kAnd || expr.op == Token::kOr ||
                       IsComparison(expr.op);
  if (!allowed) return WrongOperator();
  for (const ExprPtr& arg : expr.args) RETURN_IF_ERROR(CheckAllOperators(*arg));
  return Status::Ok();
}

// As Go prints the pointer to an expression by %#v; calls and the like, whose addresses it shows,
// by their names only.
std::string AsGoSyntax(const Expr& expr) {
  switch (expr.kind) {
    case Kind::kVarRef:
      return "&influxql.VarRef{Val:" + GoQuote(expr.text) +
             ", Type:" + std::to_string(static_cast<int>(expr.type)) + "}";
    case Kind::kBoolean:
      return std::string("&influxql.BooleanLiteral{Val:") +
             (expr.integer != 0 ? "true}" : "false}");
    case Kind::kInteger:
      return "&influxql.IntegerLiteral{Val:" + std::to_string(expr.integer) + "}";
    case Kind::kDuration:
      return "&influxql.DurationLiteral{Val:" + std::to_string(expr.integer) + "}";
    case Kind::kString:
      return "&influxql.StringLiteral{Val:" + GoQuote(expr.text) + "}";
    case Kind::kNumber:
      return "&influxql.NumberLiteral{Val:" + FormatFloatG(expr.number) + "}";
    default:
      return std::string(GoTypeName(expr));
  }
}

// The condition with every comparison replaced by what `of` makes of it. Nothing (null) leaves AND
// and OR with their other side.
template <typename OfComparison>
ExprPtr MapComparisons(const ExprPtr& condition, const OfComparison& of) {
  if (!condition) return condition;
  if (condition->is(Kind::kParen)) {
    ExprPtr inner = MapComparisons(condition->args[0], of);
    return inner ? Paren(std::move(inner)) : inner;
  }
  if (!condition->is(Kind::kBinary)) return condition;
  if (condition->op != Token::kAnd && condition->op != Token::kOr) return of(condition);
  ExprPtr left = MapComparisons(condition->args[0], of);
  ExprPtr right = MapComparisons(condition->args[1], of);
  if (!left) return right;
  if (!right) return left;
  return Binary(condition->op, std::move(left), std::move(right));
}

// Policies of a database, all together.
class DatabaseView {
 public:
  // kNotFound "database not found: x". All policies, unless one is named.
  static Result<DatabaseView> Open(const std::string& name, Schema* schema,
                                   std::string_view only_policy = {}) {
    DatabaseView view;
    view.schema_ = schema;
    auto& catalog = const_cast<storage::Storage&>(schema->storage()).catalog();
    const std::optional<storage::Database> database = catalog.Find(name);
    if (!database.has_value()) return NotFound("database not found: " + name);
    for (const storage::RetentionPolicy& policy : database->policies) {
      if (!only_policy.empty() && policy.name != only_policy) continue;
      view.places_.push_back(PlaceOf(name, policy));
    }
    return view;
  }

  const std::vector<Place>& places() const { return places_; }
  bool is_prometheus() const { return !places_.empty() && places_[0].is_prometheus(); }
  std::string_view measurement_label() const {
    return is_prometheus() ? kMetricName : kMeasurementLabel;
  }

  storage::SelectRequest Request(const std::string& measurement, const TimeRange& range) const {
    storage::SelectRequest request;
    request.scope.all = false;
    for (const Place& place : places_) request.scope.policies.push_back(place.id);
    std::sort(request.scope.policies.begin(), request.scope.policies.end());
    request.view = storage::View::kStored;
    request.min_time = range.min;
    request.max_time = range.max;
    request.labels_only = true;
    if (!measurement.empty()) {
      request.matchers.emplace_back(MatchType::kEqual, std::string(measurement_label()),
                                    measurement);
    }
    return request;
  }

  Result<std::vector<std::string>> Values(std::string_view label,
                                          const storage::SelectRequest& request) const {
    if (places_.empty() || request.min_time > request.max_time) return std::vector<std::string>();
    return schema_->storage().LabelValues(label, request, schema_->cancel());
  }
  Result<std::vector<std::string>> Measurements(const TimeRange& range) const {
    return Values(measurement_label(), Request("", range));
  }

  // Measurement and tags of each series, once; those for which `condition` (or null) holds.
  Result<std::vector<Tags>> Series(const std::string& measurement, const ExprPtr& condition,
                                   const TimeRange& range) const {
    std::set<Tags> found;
    if (!places_.empty() && !range.empty()) {
      ASSIGN_OR_RETURN(const auto selection,
                       schema_->storage().Select(Request(measurement, range), schema_->cancel()));
      for (size_t i = 0; i < selection->size(); ++i) {
        Tags tags = TagsOf(selection->labels(i));
        if (condition && JudgeByTags(*condition, tags) != Verdict::kYes) continue;
        found.insert(std::move(tags));
      }
    }
    return std::vector<Tags>(found.begin(), found.end());
  }

 private:
  Schema* schema_ = nullptr;
  std::vector<Place> places_;
};

bool NamesMeasurement(const Sources& sources, const std::string& name) {
  if (sources.empty()) return true;
  return std::any_of(sources.begin(), sources.end(), [&](const Source& source) {
    return source.regex ? source.regex->regex->PartialMatch(name) : source.name == name;
  });
}

void Cut(int64_t limit, int64_t offset, std::vector<std::vector<Value>>* rows) {
  const auto skip = std::min(static_cast<size_t>(std::max<int64_t>(offset, 0)), rows->size());
  rows->erase(rows->begin(), rows->begin() + static_cast<ptrdiff_t>(skip));
  if (limit > 0 && rows->size() > static_cast<size_t>(limit)) {
    rows->resize(static_cast<size_t>(limit));
  }
}

class SchemaShower {
 public:
  SchemaShower(const ShowSchemaStatement& statement, Schema* schema, bool* goes_on)
      : statement_(statement), schema_(schema), goes_on_(goes_on) {}

  Result<std::vector<ResultSeries>> Run() {
    using SchemaKind = ShowSchemaStatement::Kind;
    if (statement_.database.empty()) return InvalidArgument("database name required");
    database_ = statement_.database;
    std::string only_policy;
    if (IsOfOnePolicy()) {
      const Sources& sources = statement_.sources;
      if (!sources.empty() && !sources[0].database.empty()) database_ = sources[0].database;
      Result<std::string> policy = Policy();
      if (!policy.ok()) return policy.status();
      // With times in WHERE, SHOW SERIES is a SELECT of one policy.
      if (statement_.cardinality || HasTime(statement_.condition)) {
        only_policy = *std::move(policy);
      }
    }
    Result<DatabaseView> view = DatabaseView::Open(database_, schema_, only_policy);
    if (!view.ok()) {
      // InfluxDB tells of no measurements rather than of no database.
      if (IsMeasurementList()) return std::vector<ResultSeries>();
      if (!IsEstimate()) return view.status();
      return OneOrNone(Table("", {"cardinality estimation"}, {{int64_t{0}}}));
    }
    view_ = *std::move(view);
    if (!IsMeasurementList()) RETURN_IF_ERROR(ReadCondition());
    *goes_on_ = !statement_.cardinality;
    switch (statement_.kind) {
      case SchemaKind::kMeasurements:
        return Measurements();
      case SchemaKind::kSeries:
        return Series();
      case SchemaKind::kTagKeys:
        return TagKeys();
      case SchemaKind::kTagValues:
        return TagValues();
      case SchemaKind::kFieldKeys:
        break;
    }
    return FieldKeys();
  }

 private:
  using Rows = std::vector<std::vector<Value>>;
  using FieldTypes = std::set<std::pair<std::string, std::string>>;  // field, name of its type

  // Errors of what WHERE asks for, which are found where it is asked.
  Status CheckOfTags() const { return filter_ ? CheckOperators(*filter_) : Status::Ok(); }

  Status ReadCondition() {
    const FoldContext context{schema_->now_ns(), nullptr};
    ASSIGN_OR_RETURN(const Condition condition, SplitCondition(statement_.condition, context));
    range_ = condition.range;
    const bool of_series =
        statement_.kind == ShowSchemaStatement::Kind::kSeries && HasTime(statement_.condition);
    const bool of_tags = statement_.kind == ShowSchemaStatement::Kind::kTagKeys ||
                         statement_.kind == ShowSchemaStatement::Kind::kTagValues;
    // SHOW SERIES is a SELECT then, of rows that stand at the time 0 and are asked for the end of
    // the range in the order of reading.
    const bool ends_before = statement_.ascending ? range_.max < 0 : range_.min > 0;
    if (!statement_.cardinality && of_series && ends_before) {
      range_.min = INT64_MAX;
    } else if (!statement_.cardinality && (of_series || of_tags)) {
      for (const Place& place : view_.places()) {  // all of the shard groups that it touches
        const TimeRange whole = Schema::WholeGroups(place, condition.range);
        range_.min = std::min(range_.min, whole.min);
        range_.max = std::max(range_.max, whole.max);
      }
    }
    filter_ = condition.filter;
    if (!filter_) return Status::Ok();
    if (statement_.cardinality) {
      RETURN_IF_ERROR(CheckCondition(*filter_));
      return CheckFilter(*filter_);
    }
    if (statement_.kind == ShowSchemaStatement::Kind::kSeries) {
      RETURN_IF_ERROR(CheckFilter(*filter_));
      RETURN_IF_ERROR(CheckAllOperators(*filter_));
    }
    key_filter_ = MapComparisons(filter_, [](const ExprPtr& comparison) -> ExprPtr {
      const Expr& left = *comparison->args[0];
      return left.is(Kind::kVarRef) && left.text == "_tagKey" ? comparison : nullptr;
    });
    return Status::Ok();
  }

  // SHOW MEASUREMENTS is about the database and looser than the others.
  bool IsMeasurementList() const {
    return statement_.kind == ShowSchemaStatement::Kind::kMeasurements && !statement_.cardinality;
  }

  // Whether InfluxDB reads it from one policy, as a SELECT is.
  bool IsOfOnePolicy() const {
    using SchemaKind = ShowSchemaStatement::Kind;
    if (statement_.cardinality) return !IsEstimate();
    return statement_.kind == SchemaKind::kSeries || statement_.kind == SchemaKind::kFieldKeys;
  }

  // The name of that policy. Errors are those of a SELECT.
  Result<std::string> Policy() const {
    std::string_view name = statement_.policy;
    if (!statement_.sources.empty() && !statement_.sources[0].policy.empty()) {
      name = statement_.sources[0].policy;
    }
    ASSIGN_OR_RETURN(const std::optional<Place> place, schema_->Find(database_, name));
    if (!place.has_value()) {
      return NotFound("retention policy not found: " + std::string(name));
    }
    return place->policy;
  }

  static ResultSeries Table(std::string name, std::vector<std::string> columns, Rows rows) {
    ResultSeries series;
    series.name = std::move(name);
    series.columns = std::move(columns);
    series.rows = std::move(rows);
    return series;
  }
  static std::vector<ResultSeries> OneOrNone(ResultSeries series) {
    std::vector<ResultSeries> list;
    if (!series.rows.empty()) list.push_back(std::move(series));
    return list;
  }

  // Measurements that have the tag compared and for which the comparison holds of some value of it;
  // AND and OR combine measurements.
  Result<NameSet> Matching(const Expr& condition, const NameSet& all) const {
    if (condition.is(Kind::kParen)) return Matching(*condition.args[0], all);
    if (!condition.is(Kind::kBinary)) return InvalidArgument(AsGoSyntax(condition));
    if (condition.op == Token::kAnd || condition.op == Token::kOr) {
      ASSIGN_OR_RETURN(const NameSet left, Matching(*condition.args[0], all));
      ASSIGN_OR_RETURN(const NameSet right, Matching(*condition.args[1], all));
      NameSet result;
      for (const std::string& name : all) {
        const bool holds = condition.op == Token::kAnd
                               ? left.contains(name) && right.contains(name)
                               : left.contains(name) || right.contains(name);
        if (holds) result.insert(name);
      }
      return result;
    }
    return MatchingComparison(condition, all);
  }

  Result<NameSet> MatchingComparison(const Expr& condition, const NameSet& all) const {
    if (!IsComparison(condition.op)) return WrongOperator();
    const std::string op(TokenText(condition.op));
    const Expr& tag = *condition.args[0];
    const Expr& value = *condition.args[1];
    const bool regex = condition.op == Token::kEqRegex || condition.op == Token::kNotEqRegex;
    const bool positive = condition.op == Token::kEq || condition.op == Token::kEqRegex;
    if (!tag.is(Kind::kVarRef)) {
      return InvalidArgument("left side of '" + op + "' must be a tag key");
    }
    if (regex && !value.is(Kind::kRegex)) {
      return InvalidArgument("right side of '" + op + "' must be a regular expression");
    }
    if (!regex && !value.is(Kind::kString)) {
      return InvalidArgument("right side of '" + op + "' must be a tag value string");
    }
    const auto equal = [&](std::string_view text) {
      return regex ? value.regex->PartialMatch(text) : text == value.text;
    };
    NameSet result;
    if (tag.text == "_name") {
      for (const std::string& name : all) {
        if (equal(name) == positive) result.insert(name);
      }
      return result;
    }
    if (!IsTagLabel(tag.text)) return result;
    storage::SelectRequest request = view_.Request("", range_);
    request.matchers.emplace_back(MatchType::kNotEqual, tag.text, "");
    ASSIGN_OR_RETURN(const auto with_tag, view_.Values(view_.measurement_label(), request));
    NameSet having;
    ASSIGN_OR_RETURN(const auto values, view_.Values(tag.text, request));
    for (const std::string& one : values) {
      if (!equal(one)) continue;
      storage::SelectRequest with = request;
      with.matchers.emplace_back(MatchType::kEqual, tag.text, one);
      ASSIGN_OR_RETURN(const auto names, view_.Values(view_.measurement_label(), with));
      having.insert(names.begin(), names.end());
    }
    for (const std::string& name : with_tag) {
      if (all.contains(name) && having.contains(name) == positive) result.insert(name);
    }
    return result;
  }

  // Fields of a measurement, whatever their policy.
  Result<NameSet> FieldNames(const std::string& measurement) const {
    NameSet names;
    for (const Place& place : view_.places()) {
      ASSIGN_OR_RETURN(const FieldTypeMap* fields,
                       schema_->Fields(place, measurement, TimeRange()));
      for (const auto& [name, type] : *fields) names.insert(name);
    }
    return names;
  }

  // WHERE as the index sees it: what it cannot tell of a series, as of fields, it lets pass.
  Result<ExprPtr> SeriesFilter(const std::string& measurement) const {
    if (!filter_) return ExprPtr();
    ASSIGN_OR_RETURN(const NameSet fields, FieldNames(measurement));
    const bool of_tags = statement_.kind == ShowSchemaStatement::Kind::kTagKeys ||
                         statement_.kind == ShowSchemaStatement::Kind::kTagValues;
    return MapComparisons(filter_, [&](const ExprPtr& comparison) -> ExprPtr {
      const Expr& left = *comparison->args[0];
      const Expr& right = *comparison->args[1];
      const bool named = left.is(Kind::kVarRef);
      if (of_tags && (!named || IsSystemName(left.text))) return nullptr;
      const bool has_name = right.is(Kind::kString) || right.is(Kind::kRegex) ||
                            (right.is(Kind::kVarRef) && !fields.contains(right.text));
      if (named && left.text == "_name") {
        if (!has_name) return BooleanLiteral(true);
        const bool equal = right.is(Kind::kRegex) ? right.regex->PartialMatch(measurement)
                                                  : right.text == measurement;
        return BooleanLiteral(equal ==
                              (comparison->op == Token::kEq || comparison->op == Token::kEqRegex));
      }
      const bool tag = named && !fields.contains(left.text) && has_name;
      return tag ? comparison : BooleanLiteral(true);
    });
  }

  // Whether a condition holds of a series for which fields have no value.
  static bool HoldsOfTags(const Expr& condition, const Tags& tags, std::string_view tag_key = {}) {
    return Holds(condition, [&](const Expr& ref) -> Value {
      const std::string_view value =
          ref.text == "_tagKey" ? tag_key : influxql::TagValue(tags, ref.text);
      return value.empty() ? Value() : Value(std::string(value));
    });
  }

  // What is counted, InfluxDB reads by a SELECT of rows that stand at the time 0.
  Result<std::vector<Tags>> CountedSeries(const std::string& measurement) const {
    if (range_.min > 0 || range_.max < 0) return std::vector<Tags>();
    ASSIGN_OR_RETURN(std::vector<Tags> series, view_.Series(measurement, nullptr, range_));
    if (!filter_) return series;
    ASSIGN_OR_RETURN(const NameSet fields, FieldNames(measurement));
    const ExprPtr typed = Rewrite(filter_, [&](const ExprPtr& node) -> ExprPtr {
      if (node->is(Kind::kVarRef)) {
        const bool field =
            fields.contains(node->text) || (IsSystemName(node->text) && node->text != "_name");
        return VarRef(node->text, field ? DataType::kString : DataType::kTag);
      }
      const bool of_key = node->is(Kind::kBinary) &&
                          (node->args[0]->text == "_tagKey" || node->args[1]->text == "_tagKey");
      return of_key ? BooleanLiteral(true) : node;
    });
    std::erase_if(series, [&](const Tags& tags) {
      const Verdict verdict = JudgeForSelect(*typed, measurement, tags);
      if (verdict != Verdict::kByRow) return verdict == Verdict::kNo;
      return !HoldsOfTags(*RowFilter(typed, measurement, tags), tags);
    });
    return series;
  }

  Result<std::vector<Tags>> SeriesOf(const std::string& measurement) const {
    if (statement_.cardinality) return CountedSeries(measurement);
    ASSIGN_OR_RETURN(const ExprPtr filter, SeriesFilter(measurement));
    return view_.Series(measurement, filter, range_);
  }

  Result<std::vector<std::string>> Names() const {
    ASSIGN_OR_RETURN(std::vector<std::string> names, view_.Measurements(range_));
    std::erase_if(names, [&](const std::string& name) {
      return !NamesMeasurement(statement_.sources, name);
    });
    const bool of_tags = statement_.kind == ShowSchemaStatement::Kind::kTagKeys ||
                         statement_.kind == ShowSchemaStatement::Kind::kTagValues;
    if (!of_tags || !filter_ || statement_.cardinality) return names;
    RETURN_IF_ERROR(CheckOfTags());
    const ExprPtr by_name = MapComparisons(filter_, [](const ExprPtr& comparison) -> ExprPtr {
      const Expr& left = *comparison->args[0];
      return left.is(Kind::kVarRef) && left.text == "_name" ? comparison : nullptr;
    });
    if (!by_name || by_name->is(Kind::kBoolean)) return names;
    ASSIGN_OR_RETURN(const NameSet matching,
                     Matching(*by_name, NameSet(names.begin(), names.end())));
    return std::vector<std::string>(matching.begin(), matching.end());
  }

  Result<std::vector<ResultSeries>> Measurements() {
    ASSIGN_OR_RETURN(std::vector<std::string> names, Names());
    if (statement_.cardinality) return MeasurementCount(std::move(names));
    if (statement_.condition) {
      ASSIGN_OR_RETURN(const NameSet matching,
                       Matching(*statement_.condition, NameSet(names.begin(), names.end())));
      names.assign(matching.begin(), matching.end());
    }
    Rows rows;
    for (std::string& name : names) rows.push_back({std::move(name)});
    Cut(statement_.limit, statement_.offset, &rows);
    return OneOrNone(Table("measurements", {"name"}, std::move(rows)));
  }

  Result<std::vector<ResultSeries>> MeasurementCount(std::vector<std::string> names) {
    if (filter_) {
      std::vector<std::string> matching;
      for (std::string& name : names) {
        ASSIGN_OR_RETURN(const std::vector<Tags> series, SeriesOf(name));
        if (!series.empty()) matching.push_back(std::move(name));
      }
      names = std::move(matching);
    }
    const auto count = static_cast<int64_t>(names.size());
    if (IsEstimate()) return OneOrNone(Table("", {"cardinality estimation"}, {{count}}));
    if (count == 0 || statement_.offset > 0) return std::vector<ResultSeries>();
    return OneOrNone(Table("", {"count"}, {{count}}));
  }

  // A cardinality without anything that takes looking closer.
  bool IsEstimate() const {
    using SchemaKind = ShowSchemaStatement::Kind;
    const bool can =
        statement_.kind == SchemaKind::kMeasurements || statement_.kind == SchemaKind::kSeries;
    return can && statement_.cardinality && !statement_.exact && statement_.sources.empty() &&
           !statement_.condition && statement_.dimensions.empty() && statement_.limit == 0 &&
           statement_.offset == 0;
  }

  Result<std::vector<ResultSeries>> Series() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
    std::vector<ResultSeries> counts;
    const bool by_select = HasTime(statement_.condition);
    Rows rows;
    int64_t total = 0;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(std::vector<Tags> series, SeriesOf(name));
      total += static_cast<int64_t>(series.size());
      if (series.empty()) continue;
      if (statement_.cardinality) {
        if (statement_.offset > 0) continue;
        counts.push_back(Table(name, {"count"}, {{static_cast<int64_t>(series.size())}}));
        continue;
      }
      // InfluxDB compares tag by tag, unless times make a SELECT of it, which compares texts.
      std::sort(series.begin(), series.end());
      std::vector<std::string> keys;
      for (const Tags& tags : series) keys.push_back(SeriesKeyText(name, tags));
      if (by_select) std::sort(keys.begin(), keys.end());
      for (std::string& key : keys) rows.push_back({std::move(key)});
    }
    if (statement_.cardinality) {
      if (!IsEstimate()) return counts;
      return OneOrNone(Table("", {"cardinality estimation"}, {{total}}));
    }
    if (by_select && !statement_.ascending) {
      std::reverse(rows.begin(), rows.end());
    }
    Cut(statement_.limit, statement_.offset, &rows);
    return OneOrNone(Table("", {"key"}, std::move(rows)));
  }

  Result<NameSet> KeysOf(const std::string& name) const {
    NameSet keys;
    ASSIGN_OR_RETURN(const std::vector<Tags> series, SeriesOf(name));
    for (const Tags& tags : series) {
      for (const auto& [key, value] : tags) keys.insert(key);
    }
    return keys;
  }

  void AddTable(const std::string& name, std::vector<std::string> columns, Rows rows,
                std::vector<ResultSeries>* out) const {
    if (rows.empty()) return;
    if (statement_.cardinality) {
      if (statement_.offset > 0) return;
      out->push_back(Table(name, {"count"}, {{static_cast<int64_t>(rows.size())}}));
      return;
    }
    Cut(statement_.limit, statement_.offset, &rows);
    if (!rows.empty()) out->push_back(Table(name, std::move(columns), std::move(rows)));
  }

  Result<std::vector<ResultSeries>> TagKeys() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
    std::vector<ResultSeries> tables;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const NameSet keys, KeysOf(name));
      Rows rows;
      for (const std::string& key : keys) rows.push_back({key});
      AddTable(name, {"tagKey"}, std::move(rows), &tables);
    }
    return tables;
  }

  bool WantsKey(const std::string& key) const {
    if (key_filter_ && JudgeByTags(*key_filter_, {{"_tagKey", key}}) != Verdict::kYes) return false;
    const auto& names = statement_.key_names;
    const bool named = std::find(names.begin(), names.end(), key) != names.end();
    switch (statement_.key_op) {
      case Token::kNotEq:
        return !named;
      case Token::kEqRegex:
        return statement_.key_regex->regex->PartialMatch(key);
      case Token::kNotEqRegex:
        return !statement_.key_regex->regex->PartialMatch(key);
      default:
        return named;
    }
  }

  Result<std::vector<ResultSeries>> TagValues() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
    std::vector<ResultSeries> tables;
    if (filter_ && !statement_.cardinality && !names.empty()) {
      RETURN_IF_ERROR(CheckLeftSides(*filter_));
    }
    for (const std::string& name : names) {
      std::map<std::string, NameSet> values;
      RETURN_IF_ERROR(CollectValues(name, &values));
      Rows rows;
      NameSet distinct;
      for (const auto& [key, of_key] : values) {
        for (const std::string& value : of_key) {
          if (statement_.cardinality && !distinct.insert(value).second) continue;
          rows.push_back({key, value});
        }
      }
      AddTable(name, {"key", "value"}, std::move(rows), &tables);
    }
    return tables;
  }

  Status CollectValues(const std::string& name, std::map<std::string, NameSet>* values) const {
    const bool by_name = statement_.key_op == Token::kEq || statement_.key_op == Token::kIn;
    if (!filter_ && by_name && !statement_.cardinality) {  // the index has the answer
      for (const std::string& key : statement_.key_names) {
        if (!IsTagLabel(key) || !WantsKey(key)) continue;
        ASSIGN_OR_RETURN(const auto found, view_.Values(key, view_.Request(name, range_)));
        if (!found.empty()) (*values)[key].insert(found.begin(), found.end());
      }
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const std::vector<Tags> series, SeriesOf(name));
    for (const Tags& tags : series) {
      for (const auto& [key, value] : tags) {
        if (!WantsKey(key)) continue;
        if (statement_.cardinality && filter_ && !HoldsOfTags(*filter_, tags, key)) continue;
        (*values)[key].insert(value);
      }
    }
    return Status::Ok();
  }

  // Fields are those of one policy: the source's, the request's, else the default one.
  Result<std::vector<ResultSeries>> FieldKeys() {
    std::map<std::string, FieldTypes> fields;
    Sources sources = statement_.sources;
    if (sources.empty()) sources.emplace_back();
    for (const Source& source : sources) {
      const std::string& policy = source.policy.empty() ? statement_.policy : source.policy;
      const std::string& database = source.database.empty() ? statement_.database : source.database;
      ASSIGN_OR_RETURN(const std::optional<Place> place, schema_->Find(database, policy));
      if (!place.has_value()) return NotFound("retention policy not found: " + policy);
      const bool any = source.name.empty() && !source.regex;
      ASSIGN_OR_RETURN(const std::vector<std::string> names,
                       schema_->Measurements(*place, TimeRange()));
      for (const std::string& name : names) {
        if (!any && !NamesMeasurement({source}, name)) continue;
        if (statement_.cardinality && filter_) {
          ASSIGN_OR_RETURN(const std::vector<Tags> series, SeriesOf(name));
          if (series.empty()) continue;
        }
        RETURN_IF_ERROR(CollectFields(*place, name, &fields[name]));
      }
    }
    std::vector<ResultSeries> tables;
    for (const auto& [name, of_name] : fields) {
      Rows rows;
      std::string_view last;
      for (const auto& [field, type] : of_name) {
        if (statement_.cardinality && !rows.empty() && field == last) continue;
        rows.push_back({field, type});
        last = field;
      }
      AddTable(name, {"fieldKey", "fieldType"}, std::move(rows), &tables);
    }
    return tables;
  }

  Status CollectFields(const Place& place, const std::string& name, FieldTypes* fields) const {
    if (place.is_prometheus()) {
      fields->emplace("value", DataTypeName(DataType::kFloat));
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const auto entries, schema_->storage().FieldTypesOf(place.id, name));
    for (const storage::FieldTypeEntry& entry : entries) {
      fields->emplace(entry.field, DataTypeName(DataTypeOf(entry.type)));
    }
    return Status::Ok();
  }

  const ShowSchemaStatement& statement_;
  Schema* schema_;
  bool* goes_on_;
  std::string database_;  // the statement's, or its source's
  DatabaseView view_;
  TimeRange range_;
  ExprPtr filter_;
  ExprPtr key_filter_;  // what WHERE says of _tagKey
};

std::string Escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Exactly the series of one tag set: every tag that any series of the measurement has is named.
Matchers ExactMatchers(const DatabaseView& view, const std::string& measurement, const Tags& tags,
                       const NameSet& keys) {
  Matchers matchers;
  matchers.emplace_back(MatchType::kEqual, std::string(view.measurement_label()), measurement);
  for (const std::string& key : keys) {
    matchers.emplace_back(MatchType::kEqual, key, std::string(TagValue(tags, key)));
  }
  return matchers;
}

// Whether a comparison can be decided by tags: a tag with a text, a regex or a tag.
bool ComparesTag(const Expr& comparison) {
  const bool first = comparison.args[0]->is(Kind::kVarRef);
  const Expr& other = *comparison.args[first ? 1 : 0];
  return other.is(Kind::kString) || other.is(Kind::kRegex) || other.is(Kind::kVarRef);
}

Status CheckNoFields(const DatabaseView& view, const std::string& measurement,
                     const ExprPtr& filter, Schema* schema) {
  const std::string error = "shard 1: fields not supported in WHERE clause during deletion";
  Status status;
  Walk(filter, [&](const Expr& node) {
    const bool compares = node.is(Kind::kBinary) && node.op != Token::kAnd && node.op != Token::kOr;
    if (compares && !ComparesTag(node)) status = InvalidArgument(error);
  });
  for (const Place& place : view.places()) {
    ASSIGN_OR_RETURN(const FieldTypeMap* fields, schema->Fields(place, measurement, TimeRange()));
    Walk(filter, [&](const Expr& node) {
      if (node.is(Kind::kVarRef) && fields->contains(node.text)) {
        status = InvalidArgument(error);
      }
    });
  }
  return status;
}

Status DeleteIn(const DatabaseView& view, const std::string& measurement, const ExprPtr& filter,
                const TimeRange& range, storage::Storage* storage, Schema* schema,
                bool forget_field_types = false) {
  storage::DeleteRequest request;
  request.forget_field_types = forget_field_types;
  request.scope = view.Request("", range).scope;
  request.view = storage::View::kStored;
  request.min_time = range.min <= kMinTime ? INT64_MIN : range.min;
  request.max_time = range.max >= kMaxTime ? INT64_MAX : range.max;
  if (!filter) {
    request.selectors.push_back(
        {Matcher(MatchType::kEqual, std::string(view.measurement_label()), measurement)});
  } else {
    RETURN_IF_ERROR(CheckNoFields(view, measurement, filter, schema));
    ASSIGN_OR_RETURN(const std::vector<Tags> all, view.Series(measurement, nullptr, range));
    NameSet keys;
    for (const Tags& tags : all) {
      for (const auto& [key, value] : tags) keys.insert(key);
    }
    for (const Tags& tags : all) {
      if (JudgeByTags(*filter, tags) != Verdict::kYes) continue;
      request.selectors.push_back(ExactMatchers(view, measurement, tags, keys));
    }
  }
  if (request.selectors.empty()) return Status::Ok();
  return storage->Delete(request).status();
}

}  // namespace

std::string SeriesKeyText(std::string_view measurement, const Tags& tags) {
  std::string key = Escaped(measurement, ", ");
  for (const auto& [name, value] : tags) {
    key += ',' + Escaped(name, ",= ") + '=' + Escaped(value, ",= ");
  }
  return key;
}

Status CheckShowTime(const ShowSchemaStatement& statement) {
  using SchemaKind = ShowSchemaStatement::Kind;
  const bool refuses = statement.cardinality ? statement.kind != SchemaKind::kTagValues
                                             : statement.kind == SchemaKind::kMeasurements;
  if (!refuses || !HasTime(statement.condition)) return Status::Ok();
  std::string title = "MEASUREMENTS";
  if (statement.cardinality) {
    constexpr std::string_view kTitles[] = {"MEASUREMENT", "SERIES", "TAG KEY", "TAG VALUES",
                                            "FIELD KEY"};
    title = kTitles[static_cast<size_t>(statement.kind)];
    title += statement.kind == SchemaKind::kFieldKeys ? " CARDINALITY" : " EXACT CARDINALITY";
  }
  return InvalidArgument("SHOW " + title + " doesn't support time in WHERE clause");
}

Result<std::vector<ResultSeries>> ShowSchema(const ShowSchemaStatement& statement, Schema* schema,
                                             bool* goes_on) {
  *goes_on = false;
  return SchemaShower(statement, schema, goes_on).Run();
}

Status DeleteSeries(const DeleteStatement& statement, const std::string& database,
                    storage::Storage* storage, Schema* schema) {
  ASSIGN_OR_RETURN(const DatabaseView view, DatabaseView::Open(database, schema));
  if (statement.drop_series && HasTime(statement.condition)) {
    return InvalidArgument("DROP SERIES doesn't support time in WHERE clause");
  }
  const FoldContext context{schema->now_ns(), nullptr};
  // What is in parentheses is computed first, unlike in a SELECT.
  ASSIGN_OR_RETURN(const Condition condition,
                   SplitCondition(Fold(statement.condition, context), context));
  if (condition.range.empty()) return Status::Ok();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, view.Measurements(TimeRange()));
  for (const std::string& name : names) {
    if (!NamesMeasurement(statement.sources, name)) continue;
    RETURN_IF_ERROR(DeleteIn(view, name, condition.filter, condition.range, storage, schema));
  }
  return Status::Ok();
}

Status DropMeasurement(const std::string& measurement, const std::string& database,
                       storage::Storage* storage, Schema* schema) {
  ASSIGN_OR_RETURN(const DatabaseView view, DatabaseView::Open(database, schema));
  return DeleteIn(view, measurement, nullptr, TimeRange(), storage, schema,
                  /*forget_field_types=*/true);
}

}  // namespace tsdb::influxql
