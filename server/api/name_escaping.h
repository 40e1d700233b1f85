// How metric and label names that older clients cannot read are spelled for them (Prometheus'
// escaping schemes), and back. Functions are thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tsdb::server {

enum class NameEscaping : uint8_t { kNone, kUnderscores, kDots, kValues };

// "allow-utf-8", "underscores", "dots", "values"; nullopt for anything else.
std::optional<NameEscaping> ParseNameEscaping(std::string_view text);
std::string_view NameEscapingText(NameEscaping escaping);

// `name` in that scheme; "job.name" is "job_name", "job_dot_name", "U__job_2e_name".
std::string EscapeName(std::string_view name, NameEscaping escaping);

// A label name as it stands in the path of /label/{name}/values: "U__job_2e_name" is "job.name"
// (the scheme "values"); anything else is itself.
std::string UnescapeLabelName(std::string_view name);

}  // namespace tsdb::server
