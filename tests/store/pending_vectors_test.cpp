// Items that wait for the vectors of a deferred embedder.
#include <gmock/gmock.h>

#include "sqlite_store_fixture.hpp"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeferredEmbedder final : public text::Embedder {
 public:
  explicit DeferredEmbedder(std::string fingerprint) : fingerprint_(std::move(fingerprint)) {}
  std::string_view fingerprint() const override { return fingerprint_; }
  std::size_t dimensions() const override { return 2; }
  bool deferred() const override { return true; }
  text::Embedding embed(const text::AnalysedText&) const override { return {}; }

 private:
  const std::string fingerprint_;
};

struct PendingVectorsTest : SqliteStoreTest {
  const DeferredEmbedder embedder{"far/1"};
  void SetUp() override {
    open(embedder);
    make_session();
  }
  void write(MessageOperation operation) {
    const SessionBatch batch{"b", "u", "s", {std::move(operation)}};
    ASSERT_TRUE(store->write(std::span(&batch, 1)).front());
  }
  void insert(const std::string& id, const std::string& content, Lsn lsn) {
    auto added = message(id, content, lsn, lsn);
    added.features = text::shared_features(content, embedder);
    write(std::move(added));
  }
  std::vector<std::string> pending(std::size_t limit = 10, std::size_t bytes = 1000) {
    std::vector<std::string> contents;
    const auto listed = store->pending_vectors(limit, bytes);
    for (const auto& item : listed->items) contents.push_back(item.content);
    return contents;
  }
  std::int64_t mark_of(std::string_view content) {
    const auto listed = store->pending_vectors(10, 1000);
    for (const auto& item : listed->items) {
      if (item.content == content) return item.mark;
    }
    return 0;
  }
  std::vector<std::string> near(text::Embedding vector) {
    StoreQuery query;
    query.user_id = "u";
    query.query.vector = std::move(vector);
    query.source = SourceFilter::vector;
    query.limit = 10;
    std::vector<std::string> ids;
    const auto answer = store->search(query);
    for (const auto& result : answer->results) ids.push_back(result.id);
    return ids;
  }
};

TEST_F(PendingVectorsTest, AreListedOldestFirstWithinTheBounds) {
  insert("a", "first", 1);
  insert("b", "second", 2);
  insert("c", " ", 3);  // nothing to embed
  EXPECT_THAT(pending(), ElementsAre("first", "second"));
  EXPECT_EQ(store->pending_vectors(1, 1000)->total, 2u);
  EXPECT_EQ(store->pending_vectors(1, 1000)->items.front().user_id, "u");
  EXPECT_THAT(pending(1), ElementsAre("first"));
  EXPECT_THAT(pending(10, 1), ElementsAre("first"));
}

TEST_F(PendingVectorsTest, AreFoundOnceTheyAreSet) {
  insert("a", "first", 1);
  insert("b", "second", 2);
  EXPECT_THAT(near({127, 0}), IsEmpty());
  const std::vector<LateVector> late{
      {mark_of("first"), {127, 0}}, {mark_of("second"), {0, 127}}, {999, {1, 1}}};
  ASSERT_TRUE(store->set_vectors(late));
  EXPECT_THAT(near({127, 0}), ElementsAre("a"));
  EXPECT_THAT(near({0, 127}), ElementsAre("b"));
  EXPECT_THAT(pending(), IsEmpty());
}

TEST_F(PendingVectorsTest, AVectorOfWhatTheItemSaidBeforeIsNotTaken) {
  insert("a", "before", 1);
  const auto mark = mark_of("before");
  UpdateMessage update;
  update.id = "a";
  update.content = "after";
  update.lsn = 2;
  update.features = text::shared_features("after", embedder);
  write(std::move(update));
  const std::vector<LateVector> late{{mark, {127, 0}}};
  ASSERT_TRUE(store->set_vectors(late));
  EXPECT_THAT(near({127, 0}), IsEmpty());
  EXPECT_THAT(pending(), ElementsAre("after"));
}

TEST_F(PendingVectorsTest, AnErasedItemIsNotPending) {
  insert("a", "first", 1);
  write(EraseMessage{"a", 2});
  EXPECT_THAT(pending(), IsEmpty());
  insert("b", "second", 3);
  ASSERT_TRUE(store->erase_session("s"));
  EXPECT_THAT(pending(), IsEmpty());
}

TEST_F(PendingVectorsTest, SurviveAndWhatWasGivenUpIsTriedAgainAfterAStart) {
  insert("a", "first", 1);
  insert("b", "second", 2);
  const std::vector<std::int64_t> marks{mark_of("first")};
  ASSERT_TRUE(store->give_up_vectors(marks));
  EXPECT_THAT(pending(), ElementsAre("second"));
  EXPECT_EQ(store->pending_vectors(10, 1000)->total, 1u);
  open(embedder);
  EXPECT_THAT(pending(), ElementsAre("first", "second"));
}

TEST_F(PendingVectorsTest, AnotherModelMakesAllVectorsPendingAgain) {
  insert("a", "first", 1);
  const std::vector<LateVector> late{{mark_of("first"), {127, 0}}};
  ASSERT_TRUE(store->set_vectors(late));
  const DeferredEmbedder other{"far/2"};
  open(other);
  EXPECT_THAT(near({127, 0}), IsEmpty());
  EXPECT_THAT(pending(), ElementsAre("first"));
  open(text::builtin_embedder());
  EXPECT_THAT(pending(), IsEmpty());
}

}  // namespace
}  // namespace holdfast::store
