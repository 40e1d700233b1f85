// Databases and retention policies as the catalog keeps them, on a store of its own.
#include "storage/catalog.h"

#include <gmock/gmock.h>

#include "base/coding.h"
#include "tests/storage/engine_fixture.h"

namespace tsdb::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kHour = 3'600'000'000'000;

class CatalogTest : public testing::Test {
 protected:
  CatalogTest() { Open(); }

  void Open() {
    catalog_.reset();
    store_.reset();
    StoreOptions options;
    options.path = "/catalog";
    options.env = env_.get();
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    catalog_ = std::make_unique<StoredCatalog>(store_.get(), 0);
    loaded_ = catalog_->Load();
  }

  // "name(default): policy policy ..." with durations in hours.
  std::string Show(const std::string& name) const {
    const std::optional<Database> database = catalog_->Find(name);
    if (!database.has_value()) return "absent";
    std::string text = name + "(" + database->default_policy + "):";
    for (const RetentionPolicy& policy : database->policies) {
      text += " " + policy.name + "=" + std::to_string(policy.duration_ns / kHour) + "/" +
              std::to_string(policy.shard_group_duration_ns / kHour);
      if (policy.is_initial) text += "*";
    }
    return text;
  }

  const std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  const std::shared_ptr<rocksdb::Env> env_ = MemoryDisk::NewEnv(disk_);
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoredCatalog> catalog_;
  Status loaded_;
};

TEST_F(CatalogTest, ComesBackAsItWasAndNeverUsesAnIdTwice) {
  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  const RetentionPolicy month{{}, "month", 720 * kHour, 0, 1, false};
  ASSERT_TRUE(catalog_->CreatePolicy("flink", month, true).ok());
  EXPECT_EQ(Show("flink"), "flink(month): autogen=0/168* month=720/24");
  const PolicyId first = *catalog_->Resolve("flink", "");
  const PolicyId initial = *catalog_->Resolve("flink", "autogen");
  EXPECT_NE(first.value, initial.value);

  Open();
  ASSERT_TRUE(loaded_.ok()) << loaded_.ToString();
  EXPECT_EQ(Show("flink"), "flink(month): autogen=0/168* month=720/24");
  EXPECT_EQ(catalog_->Resolve("flink", "")->value, first.value);

  ASSERT_TRUE(catalog_->DropDatabase("flink").ok());
  EXPECT_EQ(Show("flink"), "absent");
  Open();
  EXPECT_EQ(Show("flink"), "absent");
  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  EXPECT_GT(catalog_->Resolve("flink", "")->value, first.value);
}

TEST_F(CatalogTest, ShowsTheLabelsOfAllButTheFirstPolicy) {
  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  ASSERT_TRUE(catalog_->CreatePolicy("flink", {{}, "year", 0, 0, 1, false}, true).ok());
  const auto state = catalog_->state();
  const PolicyInfo* initial = state->Find(*catalog_->Resolve("flink", "autogen"));
  const PolicyInfo* year = state->Find(*catalog_->Resolve("flink", "year"));
  ASSERT_TRUE(initial != nullptr && year != nullptr);
  EXPECT_EQ(initial->db_label(), "flink");
  EXPECT_EQ(initial->rp_label(), "");  // though it is not the default any more
  EXPECT_EQ(year->rp_label(), "year");
  EXPECT_EQ(state->Find(kPrometheusPolicy)->db_label(), "");
}

TEST_F(CatalogTest, ListsPrometheusOnceItHoldsASeries) {
  EXPECT_TRUE(catalog_->List().empty());
  catalog_->NotePrometheusSeries();
  ASSERT_EQ(catalog_->List().size(), 1U);
  EXPECT_EQ(catalog_->List()[0].name, "prometheus");
}

TEST_F(CatalogTest, RefusesWhatInfluxDbRefuses) {
  EXPECT_THAT(catalog_->CreateDatabase("", nullptr).message(), HasSubstr("name required"));
  EXPECT_FALSE(catalog_->CreateDatabase("prometheus", nullptr).ok());
  EXPECT_FALSE(catalog_->DropDatabase("prometheus").ok());
  EXPECT_FALSE(catalog_->AlterPolicy("prometheus", "autogen", {}).ok());
  EXPECT_EQ(catalog_->Resolve("nothing", "").status().code(), StatusCode::kNotFound);

  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  EXPECT_EQ(catalog_->Resolve("flink", "nothing").status().code(), StatusCode::kNotFound);
  EXPECT_THAT(
      catalog_->CreatePolicy("flink", {{}, "short", kHour - 1, 0, 1, false}, false).message(),
      HasSubstr("at least 1h0m0s"));
  EXPECT_THAT(
      catalog_->CreatePolicy("flink", {{}, "p", kHour, 2 * kHour, 1, false}, false).message(),
      HasSubstr("greater than the shard duration"));
  const RetentionPolicy day{{}, "day", 24 * kHour, 0, 1, false};
  EXPECT_TRUE(catalog_->CreatePolicy("flink", day, false).ok());
  EXPECT_TRUE(catalog_->CreatePolicy("flink", day, false).ok());  // the same once more
  EXPECT_EQ(catalog_->CreatePolicy("flink", {{}, "day", 48 * kHour, 0, 1, false}, false).code(),
            StatusCode::kAlreadyExists);
  StoredCatalog::PolicyChange shorter;
  shorter.duration_ns = kHour / 2;
  EXPECT_FALSE(catalog_->AlterPolicy("flink", "day", shorter).ok());
  EXPECT_EQ(catalog_->AlterPolicy("flink", "nothing", {}).code(), StatusCode::kNotFound);
  EXPECT_EQ(Show("flink"), "flink(autogen): autogen=0/168* day=24/1");
}

TEST_F(CatalogTest, AChangeThatCannotBeWrittenDidNotHappen) {
  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  disk_->set_capacity(disk_->size_bytes());
  EXPECT_FALSE(catalog_->CreateDatabase("other", nullptr).ok());
  EXPECT_EQ(Show("other"), "absent");
  disk_->set_capacity(0);
  EXPECT_EQ(Show("flink"), "flink(autogen): autogen=0/168*");
}

TEST_F(CatalogTest, AMalformedRowIsNamed) {
  StoreBatch batch;
  ASSERT_TRUE(catalog_->CreateDatabase("flink", nullptr).ok());
  auto rows = store_->NewIterator(Family::kMeta, "", "");
  for (; rows->Valid(); rows->Next()) {
    if (!rows->key().ends_with("flink")) continue;
    batch.Put(Family::kMeta, std::string(rows->key()),
              std::string(rows->value().substr(0, rows->value().size() - 1)));
  }
  rows.reset();
  ASSERT_EQ(batch.ops().size(), 1U);
  ASSERT_TRUE(store_->Write(batch, true).ok());
  Open();
  EXPECT_EQ(loaded_.code(), StatusCode::kDataLoss);
  EXPECT_THAT(loaded_.message(), HasSubstr("\"flink\""));
}

}  // namespace
}  // namespace tsdb::storage
