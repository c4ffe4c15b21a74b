// Whatever the store keeps in memory, a search answers what scoring every item of the user answers.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "fakes/temporary_directory.hpp"
#include "holdfast/store/sqlite_store.hpp"
#include "store/sqlite/item_cache.hpp"

namespace holdfast::store {
namespace {

struct Item {
  std::string agent;
  std::uint64_t seq = 0;
  text::SharedFeatures features;
};
using Items = std::map<std::string, Item>;  // of one user, by id

struct Found {
  std::string id;
  double score = 0;
  friend bool operator==(const Found&, const Found&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Found& found) {
    return out << found.id << ' ' << found.score;
  }
};

std::vector<Found> scan(const Items& items, const StoreQuery& query) {
  text::CorpusStats stats{0, 0, std::vector<std::uint64_t>(query.query.terms.size())};
  for (const auto& [id, item] : items) {
    const auto frequencies = text::term_frequencies(query.query, item.features->terms);
    ++stats.documents;
    stats.total_length += item.features->terms.size();
    for (std::size_t i = 0; i < frequencies.size(); ++i) stats.document_frequency[i] += frequencies[i] > 0;
  }
  const text::Scorer scorer(query.query, stats, query.source, query.chunks);
  std::map<std::pair<std::string, std::uint64_t>, text::OwnParts>
      parts;  // by agent, which has one session, and place
  for (const auto& [id, item] : items) {
    const auto frequencies = text::term_frequencies(query.query, item.features->terms);
    parts[{item.agent, item.seq}] = {scorer.keyword(frequencies, item.features->terms.size()),
                                     text::similarity_to_chunks(query.query.vector, item.features->vectors)};
  }
  const auto part_at = [&](const std::string& agent, std::uint64_t seq) {
    const auto known = parts.find({agent, seq});
    return known == parts.end() ? text::OwnParts{} : known->second;
  };
  std::vector<Found> found;
  for (const auto& [id, item] : items) {
    if (query.agent_id && *query.agent_id != item.agent) continue;
    const auto [keyword, similarity] =
        scorer.in_context(part_at(item.agent, item.seq),
                          {part_at(item.agent, item.seq - 1), part_at(item.agent, item.seq - 2)});
    if (scorer.is_result(keyword, similarity)) found.push_back({id, scorer.combine(keyword, similarity)});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  if (found.size() > query.limit) found.resize(query.limit);
  return found;
}

const text::Embedder& embedder() {
  return text::builtin_embedder();
}

class SearchEqualsFullScan : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    open();
    for (const auto* user : {"u", "v"}) {
      (void)store_->create_user({user, user, "", {}, {}});
      for (const auto* agent : {"a", "b"}) {
        const auto session = std::string(user) + agent;
        (void)store_->create_session({session, user, agent, session, {}, {}});
      }
    }
  }
  void open() {
    store_.reset();
    SqliteOptions options;
    options.path = folder_.path() / "h.db";
    options.max_cached_bytes = GetParam();
    store_ = std::move(*open_sqlite_store(options, embedder()));
  }
  std::size_t below(std::size_t bound) { return random_() % bound; }
  std::string words(std::size_t count) {
    const char* known[] = {"red",  "kite", "painted", "Caroline", "river", "the", "seven", "hiking",
                           "Café", "中文", "violin",  "pottery",  "they",  "of",  "camp",  "camping"};
    std::string text;
    for (; count > 0; --count) text += std::string(known[below(std::size(known))]) + ' ';
    return text;
  }
  text::SharedFeatures features(const std::string& text) {
    auto made = text::extract_features(text, embedder());
    for (auto more = below(3); more > 0; --more) {  // further chunks
      const auto vector = embedder().embed(words(4));
      made.vectors.insert(made.vectors.end(), vector.begin(), vector.end());
    }
    return std::make_shared<const text::Features>(std::move(made));
  }
  void change_something() {
    const std::string user = below(3) == 0 ? "v" : "u", agent = below(2) == 0 ? "a" : "b";
    auto& items = items_[user];
    SessionBatch batch{"batch", user, user + agent, {}};
    const auto kind = below(10);
    if (kind < 7 || items.empty()) {
      for (auto left = 1 + below(8); left > 0; --left) {
        InsertMessage insert;
        insert.message.id = "m" + std::to_string(next_);
        insert.message.seq = insert.lsn = next_++;
        insert.message.content = words(1 + below(12));
        insert.features = features(insert.message.content);
        items[insert.message.id] = {agent, insert.message.seq, insert.features};
        batch.operations.emplace_back(std::move(insert));
      }
    } else {
      auto item = std::next(items.begin(), static_cast<std::ptrdiff_t>(below(items.size())));
      batch.session_id = user + item->second.agent;
      if (kind == 7) {
        batch.operations.emplace_back(EraseMessage{item->first, next_++});
        items.erase(item);
      } else {
        UpdateMessage update;
        update.id = item->first;
        update.content = words(1 + below(12));
        update.lsn = next_++;
        update.features = features(update.content);
        item->second.features = update.features;
        batch.operations.emplace_back(std::move(update));
      }
    }
    ASSERT_TRUE(store_->write(std::span(&batch, 1))[0]);
  }
  StoreQuery some_query() {
    StoreQuery query;
    query.user_id = below(3) == 0 ? "v" : "u";
    query.query = text::prepare_query(words(1 + below(5)), embedder());
    query.limit = 1 + below(20);
    if (below(4) == 0) query.agent_id = "a";
    constexpr SourceFilter kSources[] = {SourceFilter::all, SourceFilter::vector, SourceFilter::keyword};
    query.source = kSources[below(3)];
    query.chunks = static_cast<text::ChunkStrategy>(below(2));
    return query;
  }
  void compare() {
    const auto query = some_query();
    std::vector<Found> found;
    const auto answer = store_->search(query);
    ASSERT_TRUE(answer);
    for (const auto& result : answer->results) found.push_back({result.id, result.score});
    ASSERT_EQ(found, scan(items_[query.user_id], query));
  }
  // Only some items, with the statistics of all: what the search of all finds of them.
  void compare_some() {
    auto query = some_query();
    query.limit = 1000;
    const auto all = store_->search(query);
    ASSERT_TRUE(all);
    query.only = {"unknown"};
    for (const auto& [id, item] : items_[query.user_id])
      if (below(3) == 0) query.only->push_back(id);
    query.frozen.size = {all->stats.documents, all->stats.total_length};
    query.frozen.document_frequency.assign(all->stats.document_frequency.begin(),
                                           all->stats.document_frequency.end());
    const auto parts = [](const ScoredResult& result) {
      return std::tuple(result.id, result.score, result.keyword, result.similarity);
    };
    std::vector<std::tuple<std::string, double, double, double>> expected, found;
    for (const auto& result : all->results) {
      if (std::find(query.only->begin(), query.only->end(), result.id) != query.only->end())
        expected.push_back(parts(result));
    }
    const auto some = store_->search(query);
    ASSERT_TRUE(some);
    for (const auto& result : some->results) found.push_back(parts(result));
    ASSERT_EQ(found, expected);
  }

  TemporaryDirectory folder_;
  std::mt19937_64 random_{GetParam()};
  std::unique_ptr<MemoryStore> store_;
  std::map<std::string, Items> items_;
  std::uint64_t next_ = 1;
};

TEST_P(SearchEqualsFullScan, AfterAnyChanges) {
  for (int step = 0; step < 120; ++step) {
    ASSERT_NO_FATAL_FAILURE(change_something());
    ASSERT_NO_FATAL_FAILURE(compare());
    ASSERT_NO_FATAL_FAILURE(compare_some());
    if (step % 50 == 49) open();
  }
}

// Nothing kept, less than a user's items, room for one of the two users, room for all.
INSTANTIATE_TEST_SUITE_P(CacheSizes, SearchEqualsFullScan, testing::Values(0, 50'000, 500'000, 1u << 27));

TEST(ItemCacheTest, KeepsNoMoreThanItsBytesAndIsWarmedWithTheLatestUsers) {
  const TemporaryDirectory folder;
  auto store = std::move(*open_sqlite_store({folder.path() / "h.db"}, embedder()));
  constexpr std::uint64_t kMessages = 40;
  for (const auto* user : {"u1", "u2", "u3"}) {
    (void)store->create_user({user, user, "", {}, {}});
    (void)store->create_session({user, user, "a", user, {}, {}});
    SessionBatch batch{"b", user, user, {}};
    for (std::uint64_t i = 1; i <= kMessages; ++i) {
      InsertMessage insert;
      insert.message.id = std::to_string(i);
      insert.message.content = "message number " + std::to_string(i);
      insert.message.seq = insert.lsn = i;
      insert.features = text::shared_features(insert.message.content, embedder());
      batch.operations.emplace_back(std::move(insert));
    }
    ASSERT_TRUE(store->write(std::span(&batch, 1))[0]);
  }
  Connection connection(folder.path() / "h.db", std::chrono::milliseconds{1000}, 1u << 20);
  const auto items_of = [&](ItemCache& cache, std::int64_t user_no) {
    Transaction transaction(connection, Transaction::Kind::read);
    std::size_t items = 0;
    cache.for_each_segment(connection, user_no, 0,
                           [&](const ItemSegment&, auto seen) { items += seen.size(); });
    return items;
  };
  constexpr std::size_t kUser = kMessages * (512 + sizeof(IndexedItem));
  for (const std::size_t most : {std::size_t{0}, kUser, 2 * kUser + 1000, 10 * kUser}) {
    ItemCache cache(most);
    for (int round = 0; round < 2; ++round) {
      for (std::int64_t user = 1; user <= 3; ++user) {
        EXPECT_EQ(items_of(cache, user), kMessages);
        EXPECT_LE(cache.bytes(), most);
      }
    }
    EXPECT_GE(cache.bytes(), std::min(most / 2, 3 * kUser) / kUser * kUser);
    ItemCache warm(most);
    warm.warm_up(connection);
    EXPECT_LE(warm.bytes(), most);
    const auto warmed = warm.bytes();
    EXPECT_GE(warmed, std::min(most / 2, 3 * kUser) / kUser * kUser);
    if (warmed > 0) {
      EXPECT_EQ(items_of(warm, 3), kMessages);
      EXPECT_EQ(warm.bytes(), warmed) << "the last one written to is there";
    }
  }
  ItemCache cache(4 * kUser);
  for (std::int64_t user = 1; user <= 3; ++user) items_of(cache, user);
  const auto full = cache.bytes();
  EXPECT_GE(full, 3 * kUser);
  EXPECT_EQ(cache.limit_to(0.75), full / 3);  // with what an entry takes itself, two users fit
  EXPECT_EQ(items_of(cache, 1), kMessages);   // read, and not kept
  EXPECT_EQ(cache.bytes(), full / 3 * 2);
  EXPECT_EQ(cache.limit_to(0), full / 3 * 2);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_EQ(cache.limit_to(1), 0u);
  EXPECT_EQ(items_of(cache, 1), kMessages);
  EXPECT_EQ(cache.bytes(), full / 3);
}

}  // namespace
}  // namespace holdfast::store
