#include "query/promql/exec/labels_view.h"

#include <algorithm>

#include "base/text.h"

namespace tsdb::promql {
namespace {

// Lengths in front keep neighbouring names and values apart.
void AppendPart(std::string* out, std::string_view part) {
  const auto size = static_cast<uint32_t>(part.size());
  char bytes[4] = {static_cast<char>(size & 0xff), static_cast<char>((size >> 8) & 0xff),
                   static_cast<char>((size >> 16) & 0xff), static_cast<char>(size >> 24)};
  out->append(bytes, sizeof bytes);
  out->append(part);
}

std::string& Buffer() {
  thread_local std::string buffer;
  buffer.clear();
  return buffer;
}

}  // namespace

Labels LabelsView::Copy(const SeriesRef& series) const {
  if (!hides_metadata(series)) return *series.labels;
  return WithoutMetadata(*series.labels);
}

Hash128 LabelsView::Hash(const SeriesRef& series) const {
  std::string& buffer = Buffer();
  ForEach(series, [&](const Label& label) {
    AppendPart(&buffer, label.name);
    AppendPart(&buffer, label.value);
  });
  return HashBytes128(buffer, 0);
}

Hash128 LabelsView::HashOnly(const SeriesRef& series, std::span<const std::string> names) const {
  std::string& buffer = Buffer();
  for (const std::string& name : names) AppendPart(&buffer, Get(series, name));
  return HashBytes128(buffer, 0);
}

Hash128 LabelsView::HashWithout(const SeriesRef& series, std::span<const std::string> names) const {
  std::string& buffer = Buffer();
  size_t next = 0;  // both are sorted by name
  ForEach(series, [&](const Label& label) {
    while (next < names.size() && names[next] < label.name) ++next;
    if (next < names.size() && names[next] == label.name) return;
    AppendPart(&buffer, label.name);
    AppendPart(&buffer, label.value);
  });
  return HashBytes128(buffer, 0);
}

Labels WithoutMetadata(const Labels& labels) {
  std::vector<Label> kept;
  kept.reserve(labels.size());
  for (const Label& label : labels) {
    if (!IsMetadataLabel(label.name)) kept.push_back(label);
  }
  return Labels::FromSorted(std::move(kept));
}

std::string BracedLabels(const Labels& labels) {
  std::string out = "{";
  for (const Label& label : labels) {
    if (out.size() > 1) out += ", ";
    out += IsLegacyLabelName(label.name) ? label.name : GoQuote(label.name);
    out += "=" + GoQuote(label.value);
  }
  return out + "}";
}

std::vector<std::string> SortedNames(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace tsdb::promql
