#include "server/api/federate.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "query/promql/parser.h"
#include "server/api/exposition.h"
#include "server/api/prom_common.h"

namespace tsdb::server {
namespace {

using net::HttpRequest;
using net::HttpResponse;

struct LatestSample {
  std::string name;
  proto::FamilySample sample;
  proto::FamilyType type = proto::FamilyType::kUntyped;
};

// The last sample that the cursor gives; false when there is none, or the series has ended.
Result<bool> ReadLast(storage::SampleCursor* cursor, storage::SampleBlock* block,
                      proto::FamilySample* out) {
  bool any = false;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, cursor->Next(block));
    if (!more) break;
    const size_t last = block->size() - 1;
    any = true;
    out->timestamp_ms = block->timestamps[last];
    if (block->type == ValueType::kHistogram) {
      out->histogram = block->histograms[last];
    } else {
      out->histogram = nullptr;
      out->value = block->floats[last];
    }
  }
  if (!any) return false;
  return !IsStaleMarker(out->histogram != nullptr ? out->histogram->sum : out->value);
}

proto::FamilyType TypeOf(const proto::FamilySample& sample) {
  if (sample.histogram == nullptr) return proto::FamilyType::kUntyped;
  return sample.histogram->counter_reset_hint == CounterResetHint::kGauge
             ? proto::FamilyType::kGaugeHistogram
             : proto::FamilyType::kHistogram;
}

// A scraper shall not take our own labels for the sample's, so `instance` is there in any case.
std::vector<Label> ShownLabels(const Labels& labels, const Labels& external,
                               NameEscaping escaping) {
  std::vector<Label> shown;
  for (const Label& label : labels) {
    if (label.name != kMetricName) shown.push_back({EscapeName(label.name, escaping), label.value});
  }
  bool needs_instance = !external.Has("instance") && !labels.Has("instance");
  for (const Label& label : external) {
    if (needs_instance && label.name > "instance") {
      shown.push_back({"instance", ""});
      needs_instance = false;
    }
    if (!labels.Has(label.name)) shown.push_back({EscapeName(label.name, escaping), label.value});
  }
  if (needs_instance) shown.push_back({"instance", ""});
  return shown;
}

class Federation {
 public:
  Federation(Exposition exposition, Labels external)
      : exposition_(exposition), external_(std::move(external)) {}

  // Every series once, whichever selectors match it.
  Status Collect(const FederateApi& api, const HttpRequest& http,
                 const std::vector<Matchers>& selectors) {
    std::map<Labels, LatestSample> latest;
    storage::SampleBlock block;
    for (const Matchers& matchers : selectors) {
      storage::SelectRequest request;
      request.scope = api.scope(http);
      request.matchers = matchers;
      request.max_time = api.clock->NowMs();
      request.min_time = request.max_time - api.lookback_ms;
      ASSIGN_OR_RETURN(const auto selection, api.querier->Select(request, *http.cancel));
      for (size_t i = 0; i < selection->size(); ++i) {
        RETURN_IF_ERROR(http.cancel->Check());
        const Labels& labels = selection->labels(i);
        if (labels.metric_name().empty() || latest.contains(labels)) continue;
        LatestSample found;
        ASSIGN_OR_RETURN(const bool any, ReadLast(selection->Open(i).get(), &block, &found.sample));
        if (any && Exposable(found.sample)) latest.emplace(labels, std::move(found));
      }
    }
    for (auto& [labels, found] : latest) {
      found.name = EscapeName(labels.metric_name(), exposition_.escaping);
      found.type = TypeOf(found.sample);
      found.sample.labels = ShownLabels(labels, external_, exposition_.escaping);
      samples_.push_back(std::move(found));
    }
    std::stable_sort(samples_.begin(), samples_.end(),
                     [](const LatestSample& a, const LatestSample& b) { return a.name < b.name; });
    return Status::Ok();
  }

  // The next family.
  bool Next(std::string* out) {
    if (next_ == samples_.size()) return false;
    const LatestSample& first = samples_[next_];
    const std::string name = first.name;
    const proto::FamilyType type = first.type;
    std::vector<proto::FamilySample> family;
    while (next_ < samples_.size() && samples_[next_].name == name &&
           samples_[next_].type == type) {
      family.push_back(std::move(samples_[next_++].sample));
    }
    AppendFamily(exposition_, name, type, family, out);
    return true;
  }

 private:
  // Text has no native histograms.
  bool Exposable(const proto::FamilySample& sample) const {
    return exposition_.format == ExpositionFormat::kProtobuf || sample.histogram == nullptr ||
           sample.histogram->uses_custom_buckets();
  }

  Exposition exposition_;
  Labels external_;
  std::vector<LatestSample> samples_;  // by name
  size_t next_ = 0;
};

HttpResponse Federate(const FederateApi& api, HttpRequest& http) {
  const Result<net::Parameters> form = CheckedForm(http);
  if (!form.ok()) return HttpResponse::Text(400, form.status().message() + "\n");
  const Result<std::vector<Matchers>> selectors = AnyMatchParameters(*form);
  if (!selectors.ok()) return HttpResponse::Text(400, selectors.status().message() + "\n");
  const Exposition exposition = NegotiateExposition(http.headers.Get("Accept"));
  auto federation = std::make_shared<Federation>(exposition, api.external_labels());
  const Status status = federation->Collect(api, http, *selectors);
  if (!status.ok()) return HttpResponse::Text(500, status.message() + "\n");
  HttpResponse response;
  response.headers.Set("Content-Type", exposition.ContentType());
  response.stream = [federation](std::string* out) { return federation->Next(out); };
  return response;
}

}  // namespace

void AddFederateRoute(const FederateApi& api, net::Router* router) {
  router->Add("GET", "/federate", [api](HttpRequest& request) { return Federate(api, request); },
              {.pool = net::Pool::kQuery});
}

}  // namespace tsdb::server
