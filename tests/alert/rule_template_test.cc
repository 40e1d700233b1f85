#include "alert/template/rule_template.h"

#include <gtest/gtest.h>

namespace tsdb::alert {
namespace {

class RuleTemplateTest : public testing::Test {
 protected:
  RuleTemplateTest() {
    context_.timestamp_ms = 1'700'000'000'123;
    context_.external_url = "http://ext:9090/pre";
    context_.query = [](std::string_view query) -> Result<std::vector<TemplateSample>> {
      if (query == "bad") return InvalidArgument("1:1: parse error: bad");
      if (query == "none") return std::vector<TemplateSample>{};
      return std::vector<TemplateSample>{
          {Labels{{"__name__", "up"}, {"instance", "b"}, {"__value__", "str"}}, 2, nullptr},
          {Labels{{"__name__", "up"}, {"instance", "a"}}, 1, nullptr}};
    };
  }

  std::string Expand(const std::string& text) {
    auto parsed = RuleTemplate::Parse("A", text);
    if (!parsed.ok()) return parsed.status().message();
    const TemplateSample sample{Labels{{"__name__", "up"}, {"job", "flink"}}, value_, nullptr};
    return parsed->Expand(
        RuleTemplateData(sample.labels, Labels{{"region", "eu"}}, context_.external_url, sample),
        &context_);
  }
  void Check(const std::string& text, const std::string& expected) {
    EXPECT_EQ(Expand(text), expected) << text;
  }

  RuleTemplateContext context_;
  double value_ = 0.3;
};

TEST_F(RuleTemplateTest, SeesLabelsValueAndExternalData) {
  Check(
      "{{$labels.job}} {{ $value }} {{$externalLabels.region}} {{$externalURL}} "
      "{{.Labels.__name__}}",
      "flink 0.3 eu http://ext:9090/pre up");
  Check("{{$labels.missing}}|", "|");
  Check("{{ .Value | printf \"%.2f\" }}", "0.30");
}

TEST_F(RuleTemplateTest, QueriesAndLooksIntoSamples) {
  Check("{{query \"up\" | first | value}}", "2");
  Check("{{with query \"up\"}}{{. | first | label \"instance\"}}{{end}}", "b");
  Check("{{range query \"up\" | sortByLabel \"instance\"}}{{.Labels.instance}}={{.Value}} {{end}}",
        "a=1 b=2 ");
  Check("{{query \"up\" | first | strvalue}}", "str");
  Check("{{len (query \"none\")}}", "0");
  Check(
      "{{query \"none\" | first}}",
      "<error expanding template: error executing template __alert_A: template: __alert_A:1:129: "
      "executing "
      "\"__alert_A\" at <first>: error calling first: first() called on vector with no elements>");
  Check("{{query \"bad\"}}",
        "<error expanding template: error executing template __alert_A: template: __alert_A:1:114: "
        "executing "
        "\"__alert_A\" at <query \"bad\">: error calling query: 1:1: parse error: bad>");
}

TEST_F(RuleTemplateTest, Humanizes) {
  const std::pair<const char*, const char*> kHumanize[] = {{"0.0", "0"},
                                                           {"1.0", "1"},
                                                           {"12.0", "12"},
                                                           {"999.949", "999.9"},
                                                           {"999.95", "1000"},
                                                           {"1000.0", "1k"},
                                                           {"1234567.0", "1.235M"},
                                                           {"-1234.0", "-1.234k"},
                                                           {"1e27", "1000Y"},
                                                           {"1.5e30", "1.5e+06Y"},
                                                           {"0.3", "300m"},
                                                           {"0.9999", "999.9m"},
                                                           {"0.001", "1m"},
                                                           {"0.00012345", "123.4u"},
                                                           {"1e-30", "1e-06y"},
                                                           {"\"NaN\"", "NaN"},
                                                           {"\"+Inf\"", "+Inf"}};
  for (const auto& [in, out] : kHumanize) Check("{{humanize " + std::string(in) + "}}", out);
  const std::pair<const char*, const char*> kHumanize1024[] = {{"1.0", "1"},
                                                               {"0.001", "0.001"},
                                                               {"1023.9", "1024"},
                                                               {"1024.0", "1ki"},
                                                               {"-2048.0", "-2ki"},
                                                               {"1048576.0", "1Mi"},
                                                               {"123456789.0", "117.7Mi"},
                                                               {"1e30", "8.272e+05Yi"}};
  for (const auto& [in, out] : kHumanize1024)
    Check("{{humanize1024 " + std::string(in) + "}}", out);
  const std::pair<const char*, const char*> kDuration[] = {{"0", "0s"},
                                                           {"1", "1s"},
                                                           {"1.23456", "1.235s"},
                                                           {"59.9", "59.9s"},
                                                           {"60", "1m 0s"},
                                                           {"899.99", "14m 59s"},
                                                           {"3600", "1h 0m 0s"},
                                                           {"12345.6789", "3h 25m 45s"},
                                                           {"86400", "1d 0h 0m 0s"},
                                                           {"-90061", "-1d 1h 1m 1s"},
                                                           {"1e10", "115740d 17h 46m 40s"},
                                                           {"0.1", "100ms"},
                                                           {"0.0001", "100us"},
                                                           {"1e-9", "1ns"},
                                                           {"-0.5", "-500ms"},
                                                           {"\"NaN\"", "NaN"}};
  for (const auto& [in, out] : kDuration)
    Check("{{humanizeDuration " + std::string(in) + "}}", out);
  const std::pair<const char*, const char*> kPercentage[] = {
      {"0.1234567", "12.35%"},   {"1", "100%"},      {"-0.22222", "-22.22%"}, {"1e-6", "0.0001%"},
      {"123.456", "1.235e+04%"}, {"\"NaN\"", "NaN%"}};
  for (const auto& [in, out] : kPercentage)
    Check("{{humanizePercentage " + std::string(in) + "}}", out);
  Check("{{humanizeTimestamp 1435065584.128}}", "2015-06-23 13:19:44.128 +0000 UTC");
  Check("{{humanizeTimestamp 0}}", "1970-01-01 00:00:00 +0000 UTC");
  Check("{{humanizeTimestamp \"Inf\"}}", "+Inf");
  EXPECT_NE(
      Expand("{{humanizeTimestamp 1e12}}")
          .find("1e+12 cannot be represented as a nanoseconds timestamp since it overflows int64"),
      std::string::npos);
  EXPECT_NE(
      Expand("{{humanize \"abc\"}}").find("strconv.ParseFloat: parsing \"abc\": invalid syntax"),
      std::string::npos);
  EXPECT_NE(Expand("{{humanize true}}").find("can't convert bool to float"), std::string::npos);
}

TEST_F(RuleTemplateTest, HandlesTimesAndDurations) {
  Check("{{(toTime 1435065584.128).Format \"2006-01-02T15:04:05.000Z07:00\"}}",
        "2015-06-23T13:19:44.128Z");
  Check("{{(toTime 1435065584.128).Year}} {{(toTime 0).Unix}} {{(toTime 0).Weekday}}",
        "2015 0 Thursday");
  Check("{{toDuration 1800}} {{toDuration -1.5}} {{(toDuration 90).Minutes}}", "30m0s -1.5s 1.5");
  Check("{{now}}", "1.700000000123e+09");
  Check("{{parseDuration \"1h2m10ms\"}} {{parseDuration \"-5m\"}} {{parseDuration \"0\"}}",
        "3720.01 -300 0");
  Check("{{parseDuration \"1y2w3d4h5m6s7ms\"}}", "3.3019506007e+07");
  EXPECT_NE(Expand("{{parseDuration \"x\"}}").find("not a valid duration string: \"x\""),
            std::string::npos);
  EXPECT_NE(Expand("{{toTime \"NaN\"}}").find("value is NaN or Inf"), std::string::npos);
}

TEST_F(RuleTemplateTest, RoundsTimesAndKnowsMonthsAndWeekdays) {
  Check("{{(toDuration 12.3456).Round 1000000000}} {{(toDuration -0.5).Round 1e9}}", "12s -1s");
  Check("{{(toDuration 12.9).Truncate 1000000000}} {{(toDuration 12.9).Truncate 0}}", "12s 12.9s");
  Check("{{((toTime 1435065584.5).Round 1000000000).Unix}}", "1435065585");
  Check("{{((toTime 1435065584.5).Truncate (toDuration 3600)).Format \"15:04:05\"}}", "13:00:00");
  Check("{{(toTime 0).Month}} {{(toTime 0).Weekday | printf \"%d\"}} {{eq (toTime 0).Month 1}}",
        "January 4 true");
  Check("{{(toTime 1700000000).Month.String | toUpper}} {{(toTime 345600).Weekday.String}}",
        "NOVEMBER Monday");
  // Both are pointers: true even at zero.
  Check("{{if toDuration 0}}yes{{end}} {{printf \"%T %T\" (toTime 0) (toDuration 0)}}",
        "yes *time.Time *time.Duration");
}

TEST_F(RuleTemplateTest, SeesTheFieldsOfAHistogram) {
  auto histogram = std::make_shared<Histogram>();
  histogram->count = 4;
  histogram->sum = 18.5;
  histogram->zero_count = 4;
  histogram->zero_threshold = 0.001;
  const TemplateSample sample{Labels{{"job", "flink"}}, 0, histogram};
  const auto expand = [&](const std::string& text) {
    return RuleTemplate::Parse("A", text)->Expand(
        RuleTemplateData(sample.labels, Labels{}, "", sample), &context_);
  };
  EXPECT_EQ(expand("{{$value.Count}} {{.Value.Sum | printf \"%.2f\"}}"), "4 18.50");
  Check("{{query \"none\"}} {{$s := query \"up\" | first}}{{$s}} {{print $s}}",
        "[] {map[__name__:up __value__:str instance:b] 2} "
        "&{map[__name__:up __value__:str instance:b] 2}");
  EXPECT_EQ(expand("{{$value}}"), "{count:4, sum:18.5, [-0.001,0.001]:4}");
  EXPECT_NE(expand("{{humanize $value}}").find("can't convert *histogram.FloatHistogram to float"),
            std::string::npos);
}

TEST_F(RuleTemplateTest, RefusesLiteralsAndVariablesAsGoDoes) {
  Check("{{ toDuration 1.5 | humanize }}", "1.5");  // an error in Go
  const std::pair<const char*, const char*> kCases[] = {
      {"{{ 'ab' }}", "malformed character constant: 'ab'"},
      {"{{ '' }}", "invalid syntax"},
      {"{{ '\\q' }}", "invalid syntax"},
      {"{{ 3-}}", "bad number syntax: \"3-\""},
      {"{{ 1i }}", "bad number syntax: \"1i\""},  // complex in Go
      {"{{--}}", "bad number syntax: \"--\""},
      {"{{ 1e400 }}", "illegal number syntax: \"1e400\""},
      {"{{ 0x1. }}", "illegal number syntax: \"0x1.\""}};
  for (const auto& [text, message] : kCases) {
    EXPECT_EQ(Expand(text), "template: __alert_A:1: " + std::string(message)) << text;
  }
  EXPECT_EQ(Expand("{{ `a\nb }}"), "template: __alert_A:1: unterminated raw quoted string");
  EXPECT_NE(Expand("{{ $x = 1 }}").find("at <1>: undefined variable: $x"), std::string::npos);
  EXPECT_NE(Expand("{{range $i, $v = $labels}}{{end}}").find("undefined variable: $i"),
            std::string::npos);
  Check("{{js \"\\u2028\\u00e9\"}}", "\\u2028\u00e9");
}

TEST_F(RuleTemplateTest, ChangesText) {
  Check("{{title \"hELLO foo-bar o'neil 3rd\"}}", "HELLO Foo-Bar O'neil 3Rd");
  Check("{{toUpper \"aé\"}} {{toLower \"AÉ\"}}", "AÉ aé");
  Check("{{match \"a+\" \"caat\"}}", "true");
  Check("{{reReplaceAll \"(.*):(\\\\d+)\" \"$2-${1}\" \"h:80\"}}", "80-h");
  EXPECT_NE(Expand("{{match \"a(\" \"x\"}}").find("error parsing regexp: missing closing ): `a(`"),
            std::string::npos);
  EXPECT_NE(Expand("{{reReplaceAll \"a(\" \"\" \"x\"}}")
                .find("regexp: Compile(`a(`): error parsing regexp: missing closing ): `a(`"),
            std::string::npos);
  const std::pair<const char*, const char*> kStripPort[] = {{"1.2.3.4:80", "1.2.3.4"},
                                                            {"[::1]:80", "::1"},
                                                            {"h", "h"},
                                                            {"host:", "host"},
                                                            {"::1", "::1"}};
  for (const auto& [in, out] : kStripPort) Check("{{stripPort \"" + std::string(in) + "\"}}", out);
  const std::pair<const char*, const char*> kStripDomain[] = {{"a.b.c:80", "a:80"},
                                                              {"a.b.c", "a"},
                                                              {"1.2.3.4:80", "1.2.3.4:80"},
                                                              {"[::1]:8080", "[::1]:8080"}};
  for (const auto& [in, out] : kStripDomain)
    Check("{{stripDomain \"" + std::string(in) + "\"}}", out);
  Check("{{graphLink \"up == 0\"}} {{tableLink \"up == 0\"}}",
        "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up+%3D%3D+0&g0.tab=1");
  Check("{{externalURL}} {{pathPrefix}} {{urlQueryEscape \"a b&c=/é\"}} {{safeHtml \"<b>\"}}",
        "http://ext:9090/pre /pre a+b%26c%3D%2F%C3%A9 <b>");
  Check("{{template \"x\" (args 1 \"b\")}}{{define \"x\"}}{{.arg0}}-{{.arg1}}{{end}}", "1-b");
}

TEST_F(RuleTemplateTest, ShiftsColumnsByItsPrefix) {
  EXPECT_EQ(kRuleTemplatePrefix.size(), 112u);
  Check("{{.Foo}}",
        "<error expanding template: error executing template __alert_A: template: __alert_A:1:114: "
        "executing "
        "\"__alert_A\" at <.Foo>: can't evaluate field Foo in type struct { Labels "
        "map[string]string; ExternalLabels "
        "map[string]string; ExternalURL string; Value interface {} }>");
  EXPECT_EQ(Expand("{{nope}}"), "template: __alert_A:1: function \"nope\" not defined");
  EXPECT_EQ(Expand("{{ $labels.job"), "template: __alert_A:1: unclosed action");
}

TEST_F(RuleTemplateTest, BoundsDepthOutputAndWork) {
  EXPECT_NE(Expand("{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}")
                .find("exceeded maximum template depth"),
            std::string::npos);
  EXPECT_NE(Expand("{{range 1000000000}}{{end}}").find("exceeded 5000000 steps"),
            std::string::npos);
  EXPECT_NE(Expand("{{range 1000000}}0123456789{{end}}").find("output exceeds"), std::string::npos);
  EXPECT_NE(Expand(std::string(5000, '(').insert(0, "{{")).find("max expression depth exceeded"),
            std::string::npos);
}

}  // namespace
}  // namespace tsdb::alert
