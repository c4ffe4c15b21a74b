// Messages by the names of where they belong: imported in one transaction, scanned page by page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fakes/temporary_directory.hpp"
#include "holdfast/base/ids.hpp"
#include "holdfast/store/sqlite_store.hpp"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

struct ImportAndScanTest : testing::Test {
  const TemporaryDirectory folder;
  const Timestamp now{std::chrono::seconds{1'700'000'000}};
  std::unique_ptr<MemoryStore> store =
      std::move(*open_sqlite_store({folder.path() / "h.db"}, text::builtin_embedder()));

  ImportedMessage message(const std::string& user, const std::string& session, const std::string& id,
                          const std::string& content, const std::string& agent = "bot") {
    ImportedMessage made;
    made.named = {user, agent, session, {}};
    made.named.message.id = id;
    made.named.message.content = content;
    made.named.message.created_at = made.named.message.updated_at = now;
    made.features = text::extract_features(content, text::builtin_embedder());
    return made;
  }

  Lsn journal_lsn = 0;
  ImportAnswer import(std::vector<std::vector<ImportedMessage>> portions) {
    std::size_t given = 0;
    const auto answer = store->import_messages(
        [&] {
          return given < portions.size() ? std::move(portions[given++]) : std::vector<ImportedMessage>{};
        },
        now, journal_lsn);
    EXPECT_TRUE(answer);
    return *answer;
  }

  std::vector<std::string> scan(std::optional<std::string> user, std::size_t limit,
                                std::size_t max_bytes = 1000) {
    std::vector<std::string> seen;
    for (MessageScan next{std::move(user), 0, limit, max_bytes};;) {
      const auto page = store->scan_messages(next);
      EXPECT_TRUE(page);
      if (page->messages.empty()) return seen;
      EXPECT_LE(page->messages.size(), limit);
      for (const auto& named : page->messages) {
        seen.push_back(named.user + "/" + named.session + "/" + named.message.id);
      }
      next.after = page->last;
    }
  }
};

TEST_F(ImportAndScanTest, WhatIsMissingIsMadeAndMessagesGoBehindThoseOfTheirSession) {
  const auto answer = import({{message("ann", "s", "1", "one"), message("bob", "s", "2", "two")},
                              {message("ann", "s", "3", "three")}});
  EXPECT_EQ(answer.added, 3u);
  const auto ann = store->user_by_name("ann");
  ASSERT_TRUE(ann && *ann);
  const auto sessions = store->sessions({(*ann)->id, std::nullopt, "s"});
  ASSERT_THAT(*sessions, SizeIs(1));
  EXPECT_EQ(session_route_key(sessions->front().id), route_key((*ann)->id));
  const auto entry = store->session(sessions->front().id);
  EXPECT_EQ((*entry)->last_seq, 2u);
  const auto found = store->messages({sessions->front().id, SortBy::timestamp, Order::ascending, 10});
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_EQ((*found)[0].seq, 1u);
  EXPECT_EQ((*found)[1].content, "three");
  StoreQuery query;
  query.user_id = (*ann)->id;
  query.query = text::prepare_query("three", text::builtin_embedder());
  EXPECT_EQ(store->search(query)->results.front().id, "3");
}

TEST_F(ImportAndScanTest, WhatIsImportedOutlivesOlderDeletionsInTheJournal) {
  journal_lsn = 12;
  import({{ message("ann", "s", "1", "one") }});
  const auto ann = store->user_by_name("ann");
  const auto sessions = store->sessions({(*ann)->id, std::nullopt, "s"});
  SessionBatch batch{"b", (*ann)->id, sessions->front().id, {}, 0};
  const auto left_after = [&](Lsn erasure) {
    batch.operations = {EraseMessage{"1", erasure}};
    EXPECT_TRUE(store->write(std::span(&batch, 1))[0]);
    return store->messages({batch.session_id, SortBy::timestamp, Order::ascending, 10})->size();
  };
  EXPECT_EQ(left_after(12), 1u);
  EXPECT_EQ(*store->last_lsn(), 12u);
  EXPECT_EQ(left_after(13), 0u);
}

TEST_F(ImportAndScanTest, AnIdThatIsThereIsNotAddedAgainAndOtherContentIsRefused) {
  import({{ message("ann", "s", "1", "one"), message("ann", "s", "2", "two") }});
  const auto again = import({{message("ann", "s", "1", "one"), message("ann", "s", "2", "else"),
                              message("ann", "s", "3", "three"), message("bob", "s", "1", "one")}});
  EXPECT_EQ(again.present, 1u);
  EXPECT_EQ(again.added, 2u);
  EXPECT_THAT(again.refused, ElementsAre(Pair(1, ImportRefusal::other_content)));
  EXPECT_EQ(store->counts()->messages, 4u);
}

TEST_F(ImportAndScanTest, ASessionOfAnotherAgentIsRefused) {
  const auto answer =
      import({{message("ann", "s", "1", "one", "bot"), message("ann", "s", "2", "two", "other")}});
  EXPECT_EQ(answer.added, 1u);
  EXPECT_THAT(answer.refused, ElementsAre(Pair(1, ImportRefusal::other_agent)));
}

TEST_F(ImportAndScanTest, PagesAreBoundedAndTogetherEverythingInTheOrderOfStoring) {
  import(
      {{ message("ann", "s", "1", "one"),
         message("bob", "t", "2", "two"),
         message("ann", "u", "3", "three"),
         message("ann", "s", "4", "four") }});
  const Knowledge fact{"k", (*store->user_by_name("ann"))->id, "a fact", now, now};
  ASSERT_TRUE(store->add_knowledge({&fact, 1}, std::vector<text::Features>(1)));
  import({{ message("ann", "s", "5", "five") }});
  for (const std::size_t limit : {1, 2, 3, 100}) {
    EXPECT_THAT(scan(std::nullopt, limit),
                ElementsAre("ann/s/1", "bob/t/2", "ann/u/3", "ann/s/4", "ann/s/5"));
    EXPECT_THAT(scan("ann", limit), ElementsAre("ann/s/1", "ann/u/3", "ann/s/4", "ann/s/5"));
  }
  const auto small = store->scan_messages({std::nullopt, 0, 100, 4});
  EXPECT_THAT(small->messages, SizeIs(2)) << "three bytes and three more pass four";
  EXPECT_FALSE(store->scan_messages({"nobody", 0, 100, 100}));
}

}  // namespace
}  // namespace holdfast::store
