#include "server/api/prom_features.h"

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "query/promql/functions.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using Category = std::map<std::string_view, bool>;
using FeatureMap = std::map<std::string_view, Category>;

Category ApiFeatures(const PromFeaturesApi& api) {
  return {{"admin", api.admin_api},
          {"exclude_alerts", true},
          {"label_values_match", true},
          {"lifecycle", api.lifecycle},
          {"openapi_3.1", false},
          {"openapi_3.2", false},
          {"otlp_write_receiver", true},
          {"query_stats", true},
          {"query_warnings", true},
          {"remote_write_receiver", true},
          {"search", api.search_api},
          {"search_fuzz_alg_jarowinkler", true},
          {"search_fuzz_alg_subsequence", true},
          {"time_range_labels", true},
          {"time_range_series", true}};
}

Category PromqlFeatures(const PromFeaturesApi& api) {
  const promql::Features& on = api.promql;
  Category features = {{"anchored", on.extended_range_selectors},
                       {"delayed_name_removal", on.delayed_name_removal},
                       {"duration_expr", on.duration_expressions},
                       {"fill", on.binop_fill_modifiers},
                       {"fill_left", on.binop_fill_modifiers},
                       {"fill_right", on.binop_fill_modifiers},
                       {"per_step_stats", api.per_step_stats},
                       {"smoothed", on.extended_range_selectors},
                       {"type_and_unit_labels", on.type_and_unit_labels}};
  for (const std::string_view always :
       {"at_modifier", "bool", "by", "group_left", "group_right", "ignoring", "negative_offset",
        "offset", "on", "per_query_lookback_delta", "subqueries", "without"}) {
    features[always] = true;
  }
  return features;
}

Category OperatorFeatures(const PromFeaturesApi& api) {
  Category features;
  for (const std::string_view always :
       {"!=",       "!~",     "%",      "*",    "+",      "-",           "/",     "<",     "</",
        "<=",       "==",     "=~",     ">",    ">/",     ">=",          "@",     "^",     "and",
        "or",       "avg",    "sum",    "max",  "atan2",  "bottomk",     "count", "group", "min",
        "quantile", "stddev", "stdvar", "topk", "unless", "count_values"}) {
    features[always] = true;
  }
  features["limitk"] = features["limit_ratio"] = api.promql.experimental_functions;
  return features;
}

Category FunctionFeatures(const PromFeaturesApi& api) {
  Category features;
  for (const promql::Function& function : promql::AllFunctions()) {
    features[function.name] = !function.experimental || api.promql.experimental_functions;
  }
  // These take part in duration expressions and are no functions otherwise.
  for (const std::string_view name : {"end", "max_of", "min_of", "range", "start", "step"}) {
    features.emplace(name, api.promql.experimental_functions);
  }
  return features;
}

Category TemplateFeatures() {
  Category features;
  for (const std::string_view name : {"args",
                                      "externalURL",
                                      "first",
                                      "graphLink",
                                      "humanize",
                                      "humanize1024",
                                      "humanizeDuration",
                                      "humanizePercentage",
                                      "humanizeTimestamp",
                                      "label",
                                      "match",
                                      "now",
                                      "parseDuration",
                                      "pathPrefix",
                                      "query",
                                      "reReplaceAll",
                                      "safeHtml",
                                      "sortByLabel",
                                      "stripDomain",
                                      "stripPort",
                                      "strvalue",
                                      "tableLink",
                                      "title",
                                      "toDuration",
                                      "toLower",
                                      "toTime",
                                      "toUpper",
                                      "urlQueryEscape",
                                      "value"}) {
    features[name] = true;
  }
  return features;
}

FeatureMap AllFeatures(const PromFeaturesApi& api) {
  return {
      {"api", ApiFeatures(api)},
      {"otlp_receiver", {{"delta_conversion", false}, {"native_delta_ingestion", false}}},
      {"prometheus", {{"agent_mode", false}, {"auto_reload_config", false}, {"server_mode", true}}},
      {"promql", PromqlFeatures(api)},
      {"promql_functions", FunctionFeatures(api)},
      {"promql_operators", OperatorFeatures(api)},
      {"rules",
       {{"concurrent_rule_eval", false}, {"keep_firing_for", true}, {"query_offset", true}}},
      {"templating_functions", TemplateFeatures()},
      {"tsdb",
       {{"exemplar_storage", true},
        {"isolation", true},
        {"native_histograms", true},
        {"st_storage", true}}}};
}

}  // namespace

void AddPromFeaturesRoute(const PromFeaturesApi& api, net::Router* router) {
  std::string text;
  JsonWriter json(&text);
  json.BeginObject();
  for (const auto& [category, features] : AllFeatures(api)) {
    json.Key(category).BeginObject();
    for (const auto& [name, on] : features) json.Key(name).Bool(on);
    json.EndObject();
  }
  json.EndObject();
  router->Add("GET", "/api/v1/features", [text](net::HttpRequest&) { return PromSuccess(text); },
              {.pool = net::Pool::kAdmin});
}

}  // namespace tsdb::server
