#include "model/labels.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "base/text.h"

namespace tsdb {
namespace {

bool NameLess(const Label& a, const Label& b) { return a.name < b.name; }

void DropEmptyValues(std::vector<Label>* labels) {
  std::erase_if(*labels, [](const Label& label) { return label.value.empty(); });
}

bool IsSortedAndComplete(const std::vector<Label>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].value.empty()) return false;
    if (i > 0 && labels[i - 1].name >= labels[i].name) return false;
  }
  return true;
}

bool IsLegacyName(std::string_view name, bool colon_allowed) {
  if (name.empty()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon_allowed && c == ':');
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  return true;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Labels::Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  for (const auto& [name, value] : pairs) Set(name, value);
}

Result<Labels> Labels::FromUnsorted(std::vector<Label> labels) {
  if (!std::is_sorted(labels.begin(), labels.end(), NameLess)) {
    std::sort(labels.begin(), labels.end(), NameLess);
  }
  // Names are judged before empty values go, so that a="" beside a="b" is a repeated name too.
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].name.empty()) return InvalidArgument("empty label name");
    if (i > 0 && labels[i - 1].name == labels[i].name) {
      return InvalidArgument("label name " + GoQuote(labels[i].name) + " is not unique");
    }
  }
  DropEmptyValues(&labels);
  Labels result;
  result.labels_ = std::move(labels);
  return result;
}

Labels Labels::FromSorted(std::vector<Label> labels) {
  DCHECK(IsSortedAndComplete(labels));
  Labels result;
  result.labels_ = std::move(labels);
  return result;
}

std::string_view Labels::Get(std::string_view name) const {
  for (const Label& label : labels_) {
    if (label.name == name) return label.value;
  }
  return {};
}

bool Labels::Has(std::string_view name) const { return !Get(name).empty(); }

void Labels::Set(std::string_view name, std::string_view value) {
  if (value.empty()) {
    Remove(name);
    return;
  }
  auto it = std::lower_bound(labels_.begin(), labels_.end(), name,
                             [](const Label& label, std::string_view n) { return label.name < n; });
  if (it != labels_.end() && it->name == name) {
    it->value = std::string(value);
  } else {
    labels_.insert(it, Label{std::string(name), std::string(value)});
  }
}

void Labels::Remove(std::string_view name) {
  std::erase_if(labels_, [name](const Label& label) { return label.name == name; });
}

Labels Labels::Keep(const std::vector<std::string>& names) const {
  Labels result;
  for (const Label& label : labels_) {
    if (Contains(names, label.name)) result.labels_.push_back(label);
  }
  return result;
}

Labels Labels::Without(const std::vector<std::string>& names) const {
  Labels result;
  for (const Label& label : labels_) {
    if (!Contains(names, label.name)) result.labels_.push_back(label);
  }
  return result;
}

Hash128 Labels::Hash() const {
  std::string bytes;
  bytes.reserve(size_bytes() + 4 * labels_.size());
  for (const Label& label : labels_) {
    PutBytes(&bytes, label.name);
    PutBytes(&bytes, label.value);
  }
  return HashBytes128(bytes, /*seed=*/0);
}

size_t Labels::size_bytes() const {
  size_t size = 0;
  for (const Label& label : labels_) size += label.name.size() + label.value.size();
  return size;
}

std::string Labels::ToString() const {
  const std::string_view metric = metric_name();
  const bool plain_name = IsLegacyMetricName(metric);
  std::string out;
  if (plain_name) {
    out = metric;
    if (labels_.size() == 1) return out;
  }
  out += '{';
  bool first = true;
  const auto separate = [&] {
    if (!first) out += ',';
    first = false;
  };
  if (!metric.empty() && !plain_name) {
    separate();
    out += GoQuote(metric);
  }
  for (const Label& label : labels_) {
    if (label.name == kMetricName) continue;
    separate();
    out += IsLegacyLabelName(label.name) ? label.name : GoQuote(label.name);
    out += '=';
    out += GoQuote(label.value);
  }
  out += '}';
  return out;
}

bool IsLegacyLabelName(std::string_view name) { return IsLegacyName(name, false); }
bool IsLegacyMetricName(std::string_view name) { return IsLegacyName(name, true); }

}  // namespace tsdb
