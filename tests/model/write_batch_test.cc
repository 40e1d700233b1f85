#include "model/write_batch.h"

#include <bit>

#include <gtest/gtest.h>

namespace tsdb {
namespace {

TEST(WriteBatch, AddFloatKeepsTheBitsOfTheValue) {
  const std::string bytes = EncodeLabels({{"__name__", "up"}});
  WriteBatch batch;
  batch.AddFloat(bytes, 1000, StaleMarker());
  batch.AddFloat(bytes, 2000, -0.0);
  ASSERT_EQ(batch.series.size(), 2u);
  EXPECT_EQ(batch.series[1].first_point, 1u);
  EXPECT_EQ(batch.points[0].payload, kStaleMarkerBits);
  EXPECT_EQ(batch.points[1].payload, std::bit_cast<uint64_t>(-0.0));
  ASSERT_NE(batch.decoder, nullptr);
  EXPECT_EQ(batch.decoder->Decode(batch.series[0].bytes, "").value().metric_name(), "up");
}

TEST(WriteBatch, ClearGivesAFreshBatch) {
  WriteBatch batch;
  batch.policy = PolicyId{7};
  batch.unit = TimeUnit::kNanoseconds;
  batch.AddFloat("", 1, 2);
  batch.Clear();
  EXPECT_EQ(batch.policy, kPrometheusPolicy);
  EXPECT_EQ(batch.unit, TimeUnit::kMilliseconds);
  EXPECT_EQ(batch.decoder, nullptr);
  EXPECT_TRUE(batch.series.empty());
  EXPECT_TRUE(batch.points.empty());
}

TEST(EncodeLabels, DecodesToTheSameLabels) {
  const Labels labels{{"__name__", "m"}, {"a", std::string(300, 'x')}, {"utf-8 ü", "\n"}};
  EXPECT_EQ(DecodeLabels(EncodeLabels(labels)).value(), labels);
  EXPECT_TRUE(DecodeLabels("").value().empty());
}

TEST(DecodeLabels, RefusesEveryTruncationInsideALabel) {
  const std::string whole = EncodeLabels({{"__name__", "m"}, {"a", "xyz"}});
  const size_t first_label = EncodeLabels({{"__name__", "m"}}).size();
  for (size_t size = 1; size < whole.size(); ++size) {
    if (size == first_label) continue;  // a shorter label set, whole in itself
    SCOPED_TRACE(size);
    EXPECT_EQ(DecodeLabels(whole.substr(0, size)).status().code(), StatusCode::kDataLoss);
  }
}

TEST(DecodeLabels, RefusesUnsortedRepeatedAndEmptyNames) {
  const auto label = [](std::string_view name, std::string_view value) {
    return EncodeLabels({{name, value}});
  };
  EXPECT_FALSE(DecodeLabels(label("b", "1") + label("a", "1")).ok());
  EXPECT_FALSE(DecodeLabels(label("a", "1") + label("a", "2")).ok());
  EXPECT_FALSE(DecodeLabels(std::string("\0\1x", 3)).ok());
  EXPECT_FALSE(DecodeLabels(std::string("\1x\0", 3)).ok());
}

TEST(LabelsDecoder, RefusesHiddenNames) {
  const std::string bytes = EncodeLabels({{"__name__", "m"}, {kFieldLabel, "f"}});
  EXPECT_EQ(LabelsDecoder().Decode(bytes, "").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tsdb
