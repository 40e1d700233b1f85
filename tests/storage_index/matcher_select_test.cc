#include "storage/index/matcher_select.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "storage/index/recent_postings.h"

namespace tsdb::storage {
namespace {

// Counts what selection asks of an index.
class CountingReader : public IndexReader {
 public:
  explicit CountingReader(const RecentPostings* recent) : reader_(NewRecentIndexReader(recent)) {}

  Result<Postings> Get(std::string_view name, std::string_view value) const override {
    ++gets;
    return reader_->Get(name, value);
  }
  Status ForEachValue(std::string_view name, std::string_view prefix,
                      const ValueVisitor& visitor) const override {
    ++scans;
    return reader_->ForEachValue(name, prefix, [&](std::string_view value, const Loader& loader) {
      ++visited;
      return visitor(value, loader);
    });
  }
  Result<Postings> All() const override {
    ++alls;
    return reader_->All();
  }

  mutable int gets = 0;
  mutable int scans = 0;
  mutable int visited = 0;
  mutable int alls = 0;

 private:
  std::unique_ptr<IndexReader> reader_;
};

class MatcherSelect : public testing::Test {
 protected:
  void Add(const Labels& labels) {
    recent_.Add(static_cast<SeriesId>(series_.size()), labels);
    series_.push_back(labels);
  }

  void Fill(size_t count) {
    std::mt19937 random(3);
    const std::vector<std::string> values = {"",    "a",      "b",   "ab", "abc",
                                             "foo", "foobar", "x.y", "é"};
    for (size_t i = 0; i < count; ++i) {
      std::vector<Label> labels = {{"i", std::to_string(i)}};
      for (const char* name : {"n", "job", "env"}) {
        labels.push_back({name, values[random() % values.size()]});
      }
      Add(*Labels::FromUnsorted(labels));
    }
  }

  std::vector<SeriesId> BruteForce(const Matchers& matchers) const {
    std::vector<SeriesId> ids;
    for (size_t i = 0; i < series_.size(); ++i) {
      if (MatchesAll(matchers, series_[i])) ids.push_back(static_cast<SeriesId>(i));
    }
    return ids;
  }

  void Check(const Matchers& matchers) const {
    std::string text;
    for (const Matcher& matcher : matchers) text += matcher.ToString() + ",";
    SCOPED_TRACE(text);
    const Result<Postings> found = SelectSeries(CountingReader(&recent_), matchers, CancelToken());
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ(found->ToVector(), BruteForce(matchers));
  }

  RecentPostings recent_;
  std::vector<Labels> series_;
};

constexpr MatchType kTypes[] = {MatchType::kEqual, MatchType::kNotEqual, MatchType::kRegex,
                                MatchType::kNotRegex};

// Every kind of text that a matcher may have.
const std::vector<std::string> kTexts = {
    "",      "a",       "foo",    "none",  "x.y",      "a|b|abc", "a|",     "foo.*",
    "foo.+", ".*",      ".+",     ".*b.*", "a?",       "()",      "(a|b)?", "fo{2}",
    "[ab]+", "(?i)FOO", "(?i:a)", "^a$",   "none|nil", "|",       "ab(c|)", "x\\.y"};

TEST_F(MatcherSelect, EveryMatcherEqualsFilterOfLabels) {
  Fill(300);
  for (const char* name : {"n", "job", "absent"}) {
    for (MatchType type : kTypes) {
      for (const std::string& text : kTexts) Check({Matcher(type, name, text)});
    }
  }
}

TEST_F(MatcherSelect, ConjunctionsEqualFilterOfLabels) {
  Fill(400);
  Check({});
  std::mt19937 random(9);
  const std::vector<std::string> names = {"n", "job", "env", "absent"};
  for (int i = 0; i < 3000; ++i) {
    Matchers matchers;
    for (size_t m = 0; m < 2 + random() % 3; ++m) {
      matchers.emplace_back(kTypes[random() % 4], names[random() % names.size()],
                            kTexts[random() % kTexts.size()]);
    }
    Check(matchers);
  }
}

TEST_F(MatcherSelect, LiteralAlternativesNeedNoScan) {
  Fill(300);
  CountingReader reader(&recent_);
  ASSERT_TRUE(
      SelectSeries(reader, {Matcher(MatchType::kRegex, "i", "1|22|299")}, CancelToken()).ok());
  EXPECT_EQ(reader.gets, 3);
  EXPECT_EQ(reader.scans, 0);
  EXPECT_EQ(reader.alls, 0);
}

TEST_F(MatcherSelect, PrefixNarrowsTheScan) {
  Fill(300);
  CountingReader reader(&recent_);
  ASSERT_TRUE(
      SelectSeries(reader, {Matcher(MatchType::kRegex, "i", "29[0-4]")}, CancelToken()).ok());
  EXPECT_EQ(reader.scans, 1);
  EXPECT_EQ(reader.visited, 11);  // 29, 290 to 299
}

TEST_F(MatcherSelect, EmptyIntermediateResultEndsTheSearch) {
  Fill(300);
  CountingReader reader(&recent_);
  const Matchers matchers = {Matcher(MatchType::kRegex, "i", ".*1.*"),
                             Matcher(MatchType::kEqual, "n", "none")};
  EXPECT_TRUE(SelectSeries(reader, matchers, CancelToken())->empty());
  EXPECT_EQ(reader.gets, 1);
  EXPECT_EQ(reader.scans, 0);
}

TEST_F(MatcherSelect, MatchersThatSelectEverythingAreFree) {
  Fill(300);
  CountingReader reader(&recent_);
  const Matchers matchers = {Matcher(MatchType::kRegex, "i", ".*"),
                             Matcher(MatchType::kEqual, "n", "a")};
  EXPECT_EQ(SelectSeries(reader, matchers, CancelToken())->ToVector(), BruteForce(matchers));
  EXPECT_EQ(reader.gets, 1);
  EXPECT_EQ(reader.scans + reader.alls, 0);
}

TEST_F(MatcherSelect, StopsWhenCancelled) {
  Fill(10);
  CancelToken cancel;
  cancel.Cancel(StatusCode::kCancelled);
  EXPECT_EQ(SelectSeries(CountingReader(&recent_), {}, cancel).status().code(),
            StatusCode::kCancelled);
}

TEST_F(MatcherSelect, ReportsErrorsOfTheIndex) {
  class Broken : public IndexReader {
   public:
    Result<Postings> Get(std::string_view, std::string_view) const override {
      return DataLoss("get");
    }
    Status ForEachValue(std::string_view, std::string_view, const ValueVisitor&) const override {
      return DataLoss("scan");
    }
    Result<Postings> All() const override { return DataLoss("all"); }
  };
  const auto message = [](const Matchers& matchers) {
    return SelectSeries(Broken(), matchers, CancelToken()).status().message();
  };
  EXPECT_EQ(message({}), "all");
  EXPECT_EQ(message({Matcher(MatchType::kEqual, "a", "b")}), "get");
  EXPECT_EQ(message({Matcher(MatchType::kRegex, "a", "b.*")}), "scan");
}

}  // namespace
}  // namespace tsdb::storage
