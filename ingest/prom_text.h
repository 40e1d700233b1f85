// The text exposition formats: Prometheus' 0.0.4 (classic) and OpenMetrics 1.0, with quoted UTF-8
// names. What is accepted is what Prometheus' model/textparse accepts: the classic format is
// lenient about blanks and commas, OpenMetrics is strict and must end in "# EOF". The differences:
// a NUL byte is an error, not the end; so are repeated labels, which Prometheus refuses later.
// Blanks before a name are not of the name, times of the classic format may be negative, and names
// in quotes and labels of exemplars are unescaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/exemplar.h"
#include "model/labels.h"
#include "model/metadata.h"

namespace tsdb::ingest {

enum class ExpositionFormat : uint8_t { kPrometheusText, kOpenMetrics };

// By the media type; anything that is not application/openmetrics-text is the classic format.
ExpositionFormat ExpositionFormatOf(std::string_view content_type);

// Reads entry after entry. Thread-compatible; the text is borrowed.
class ExpositionParser {
 public:
  enum class Entry : uint8_t { kSample, kHelp, kType, kUnit, kEnd };

  ExpositionParser(std::string_view text, ExpositionFormat format);

  // kInvalidArgument "line N: ..." on the first mistake, after which there is nothing more to be
  // had.
  Result<Entry> Next();

  // Of a kSample. The text of name and labels as it stands, the same for the same series in the
  // next scrape; labels, bounds of classic histograms and summaries spelt as floats (le="1" becomes
  // "1.0").
  std::string_view series_text() const { return series_text_; }
  Result<Labels> SampleLabels() const;
  double value() const { return value_; }
  std::optional<int64_t> timestamp_ms() const { return timestamp_ms_; }
  const std::optional<Exemplar>& exemplar() const { return exemplar_; }  // OpenMetrics only

  // Of kHelp, kType and kUnit.
  const std::string& metric_name() const { return metric_name_; }
  const std::string& text() const { return text_; }  // help text or unit
  MetricType type() const { return type_; }          // also: of the samples that follow

 private:
  using RawLabels =
      std::vector<std::pair<std::string_view, std::string_view>>;  // escaped, no quotes

  bool openmetrics() const { return format_ == ExpositionFormat::kOpenMetrics; }
  bool AtEnd() const { return position_ >= input_.size(); }
  char Here() const { return AtEnd() ? '\n' : input_[position_]; }
  void SkipBlanks();
  std::string_view TakeName(bool colon_allowed);
  bool TakeQuoted(bool newline_allowed, std::string_view* inside);
  std::string_view TakeWord();
  Status EndLine();
  Status Mistake(std::string_view what) const;

  Result<std::optional<Entry>> CommentLine();
  Result<Entry> MetadataLine(Entry entry);
  Status SampleLine();
  Status LabelList(bool metric_name_allowed, RawLabels* labels);
  Status Value(double* value);
  Status SampleTimestamp();
  Status ExemplarTail();

  std::string_view input_;
  ExpositionFormat format_;
  size_t position_ = 0;
  size_t entry_start_ = 0;

  std::string_view series_text_;
  std::string_view raw_name_;
  RawLabels raw_labels_;
  double value_ = 0;
  std::optional<int64_t> timestamp_ms_;
  std::optional<Exemplar> exemplar_;
  std::string metric_name_, text_;
  MetricType type_ = MetricType::kUnknown;
};

// A whole exposition.
struct Exposition {
  struct Sample {
    Labels labels;
    double value = 0;
    std::optional<int64_t> timestamp_ms;
    std::optional<Exemplar> exemplar;
  };
  std::vector<Sample> samples;
  std::vector<std::pair<std::string, MetricMetadata>> metadata;  // by family, in order
};

// kInvalidArgument as above, kOutOfRange with more than `samples_max` samples.
Result<Exposition> ParseExposition(std::string_view text, ExpositionFormat format,
                                   size_t samples_max = 1'000'000);

}  // namespace tsdb::ingest
