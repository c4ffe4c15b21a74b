// The SQLite store against the contract of MemoryStore.
#include "holdfast/store/sqlite_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sqlite_store_fixture.hpp"

namespace holdfast::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OtherEmbedder final : public text::Embedder {
 public:
  std::string_view fingerprint() const override { return "other/1"; }
  std::size_t dimensions() const override { return 2; }
  text::Embedding embed(const text::AnalysedText&) const override { return {100, 27}; }
};

TEST_F(SqliteStoreTest, AnIdOfOneUserIsNotThatOfTheOtherUser) {
  make_session("u", "s");
  make_session("v", "t");
  ASSERT_TRUE(write({message("m", "of u")}, "u", "s"));
  const std::vector<std::string> ids{"m"};
  EXPECT_TRUE(store->find_messages("v", ids)->empty());
  ASSERT_TRUE(write({message("m", "of v")}, "v", "t"));
  EXPECT_EQ(store->find_messages("u", ids)->at(0).content, "of u");
  EXPECT_EQ(store->find_messages("v", ids)->at(0).content, "of v");
}

TEST_F(SqliteStoreTest, NamesAreUnique) {
  EXPECT_EQ(*store->create_user({"1", "al", "", now, now}), Outcome::done);
  EXPECT_EQ(*store->create_user({"2", "al", "", now, now}), Outcome::name_taken);
  EXPECT_EQ(*store->create_user({"2", "bo", "", now, now}), Outcome::done);
  EXPECT_EQ(*store->update_user({"2", "al", "", now, now}), Outcome::name_taken);
  EXPECT_EQ(*store->update_user({"3", "cy", "", now, now}), Outcome::not_found);
  EXPECT_EQ((*store->user_by_name("bo"))->id, "2");
  EXPECT_EQ(*store->user("3"), std::nullopt);
  EXPECT_EQ(*store->create_session({"s1", "1", "a", "x", now, now}), Outcome::done);
  EXPECT_EQ(*store->create_session({"s2", "1", "a", "x", now, now}), Outcome::name_taken);
  EXPECT_EQ(*store->create_session({"s2", "2", "a", "x", now, now}), Outcome::done);
  EXPECT_EQ(*store->create_session({"s3", "nobody", "a", "x", now, now}), Outcome::not_found);
}

TEST_F(SqliteStoreTest, InsertsOnlyWhatIsAbsent) {
  make_session();
  ASSERT_TRUE(write({message("m", "first", 1), message("m", "second", 2)}));
  ASSERT_TRUE(write({message("m", "third", 3)}));
  const std::vector<std::string> wanted{"m"};
  const auto messages = *store->find_messages("u", wanted);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].content, "first");
  EXPECT_EQ((*store->session("s"))->last_seq, 3u);
  EXPECT_THAT(found("third"), IsEmpty());
}

TEST_F(SqliteStoreTest, NumbersOfMessagesThatAreNotInABatchAreNotGivenAgain) {
  make_session();
  SessionBatch batch{"b", "u", "s"};
  batch.last_seq = 7;
  ASSERT_TRUE(store->write(std::vector{batch})[0]);
  EXPECT_EQ((*store->session("s"))->last_seq, 7u);
}

TEST_F(SqliteStoreTest, TheSameIdMayBelongToTwoUsers) {
  make_session();
  make_session("v", "t");
  ASSERT_TRUE(write({message("m", "apples")}));
  ASSERT_TRUE(write({message("m", "pears")}, "v", "t"));
  EXPECT_THAT(found("apples"), ElementsAre("m"));
  EXPECT_THAT(found("apples", "v"), IsEmpty());
}

TEST_F(SqliteStoreTest, ChangesAreGuardedByLsn) {
  make_session();
  ASSERT_TRUE(write({message("m", "first", 1, 10), update("m", "newer", 20), update("m", "older", 15)}));
  EXPECT_THAT(found("newer"), ElementsAre("m"));
  EXPECT_THAT(found("first older"), IsEmpty());
  ASSERT_TRUE(write({EraseMessage{"m", 20}}));
  EXPECT_THAT(found("newer"), ElementsAre("m"));
  ASSERT_TRUE(write({update("m", "direct", 0)}));  // bypass mode comes after everything journalled
  EXPECT_THAT(found("direct"), ElementsAre("m"));
  ASSERT_TRUE(write({EraseMessage{"m", 21}, EraseMessage{"absent", 22}}));
  EXPECT_THAT(found("direct"), IsEmpty());
  EXPECT_EQ(*store->last_lsn(), 22u);
}

TEST_F(SqliteStoreTest, ABatchOfAMissingSessionIsRefusedAlone) {
  make_session();
  const std::vector<SessionBatch> batches{{"1", "u", "s", {message("a", "kept")}},
                                          {"2", "u", "gone", {message("b", "refused")}},
                                          {"3", "u", "s", {message("c", "kept too", 2)}}};
  const auto answers = store->write(batches);
  EXPECT_TRUE(answers[0]);
  ASSERT_FALSE(answers[1]);
  EXPECT_EQ(answers[1].error().kind, ErrorKind::permanent);
  EXPECT_TRUE(answers[2]);
  EXPECT_THAT(ids({"s", SortBy::id, Order::ascending, 10}), ElementsAre("a", "c"));
}

// What it may have to undo is more than SQLite keeps in memory.
TEST_F(SqliteStoreTest, ALargeUserIsErased) {
  make_session();
  std::vector<MessageOperation> operations;
  for (int i = 0; i < 2000; ++i) {
    const auto id = std::to_string(i);
    operations.push_back(message(id, "the " + id + "th of many words that differ " + std::to_string(i * i)));
  }
  ASSERT_TRUE(write(std::move(operations)));
  ASSERT_TRUE(store->erase_user("u"));
  EXPECT_TRUE(store->find_messages("u", std::vector<std::string>{"7"})->empty());
  EXPECT_THAT(found("words"), IsEmpty());
}

// Bytes that this process has given to write(2) and the like.
std::uint64_t bytes_written() {
  std::ifstream io("/proc/self/io");
  std::string name;
  for (std::uint64_t value = 0; io >> name >> value;) {
    if (name == "wchar:") return value;
  }
  return 0;
}

// A temporary file would take each page once more for each batch that changes it.
TEST_F(SqliteStoreTest, WhatABatchMayHaveToUndoStaysInMemory) {
  std::vector<SessionBatch> batches;
  for (int session = 0; session < 20; ++session) {
    const auto name = "s" + std::to_string(session);
    make_session("u", name);
    SessionBatch batch{"b" + name, "u", name, {}};
    for (int i = 0; i < 20; ++i) {
      const auto id = name + "-" + std::to_string(i);
      batch.operations.push_back(
          message(id, "the " + id + " of many words that differ " + std::to_string(i * i)));
    }
    batches.push_back(std::move(batch));
  }
  const auto log = path.string() + "-wal";
  const auto log_before = std::filesystem::file_size(log);
  const auto written_before = bytes_written();
  if (written_before == 0) GTEST_SKIP() << "this kernel does not count what is written";
  for (const auto& answer : store->write(batches)) ASSERT_TRUE(answer);
  const auto log_grew = std::filesystem::file_size(log) - log_before;
  const auto written = bytes_written() - written_before;
  EXPECT_GE(written, log_grew);
  EXPECT_LT(written, log_grew + log_grew / 2);
}

TEST_F(SqliteStoreTest, ListsInTheOrderAskedFor) {
  make_session();
  ASSERT_TRUE(write({message("b", "1", 1), message("c", "2", 2), message("a", "3", 3)}));
  EXPECT_THAT(ids({"s", SortBy::timestamp, Order::ascending, 10}), ElementsAre("b", "c", "a"));
  EXPECT_THAT(ids({"s", SortBy::timestamp, Order::descending, 2}), ElementsAre("a", "c"));
  EXPECT_THAT(ids({"s", SortBy::id, Order::descending, 10}), ElementsAre("c", "b", "a"));
  EXPECT_THAT(ids({"nowhere", SortBy::id, Order::descending, 10}), IsEmpty());
}

TEST_F(SqliteStoreTest, SearchFiltersAndCountsOverAllOfTheUser) {
  make_session();
  ASSERT_EQ(*store->create_session({"s2", "u", "b", "second", now, now}), Outcome::done);
  ASSERT_TRUE(write({message("m1", "red kite in the sky")}));
  ASSERT_TRUE(write({message("m2", "red wine")}, "u", "s2"));
  const std::vector<Knowledge> items{{"k", "u", "red is a colour", now, now}};
  const std::vector<text::Features> features{
      text::extract_features(items[0].content, text::builtin_embedder())};
  ASSERT_TRUE(store->add_knowledge(items, features));
  EXPECT_EQ(search("red").stats.documents, 3u);
  EXPECT_THAT(search("red").stats.document_frequency, ElementsAre(3));
  StoreQuery query;
  query.user_id = "u";
  query.query = text::prepare_query("red kite", text::builtin_embedder());
  query.limit = 10;
  const auto all = store->search(query)->results;
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].id, "m1");
  query.agent_id = "b";
  const auto of_agent = store->search(query)->results;
  ASSERT_EQ(of_agent.size(), 1u);
  EXPECT_EQ(of_agent[0].id, "m2");
  for (const auto& result : all) {
    if (result.id == "m2") {
      EXPECT_DOUBLE_EQ(result.score, of_agent[0].score);
    }
  }
  query.agent_id.reset();
  query.include_messages = false;
  EXPECT_EQ(store->search(query)->results.at(0).type, ItemType::knowledge);
  query.include_messages = true;
  query.source = SourceFilter::keyword;
  EXPECT_EQ(store->search(query)->results.size(), 3u);
  query.source = SourceFilter::graph;
  EXPECT_THAT(store->search(query)->results, IsEmpty());
}

// "1_2x" of user 12 must not be read as a term of user 1, and terms pass the index's own tokenizer unchanged.
TEST_F(SqliteStoreTest, TermsOfUsersDoNotCollide) {
  for (int i = 1; i <= 12; ++i) make_session("u" + std::to_string(i), "s" + std::to_string(i));
  ASSERT_TRUE(write({message("m", "2x naïve 中文 ÄÖ")}, "u1", "s1"));
  EXPECT_THAT(found("x", "u12"), IsEmpty());
  for (const auto* text : {"2x", "naïve", "文", "äö"})
    EXPECT_THAT(found(text, "u1"), ElementsAre("m")) << text;
}

TEST_F(SqliteStoreTest, ErasingASessionOrUserTakesTheIndexAlong) {
  make_session();
  ASSERT_TRUE(write({message("m1", "alpha"), message("m2", "beta", 2)}));
  EXPECT_EQ(*store->erase_session("s"), Outcome::done);
  EXPECT_EQ(*store->erase_session("s"), Outcome::not_found);
  EXPECT_EQ(search("alpha").stats.documents, 0u);
  EXPECT_EQ(search("alpha").stats.total_length, 0u);
  ASSERT_EQ(*store->create_session({"s", "u", "a", "again", now, now}), Outcome::done);
  ASSERT_TRUE(write({message("m1", "gamma")}));
  EXPECT_EQ(*store->erase_user("u"), Outcome::done);
  EXPECT_EQ(*store->user("u"), std::nullopt);
  make_session();
  EXPECT_THAT(found("gamma"), IsEmpty());
}

TEST_F(SqliteStoreTest, EverythingIsThereAfterReopeningAndForTheOwnerAlone) {
  make_session();
  ASSERT_TRUE(write({message("m", "remember")}));
  open(text::builtin_embedder());
  EXPECT_THAT(found("remember"), ElementsAre("m"));
  EXPECT_EQ(*store->last_lsn(), 1u);
  struct stat file {
  }, dir{};
  ASSERT_EQ(stat(path.c_str(), &file), 0);
  ASSERT_EQ(stat(path.parent_path().c_str(), &dir), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  EXPECT_EQ(dir.st_mode & 0777, 0700u);
}

TEST_F(SqliteStoreTest, AnotherEmbedderMakesTheIndexAnew) {
  make_session();
  ASSERT_TRUE(write({message("m", "remember this")}));
  open(OtherEmbedder());
  StoreQuery query;
  query.user_id = "u";
  query.query = {{"rememb"}, {100, 27}};
  query.limit = 10;
  const auto results = store->search(query)->results;
  ASSERT_EQ(results.size(), 1u);
  EXPECT_DOUBLE_EQ(results[0].similarity, 1.0);
  EXPECT_EQ(search("remember").stats.documents, 1u);
}

// Version 1 had no users.index_changes, and one vector in vectors.vector.
TEST_F(SqliteStoreTest, ADatabaseOfTheFirstVersionIsTakenOver) {
  make_session();
  ASSERT_TRUE(write({message("m", "remember the kite"), message("o", "as before", 2, 1)}));
  store.reset();
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database,
                         "ALTER TABLE users DROP COLUMN index_changes; ALTER TABLE vectors DROP COLUMN seq;"
                         "DROP TABLE pending_vectors; DROP INDEX knowledge; DROP INDEX items_by_place;"
                         "PRAGMA user_version = 1",
                         nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
  open(text::builtin_embedder());
  EXPECT_THAT(found("kite"), ElementsAre("m"));
  const auto in_context = search("kite").results;
  ASSERT_EQ(in_context.size(), 2u);  // its places in the session are known again
  EXPECT_EQ(in_context[1].id, "o");
  ASSERT_TRUE(write({update("m", "forget it", 2), message("n", "another kite", 3, 3)}));
  EXPECT_THAT(found("kite"), ElementsAre("n"));
  open(text::builtin_embedder());
  EXPECT_THAT(found("forget"), ElementsAre("m"));
}

TEST_F(SqliteStoreTest, OtherChunksMakeTheIndexAnew) {
  make_session();
  std::string text;
  while (text.size() < 10'000) text += "word" + std::to_string(text.size()) + ' ';
  ASSERT_TRUE(write({message("m", text)}));
  const auto before = search("What of word0 and its neighbours?").results.at(0);
  store.reset();
  SqliteOptions options;
  options.path = path;
  options.chunking.overlap = 0.5;
  store = std::move(*open_sqlite_store(options, text::builtin_embedder()));
  const auto query = text::prepare_query("What of word0 and its neighbours?", text::builtin_embedder());
  const auto expected = text::extract_features(text, text::builtin_embedder(), options.chunking);
  const auto after = search("What of word0 and its neighbours?").results.at(0);
  EXPECT_DOUBLE_EQ(after.similarity, text::similarity_to_chunks(query.vector, expected.vectors));
  EXPECT_NE(after.similarity, before.similarity);
}

TEST_F(SqliteStoreTest, ScoresStandStillWhileTheStatisticsAreFrozen) {
  make_session();
  ASSERT_TRUE(write({message("m1", "a painted kite", 1), message("m4", "a violin", 4, 2)}));
  StoreQuery query;
  query.user_id = "u";
  query.query = {{"kite"}, {}};
  query.limit = 10;
  const auto before = *store->search(query);
  ASSERT_EQ(before.results.size(), 1u);
  ASSERT_TRUE(write({message("m7", "another kite", 7, 3), message("m10", "kite over kite", 10, 4)}));
  EXPECT_NE(store->search(query)->results.back().score, before.results[0].score);
  query.frozen.size = {before.stats.documents, before.stats.total_length};
  query.frozen.document_frequency = {before.stats.document_frequency.at(0)};
  const auto frozen = *store->search(query);
  EXPECT_EQ(frozen.stats.documents, 2u);
  EXPECT_THAT(frozen.stats.document_frequency, ElementsAre(1));
  ASSERT_EQ(frozen.results.size(), 3u);
  for (const auto& result : frozen.results) {
    if (result.id == "m1") {
      EXPECT_EQ(result.score, before.results[0].score);
    }
  }
}

TEST_F(SqliteStoreTest, MessagesBeforeCountAcrossTheBorderToTheBuffers) {
  make_session();
  ASSERT_TRUE(write({message("m1", "a painted kite", 1), message("m2", "a violin", 2, 2),
                     message("m3", "at sunset", 3, 3), message("m5", "quite late", 5, 4)}));
  StoreQuery query;
  query.user_id = "u";
  query.query = {{"kite"}, {}};
  query.limit = 10;
  query.borders = {{"s", {}, {1, 2, 9}}};
  const auto keyword_of = [](const StoreAnswer& answer, const std::string& id) {
    for (const auto& result : answer.results)
      if (result.id == id) return result.keyword;
    return 0.0;
  };
  auto answer = *store->search(query);
  const auto own = keyword_of(answer, "m1");
  ASSERT_GT(own, 0);
  EXPECT_THAT(answer.wanted, ElementsAre(ElementsAre(testing::Field(&text::OwnParts::keyword, own),
                                                     text::OwnParts{}, text::OwnParts{})));
  EXPECT_DOUBLE_EQ(keyword_of(answer, "m2"), text::kContextWeights[0] * own);
  EXPECT_DOUBLE_EQ(keyword_of(answer, "m3"), text::kContextWeights[1] * own);
  EXPECT_EQ(keyword_of(answer, "m5"), 0);

  query.erased = {"m1"};
  EXPECT_EQ(keyword_of(*store->search(query), "m2"), 0);

  query.erased.clear();
  query.borders[0].buffered = {{1, {0}, 2}, {4, {1}, 2}};  // m1 says something else by now
  answer = *store->search(query);
  EXPECT_EQ(keyword_of(answer, "m2"), 0);
  EXPECT_GT(keyword_of(answer, "m5"), 0);
}

TEST_F(SqliteStoreTest, BelongsToOneProcessUntilItIsClosed) {
  const auto second = open_sqlite_store({path}, text::builtin_embedder());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "store " + path.string() + ": in use by another process");
  make_session();
  std::string text;
  while (text.size() < 10'000) text += "word" + std::to_string(text.size()) + ' ';
  ASSERT_TRUE(write({message("m", text)}));
  const auto before = search("What of word0 and its neighbours?").results.at(0).similarity;
  SqliteOptions beside{path};
  beside.shared = true;
  beside.chunking.overlap = 0.5;  // otherwise the index would be made anew
  EXPECT_TRUE((*open_sqlite_store(beside, text::builtin_embedder()))->session("s")->has_value());
  open(text::builtin_embedder());
  EXPECT_EQ(search("What of word0 and its neighbours?").results.at(0).similarity, before);
  store.reset();
  EXPECT_TRUE(open_sqlite_store({path}, text::builtin_embedder()));
}

TEST_F(SqliteStoreTest, NothingIsWrittenToAFileThatWasTakenAway) {
  make_session();
  const auto id = *store->id();
  EXPECT_FALSE(id.empty());
  std::filesystem::rename(path, folder.path() / "aside");
  const auto refused = write({message("m", "a kite")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::retryable);
  EXPECT_FALSE(store->counts());
  std::filesystem::rename(folder.path() / "aside", path);
  EXPECT_TRUE(write({message("m", "a kite")}));
  EXPECT_TRUE(store->counts());
  open(text::builtin_embedder());
  EXPECT_EQ(*store->id(), id);
  EXPECT_NE(*(*open_sqlite_store({folder.path() / "other.db"}, text::builtin_embedder()))->id(), id);
}

TEST_F(SqliteStoreTest, AProcessKilledWhileWritingLeavesWholeBatches) {
  make_session();
  store.reset();
  const auto child = fork();
  if (child == 0) {
    auto mine = open_sqlite_store({path}, text::builtin_embedder());
    for (std::uint64_t i = 0;; ++i) {
      const auto name = std::to_string(i);
      const SessionBatch batch{
          "b", "u", "s", {message(name + "a", "x", 2 * i + 1), message(name + "b", "y", 2 * i + 2)}};
      (void)(*mine)->write(std::span(&batch, 1));
    }
  }
  std::size_t seen = 0;
  while (seen < 20) {  // until it has written something
    SqliteOptions beside{path};
    beside.shared = true;
    auto reader = open_sqlite_store(beside, text::builtin_embedder());
    if (reader) seen = (*reader)->messages({"s", SortBy::timestamp, Order::ascending, 1000})->size();
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  open(text::builtin_embedder());
  const auto messages = *store->messages({"s", SortBy::timestamp, Order::ascending, 1'000'000});
  ASSERT_GE(messages.size(), 20u);
  EXPECT_EQ(messages.size() % 2, 0u);
  for (std::size_t i = 0; i < messages.size(); ++i) EXPECT_EQ(messages[i].seq, i + 1);
  EXPECT_EQ(store->counts()->messages, messages.size());
}

TEST_F(SqliteStoreTest, WritersAndReadersAtATime) {
  for (int i = 0; i < 4; ++i) make_session("u" + std::to_string(i), "s" + std::to_string(i));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      const auto user = "u" + std::to_string(i), session = "s" + std::to_string(i);
      for (std::uint64_t n = 1; n <= 30; ++n) {
        ASSERT_TRUE(
            write({message("m" + std::to_string(n), "word number " + std::to_string(n), n)}, user, session));
        ASSERT_EQ(search("word", user).results.size(), std::min<std::size_t>(n, 10));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(store->counts()->messages, 120u);
}

}  // namespace
}  // namespace holdfast::store
