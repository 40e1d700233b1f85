#include "net/http_message.h"

#include <algorithm>

namespace tsdb::net {
namespace {

// Of 'form-data; name="a"; x=b' the parameter `name`, without quotes; empty when it is not there.
std::string_view MediaTypeParameter(std::string_view text, std::string_view name) {
  const std::vector<std::string_view> parts = Split(text, ';');
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos ||
        !EqualsIgnoreCase(TrimSpace(parts[i].substr(0, equals)), name)) {
      continue;
    }
    std::string_view value = TrimSpace(parts[i].substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return {};
}

// The first '%' that two hexadecimal digits do not follow, with up to two characters after it.
std::string_view FirstBadEscape(std::string_view text) {
  size_t at = text.find('%');
  while (at != std::string_view::npos && PercentDecode(text.substr(at, 3), false).has_value()) {
    at = text.find('%', at + 3);
  }
  return at == std::string_view::npos ? std::string_view() : text.substr(at, 3);
}

}  // namespace

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
    const bool has_semicolon = pair.find(';') != std::string_view::npos;
    if (name && value && !has_semicolon) {
      result.entries_.emplace_back(std::move(*name), std::move(*value));
    } else if (result.error_.empty()) {
      result.error_ = has_semicolon ? "invalid semicolon separator in query"
                                    : "invalid URL escape " +
                                          GoQuote(FirstBadEscape(name ? raw_value : raw_name));
    }
  }
  return result;
}

Parameters Parameters::ParseMultipart(std::string_view body, std::string_view boundary,
                                      bool with_files) {
  Parameters result;
  const std::string delimiter = "--" + std::string(boundary);
  size_t at = body.find(delimiter);
  while (at != std::string_view::npos) {
    std::string_view part = body.substr(at + delimiter.size());
    const size_t head_end = part.find("\r\n\r\n");
    const size_t end = part.find("\r\n" + delimiter);
    if (!part.starts_with("\r\n") || head_end >= end || end == std::string_view::npos) break;
    at += delimiter.size() + end + 2;
    for (const std::string_view line : Split(part.substr(0, head_end), '\n')) {
      const size_t colon = line.find(':');
      if (colon == std::string_view::npos ||
          !EqualsIgnoreCase(TrimSpace(line.substr(0, colon)), "Content-Disposition")) {
        continue;
      }
      const std::string_view disposition = line.substr(colon + 1);
      const std::string_view name = MediaTypeParameter(disposition, "name");
      if (name.empty()) continue;
      if (!with_files && !MediaTypeParameter(disposition, "filename").empty()) continue;
      result.Add(std::string(name), std::string(part.substr(head_end + 4, end - head_end - 4)));
    }
  }
  return result;
}

void Parameters::Append(const Parameters& other) {
  entries_.insert(entries_.end(), other.entries_.begin(), other.entries_.end());
  if (error_.empty()) error_ = other.error_;
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

Parameters HttpRequest::Form(bool with_files) const {
  Parameters form;
  if (method == "POST" || method == "PUT" || method == "PATCH") {
    const std::string_view content_type = headers.Get("Content-Type");
    const std::string_view media_type =
        TrimSpace(content_type.substr(0, std::min(content_type.find(';'), content_type.size())));
    if (EqualsIgnoreCase(media_type, "application/x-www-form-urlencoded")) {
      form = Parameters::Parse(body);
    } else if (EqualsIgnoreCase(media_type, "multipart/form-data")) {
      const std::string_view boundary = MediaTypeParameter(content_type, "boundary");
      Parameters fields = query;
      if (!boundary.empty()) fields.Append(Parameters::ParseMultipart(body, boundary, with_files));
      return fields;
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
