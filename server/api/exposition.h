// Writing exposition formats: which one a scraper wants, and a metric family in it. Functions are
// thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/metric_family.h"
#include "server/api/name_escaping.h"

namespace tsdb::server {

enum class ExpositionFormat : uint8_t { kText, kProtobuf };

struct Exposition {
  ExpositionFormat format = ExpositionFormat::kText;
  NameEscaping escaping = NameEscaping::kUnderscores;

  std::string ContentType() const;
};

// By an Accept header, the preferred first; text where nothing else is asked for.
Exposition NegotiateExposition(std::string_view accept);

// Appends the family; names are escaped already. Text has no native histograms: the caller leaves
// them out, those with custom bounds become classic ones.
void AppendFamily(const Exposition& exposition, std::string_view name, proto::FamilyType type,
                  std::span<const proto::FamilySample> samples, std::string* out);

}  // namespace tsdb::server
