#include "query/influxql/schema.h"

#include <algorithm>

namespace tsdb::influxql {
namespace {

constexpr std::string_view kValueField = "value";

std::string_view MeasurementLabelOf(const Place& place) {
  return place.is_prometheus() ? kMetricName : kMeasurementLabel;
}

void Prefer(DataType type, const std::string& field, FieldTypeMap* fields) {
  const auto [found, is_new] = fields->try_emplace(field, type);
  if (!is_new && IsPreferred(found->second, type)) found->second = type;
}

}  // namespace

DataType DataTypeOf(ValueType type) {
  switch (type) {
    case ValueType::kFloat:
      return DataType::kFloat;
    case ValueType::kInteger:
      return DataType::kInteger;
    case ValueType::kBoolean:
      return DataType::kBoolean;
    case ValueType::kString:
      return DataType::kString;
    case ValueType::kHistogram:
      break;
  }
  return DataType::kUnknown;
}

SeriesName NameOf(const Labels& labels, bool is_prometheus) {
  if (is_prometheus) return {labels.metric_name(), kValueField};
  return {labels.Get(kMeasurementLabel), labels.Get(kFieldLabel)};
}

Tags TagsOf(const Labels& labels) {
  Tags tags;
  for (const Label& label : labels) {
    if (IsTagLabel(label.name)) tags.emplace_back(label.name, label.value);
  }
  return tags;
}

Place PlaceOf(std::string database, const storage::RetentionPolicy& policy) {
  Place place;
  place.id = policy.id;
  place.database = std::move(database);
  place.policy = policy.name;
  place.shard_group_ns = policy.shard_group_duration_ns;
  place.duration_ns = policy.duration_ns;
  return place;
}

Result<std::optional<Place>> Schema::Find(std::string_view database,
                                          std::string_view policy) const {
  auto& catalog = const_cast<storage::Storage*>(storage_)->catalog();
  const std::optional<storage::Database> found = catalog.Find(database);
  if (!found.has_value()) return NotFound("database not found: " + std::string(database));
  const std::string_view wanted = policy.empty() ? found->default_policy : policy;
  if (wanted.empty()) {
    return FailedPrecondition("default retention policy not set for: " + std::string(database));
  }
  for (const storage::RetentionPolicy& one : found->policies) {
    if (one.name != wanted) continue;
    return std::optional<Place>(PlaceOf(std::string(database), one));
  }
  return std::optional<Place>();
}

storage::SelectRequest Schema::RequestFor(const Place& place, const std::string& measurement,
                                          const TimeRange& range) const {
  storage::SelectRequest request;
  request.scope.all = false;
  request.scope.policies = {place.id};
  request.view = storage::View::kStored;
  request.min_time = range.min;
  request.max_time = range.max;
  if (place.duration_ns > 0 && !place.is_prometheus()) {
    request.min_time = std::max(request.min_time, now_ns_ - place.duration_ns);
  }
  if (!measurement.empty()) request.matchers.push_back(MeasurementMatcher(place, measurement));
  return request;
}

Matcher Schema::MeasurementMatcher(const Place& place, const std::string& measurement) {
  return Matcher(MatchType::kEqual, std::string(MeasurementLabelOf(place)), measurement);
}

Result<std::vector<std::string>> Schema::Measurements(const Place& place,
                                                      const TimeRange& range) const {
  return storage_->LabelValues(MeasurementLabelOf(place), RequestFor(place, "", range), *cancel_);
}

Result<std::vector<std::string>> Schema::MatchingMeasurements(const Place& place,
                                                              const Regex& regex,
                                                              const TimeRange& range) const {
  // What the shard groups have that are read.
  ASSIGN_OR_RETURN(std::vector<std::string> names, Measurements(place, WholeGroups(place, range)));
  std::erase_if(names, [&](const std::string& name) { return !regex.PartialMatch(name); });
  return names;
}

Status Schema::CountRow(size_t values_held) {
  constexpr uint64_t kRowsBetweenChecks = 1024;
  values_held_ += values_held;
  if (max_values_ != 0 && values_held_ > max_values_) {
    return ResourceExhausted("max-select-point limit exceeed: (" + std::to_string(values_held_) +
                             "/" + std::to_string(max_values_) + ")");
  }
  return ++rows_ % kRowsBetweenChecks == 0 ? cancel_->Check() : Status::Ok();
}

bool Schema::IsIn(const storage::FieldTypeEntry& entry, const Place& place,
                  const TimeRange& range) const {
  const int64_t oldest = place.duration_ns > 0 ? now_ns_ - place.duration_ns : kMinTime;
  const int64_t from = std::max(range.min, oldest);
  if (entry.group_start_ns > range.max) return false;
  return from <= kMinTime + place.shard_group_ns ||
         entry.group_start_ns > from - place.shard_group_ns;
}

Result<bool> Schema::HasFieldOfType(const Place& place, const std::string& measurement,
                                    const std::string& field, DataType type,
                                    const TimeRange& range) {
  ASSIGN_OR_RETURN(const auto entries, storage_->FieldTypesOf(place.id, measurement));
  return std::any_of(entries.begin(), entries.end(), [&](const storage::FieldTypeEntry& entry) {
    return entry.field == field && DataTypeOf(entry.type) == type && IsIn(entry, place, range);
  });
}

Result<bool> Schema::EverHasField(const Place& place, const std::string& measurement,
                                  const std::string& field) const {
  for (const PolicyId policy : PoliciesOf(place)) {
    ASSIGN_OR_RETURN(const auto entries, storage_->FieldTypesOf(policy, measurement));
    const bool has = std::any_of(entries.begin(), entries.end(),
                                 [&](const auto& entry) { return entry.field == field; });
    if (has) return true;
  }
  return false;
}

Result<const FieldTypeMap*> Schema::Fields(const Place& place, const std::string& measurement,
                                           const TimeRange& range) {
  const Key key{place.id.value, measurement, range.min, range.max};
  const auto found = fields_.find(key);
  if (found != fields_.end()) return &found->second;
  FieldTypeMap fields;
  if (place.is_prometheus()) {
    fields.emplace(kValueField, DataType::kFloat);
  } else {
    ASSIGN_OR_RETURN(const auto entries, storage_->FieldTypesOf(place.id, measurement));
    for (const storage::FieldTypeEntry& entry : entries) {
      if (!IsIn(entry, place, range)) continue;
      Prefer(DataTypeOf(entry.type), entry.field, &fields);
    }
  }
  return &fields_.emplace(key, std::move(fields)).first->second;
}

TimeRange Schema::WholeGroups(const Place& place, TimeRange range) {
  const int64_t length = place.shard_group_ns;
  if (length <= 0 || range.min > kMaxTime) return range;
  // Groups are counted from the year 1, which for lengths of weeks is another beginning than 1970.
  constexpr __int128 kYearOne = static_cast<__int128>(-62'135'596'800) * 1'000'000'000;
  const auto start_of = [&](int64_t time) {
    const __int128 since = static_cast<__int128>(time) - kYearOne;
    return static_cast<__int128>(time) - since % length;
  };
  const __int128 min = start_of(range.min);
  const __int128 max = start_of(range.max) + length - 1;
  if (range.min > kMinTime) range.min = min < kMinTime ? kMinTime : static_cast<int64_t>(min);
  if (range.max < kMaxTime) range.max = max > kMaxTime ? kMaxTime : static_cast<int64_t>(max);
  return range;
}

std::vector<PolicyId> Schema::PoliciesOf(const Place& place) const {
  auto& catalog = const_cast<storage::Storage*>(storage_)->catalog();
  const auto database = catalog.Find(place.database);
  if (!database.has_value()) return {place.id};
  std::vector<PolicyId> policies;
  for (const auto& policy : database->policies) policies.push_back(policy.id);
  std::sort(policies.begin(), policies.end());
  return policies;
}

Result<bool> Schema::HasShards(const Place& place, const TimeRange& range) const {
  ASSIGN_OR_RETURN(
      const auto names,
      storage_->LabelNames(RequestFor(place, "", WholeGroups(place, range)), *cancel_));
  return !names.empty();
}

Result<const TagKeySet*> Schema::TagKeys(const Place& place, const std::string& measurement,
                                         const TimeRange& range) {
  const Key key{place.id.value, measurement, range.min, range.max};
  const auto found = tags_.find(key);
  if (found != tags_.end()) return &found->second;
  TagKeySet tags;
  ASSIGN_OR_RETURN(const bool has_shards, HasShards(place, range));
  if (has_shards) {
    storage::SelectRequest request = RequestFor(place, measurement, TimeRange());
    request.scope.policies = PoliciesOf(place);
    ASSIGN_OR_RETURN(const auto names, storage_->LabelNames(request, *cancel_));
    for (const std::string& name : names) {
      if (IsTagLabel(name)) tags.insert(name);
    }
  }
  return &tags_.emplace(key, std::move(tags)).first->second;
}

}  // namespace tsdb::influxql
