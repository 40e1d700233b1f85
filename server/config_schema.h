// Checks the sections of a prometheus.yml: which keys there are, and what their values must look
// like. Sections that this program does not act on are checked all the same, so that a file is
// either right or refused. Names follow Prometheus' documentation of its configuration. Stateless.
#pragma once

#include "base/status.h"
#include "base/yaml.h"

namespace tsdb::server {

// kInvalidArgument "line N: ...". The sections that are ours are not looked at.
Status CheckPrometheusSections(const YamlNode& root);

// The document as YAML, with every value that may be a secret replaced by "<secret>".
std::string DumpWithoutSecrets(const YamlNode& root);

}  // namespace tsdb::server
