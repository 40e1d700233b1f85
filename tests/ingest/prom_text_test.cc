#include "ingest/prom_text.h"

#include <bit>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "ingest/labels_batch.h"
#include "model/sample.h"

namespace tsdb::ingest {
namespace {

constexpr auto kClassic = ExpositionFormat::kPrometheusText;
constexpr auto kOpen = ExpositionFormat::kOpenMetrics;

Exposition Parse(std::string_view text, ExpositionFormat format) {
  Result<Exposition> result = ParseExposition(text, format);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.value_or(Exposition{});
}

std::string ErrorOf(std::string_view text, ExpositionFormat format) {
  return ParseExposition(text, format).status().message();
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream buffer;
  buffer << in.rdbuf();
  return buffer.str();
}

TEST(PromText, ReadsSamplesAndMetadata) {
  const Exposition e = Parse(
      "# HELP requests_total Help \\\\ with\\nbreak \\\"kept\\\".\n"
      "# TYPE requests_total counter\n"
      "# a comment\n\n"
      "requests_total{code=\"200\",path=\"a\\\"b\\\\c\\nd\",} 3 1700000000123\n"
      "  up\t1\n"
      "x {a = \"1\" , b=\"2\"} NaN\n"
      "y +Inf",
      kClassic);
  ASSERT_EQ(e.samples.size(), 4u);
  EXPECT_EQ(e.samples[0].labels,
            (Labels{{"__name__", "requests_total"}, {"code", "200"}, {"path", "a\"b\\c\nd"}}));
  EXPECT_EQ(e.samples[0].timestamp_ms, 1700000000123);
  EXPECT_EQ(e.samples[1].labels, (Labels{{"__name__", "up"}}));
  EXPECT_FALSE(e.samples[1].timestamp_ms.has_value());
  EXPECT_EQ(std::bit_cast<uint64_t>(e.samples[2].value), kNormalNanBits);
  EXPECT_TRUE(std::isinf(e.samples[3].value));
  ASSERT_EQ(e.metadata.size(), 1u);
  EXPECT_EQ(e.metadata[0].first, "requests_total");
  EXPECT_EQ(e.metadata[0].second.type, MetricType::kCounter);
  EXPECT_EQ(e.metadata[0].second.help, "Help \\ with\nbreak \\\"kept\\\".");
}

TEST(PromText, ReadsQuotedNames) {
  const Exposition e =
      Parse("{\"my.metric\",\"label one\"=\"x\"} 1\n{a=\"b\",\"n\"} 2\n", kClassic);
  ASSERT_EQ(e.samples.size(), 2u);
  EXPECT_EQ(e.samples[0].labels, (Labels{{"__name__", "my.metric"}, {"label one", "x"}}));
  EXPECT_EQ(e.samples[1].labels, (Labels{{"__name__", "n"}, {"a", "b"}}));
}

TEST(PromText, SpellsBoundsAsFloats) {
  const Exposition e = Parse(
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"0.5\"} 1\n"
      "# TYPE s summary\ns{quantile=\"1\"} 1\n# TYPE g gauge\ng{le=\"1\"} 1\n",
      kClassic);
  const auto check = [&](size_t index, std::string_view name, std::string_view value) {
    EXPECT_EQ(e.samples[index].labels.Get(name), value);
  };
  check(0, "le", "1.0");
  check(1, "le", "+Inf");
  check(2, "le", "0.5");
  check(3, "quantile", "1.0");
  check(4, "le", "1");
}

TEST(PromText, NamesTheLineOfAMistake) {
  const auto check = [](std::string_view text, std::string_view error) {
    EXPECT_EQ(ErrorOf(text, kClassic), error) << text;
  };
  check("a 1\nb", "line 2: expected a value, got the end of the text");
  check("a 1\nb x\n", "line 2: expected a value, got \"x\"");
  check("a 1e400\n", "line 1: value out of range, got \"1e400\"");
  check("a 1 2 3\n", "line 1: expected the end of the line, got \"3\"");
  check("a 1 1.5\n", "line 1: expected a timestamp, got \"1.5\"");
  check("a{b} 1\n", "line 1: expected an equals sign, got \"} 1\"");
  check("a{b=\"c} 1\n", "line 1: expected a label value in quotes, got \"\\\"c} 1\"");
  check("a{=\"c\"} 1\n", "line 1: expected a label name, got \"=\\\"c\\\"} 1\"");
  check("{a=\"b\"} 1\n", "line 1: metric name not set, got \" 1\"");
  check("a{\"b\"} 1\n", "line 1: metric name already set, got \"} 1\"");
  check("# TYPE a stateset\n", "line 1: invalid metric type \"stateset\", got \" stateset\"");
  check("1a 1\n", "line 1: expected a metric name, got \"1a 1\"");
  check("a 0x1p3\n", "line 1: expected a value, got \"0x1p3\"");
  check("a{b=\"\xff\"} 1\n", "line 1: a label is not valid UTF-8, got \"} 1\"");
  check("a{b=\"1\",b=\"2\"} 1\n",
        "series \"a{b=\\\"1\\\",b=\\\"2\\\"}\": label name \"b\" is not unique");
}

TEST(OpenMetricsText, ReadsExemplarsUnitsAndSeconds) {
  const Exposition e = Parse(
      "# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n# HELP a_seconds Quote \\\"x\\\".\n"
      "a_seconds_bucket{le=\"1\"} 2 1.5 # {trace_id=\"t\"} 0.7 1.25\n"
      "a_seconds_count 2 # {} 1\n"
      "# TYPE s stateset\ns{s=\"x\"} 1\n# EOF\n",
      kOpen);
  ASSERT_EQ(e.samples.size(), 3u);
  EXPECT_EQ(e.samples[0].labels.Get("le"), "1.0");
  EXPECT_EQ(e.samples[0].timestamp_ms, 1500);
  ASSERT_TRUE(e.samples[0].exemplar.has_value());
  EXPECT_EQ(*e.samples[0].exemplar, (Exemplar{{{"trace_id", "t"}}, 0.7, 1250, true}));
  EXPECT_FALSE(e.samples[1].exemplar->has_timestamp);
  ASSERT_EQ(e.metadata.size(), 2u);
  EXPECT_EQ(e.metadata[0].second,
            (MetricMetadata{MetricType::kHistogram, "Quote \"x\".", "seconds"}));
  EXPECT_EQ(e.metadata[1].second.type, MetricType::kStateset);
}

TEST(OpenMetricsText, IsStrict) {
  for (const char* text :
       {"a 1\n", "a 1\n# EOF\nb 1\n", "\na 1\n# EOF\n", "a  1\n# EOF\n", "a 1 \n# EOF\n",
        "a{b=\"1\" c=\"2\"} 1\n# EOF\n", "# comment\na 1\n# EOF\n", "#EOF\n",
        "# UNIT a seconds\n# EOF\n", "a 1 # {a=\"b\"}\n# EOF\n", "a\t1\n# EOF\n",
        "# HELP a\n# EOF\n", "# HELP a\t\n# EOF\n", "# UNIT a\n# EOF\n",
        "# TYPE a untyped\n# EOF\n", "a 1 # {\"b\"} 1\n# EOF\n"}) {
    EXPECT_FALSE(ParseExposition(text, kOpen).ok()) << text;
  }
  EXPECT_TRUE(ParseExposition("# EOF", kOpen).ok());
  EXPECT_TRUE(ParseExposition("# HELP a \n# EOF\n", kOpen).ok());
  EXPECT_EQ(ErrorOf("a 1\n", kOpen), "data does not end with # EOF");
}

TEST(ExpositionFormat, IsChosenByMediaType) {
  EXPECT_EQ(ExpositionFormatOf("application/openmetrics-text; version=1.0.0"), kOpen);
  EXPECT_EQ(ExpositionFormatOf("text/plain; version=0.0.4"), kClassic);
  EXPECT_EQ(ExpositionFormatOf(""), kClassic);
}

TEST(PromText, ReadsWhatFlinkExposesAndPushes) {
  const std::string golden = "tests/golden/flink/";
  for (const char* file :
       {"prometheus/plain_1.txt", "prometheus/odd.txt", "prometheus-2.3.0/plain.txt",
        "pushgateway/001.body", "pushgateway-odd/003.body", "pushgateway-2.3.0/001.body"}) {
    SCOPED_TRACE(file);
    const Exposition e = Parse(ReadFile(golden + file), kClassic);
    EXPECT_GE(e.samples.size(), 100u);
    EXPECT_GE(e.metadata.size(), 70u);
    for (const auto& sample : e.samples) EXPECT_TRUE(sample.labels.Has(kMetricName));
  }
}

TEST(PromText, SurvivesEveryTruncationAndFlippedBit) {
  const std::string classic =
      "# HELP a \\n\n# TYPE a histogram\na_bucket{le=\"1\",x=\"\\\\\"} 1 5\n{\"q\",b=\"c\"} NaN\n";
  const std::string open =
      "# UNIT a_s s\n# TYPE a_s counter\na_s_total{x=\"y\"} 1 2.5 # {t=\"u\"} 1 2\n# EOF\n";
  for (const auto& [text, format] : {std::pair(classic, kClassic), std::pair(open, kOpen)}) {
    for (size_t size = 0; size < text.size(); ++size) {
      (void)ParseExposition(text.substr(0, size), format);
    }
    for (size_t bit = 0; bit < text.size() * 8; ++bit) {
      std::string flipped = text;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      (void)ParseExposition(flipped, format);
    }
  }
}

TEST(LabelsBatch, CarriesAnExposition) {
  LabelsBatch batch;
  batch.AddExposition(Parse("# TYPE a counter\na_total 1 2 # {t=\"u\"} 1\nb 3\n# EOF\n", kOpen),
                      77);
  ASSERT_EQ(batch.batch().series.size(), 2u);
  EXPECT_EQ(batch.batch().points[0].timestamp, 2000);
  EXPECT_EQ(batch.batch().points[1].timestamp, 77);
  EXPECT_EQ(batch.batch().exemplars[0].series_index, 0u);
  EXPECT_EQ(batch.batch().metadata[0].metric_name, "a");
  EXPECT_EQ(batch.batch().decoder->Decode(batch.batch().series[1].bytes, "").value(),
            (Labels{{"__name__", "b"}}));
}

}  // namespace
}  // namespace tsdb::ingest
