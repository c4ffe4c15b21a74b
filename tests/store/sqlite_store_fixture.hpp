// An SQLite store of the built-in embedder in a folder of its own, and short ways to write to it and to
// search.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "holdfast/store/sqlite_store.hpp"

namespace holdfast::store {

struct SqliteStoreTest : testing::Test {
  const TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "deep" / "h.db";
  std::unique_ptr<MemoryStore> store;
  Timestamp now{std::chrono::seconds{1'700'000'000}};

  void SetUp() override { open(text::builtin_embedder()); }
  void open(const text::Embedder& embedder) {
    store.reset();
    auto opened = open_sqlite_store({path}, embedder);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  void make_session(const std::string& user = "u", const std::string& session = "s",
                    const std::string& agent = "a") {
    (void)store->create_user({user, "name of " + user, "", now, now});
    ASSERT_EQ(*store->create_session({session, user, agent, "session " + session, now, now}), Outcome::done);
  }
  InsertMessage message(const std::string& id, const std::string& content, std::uint64_t seq = 1,
                        Lsn lsn = 1) {
    InsertMessage insert;
    insert.message.id = id;
    insert.message.content = content;
    insert.message.created_at = insert.message.updated_at = now;
    insert.message.seq = seq;
    insert.lsn = lsn;
    insert.features = text::shared_features(content, text::builtin_embedder());
    return insert;
  }
  UpdateMessage update(const std::string& id, const std::string& content, Lsn lsn) {
    return {id, Role::user, content, "", now, lsn, text::shared_features(content, text::builtin_embedder())};
  }
  Result<void> write(std::vector<MessageOperation> operations, const std::string& user = "u",
                     const std::string& session = "s") {
    const SessionBatch batch{"b", user, session, std::move(operations)};
    return store->write(std::span(&batch, 1))[0];
  }
  std::vector<std::string> ids(const MessageListing& listing) {
    std::vector<std::string> out;
    for (const auto& found : *store->messages(listing)) out.push_back(found.id);
    return out;
  }
  StoreAnswer search(const std::string& text, const std::string& user = "u",
                     SourceFilter source = SourceFilter::all) {
    StoreQuery query;
    query.source = source;
    query.user_id = user;
    query.query = text::prepare_query(text, text::builtin_embedder());
    query.limit = 10;
    return *store->search(query);
  }
  // By words: vectors find what is alike too.
  std::vector<std::string> found(const std::string& text, const std::string& user = "u") {
    std::vector<std::string> out;
    for (const auto& result : search(text, user, SourceFilter::keyword).results) out.push_back(result.id);
    return out;
  }
};

}  // namespace holdfast::store
