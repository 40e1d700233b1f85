#include "net/http_message.h"

#include <algorithm>

namespace tsdb::net {

void Headers::Set(std::string_view name, std::string value) {
  Remove(name);
  entries_.emplace_back(std::string(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(entries_, [&](const Entry& entry) { return EqualsIgnoreCase(entry.first, name); });
}

std::string_view Headers::Get(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (EqualsIgnoreCase(entry.first, name)) return entry.second;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return EqualsIgnoreCase(entry.first, name); });
}

Parameters Parameters::Parse(std::string_view text) {
  Parameters result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view raw_name = pair.substr(0, equals);
    const std::string_view raw_value = equals < pair.size() ? pair.substr(equals + 1) : "";
    std::optional<std::string> name = PercentDecode(raw_name, /*plus_is_space=*/true);
    std::optional<std::string> value = PercentDecode(raw_value, /*plus_is_space=*/true);
    if (!name || !value) {
      result.malformed_ = true;
      continue;
    }
    result.entries_.emplace_back(std::move(*name), std::move(*value));
  }
  return result;
}

void Parameters::Append(const Parameters& other) {
  entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
  malformed_ = malformed_ || other.malformed_;
}

bool Parameters::Has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return entry.first == name; });
}

std::string_view Parameters::Get(std::string_view name) const {
  for (const auto& entry : entries_) {
    if (entry.first == name) return entry.second;
  }
  return {};
}

std::vector<std::string_view> Parameters::GetAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& entry : entries_) {
    if (entry.first == name) values.push_back(entry.second);
  }
  return values;
}

Parameters HttpRequest::Form() const {
  Parameters form;
  if (method == "POST" || method == "PUT" || method == "PATCH") {
    const std::string_view content_type = headers.Get("Content-Type");
    const std::string_view media_type =
        TrimSpace(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
    if (EqualsIgnoreCase(media_type, "application/x-www-form-urlencoded")) {
      form = Parameters::Parse(body);
    }
  }
  form.Append(query);
  return form;
}

HttpResponse HttpResponse::Text(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

HttpResponse HttpResponse::Json(int status, std::string json) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.body = std::move(json);
  return response;
}

}  // namespace tsdb::net
