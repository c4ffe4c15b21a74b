// cold_query_benchmark [MESSAGES…] (default 10000 100000): how long a search of the store takes that no cache
// answers, for a user with so many stored messages, beside SQLite's own full-text query (FTS5, bm25, limit
// 10) of the same terms over the same messages. Both run alternately on the calling thread, 400 queries of
// each kind; the first query after opening the store is shown on its own, with and without warm_up(), and so
// is one after each write, as both find what the store keeps in memory out of date; likewise the same queries
// with contextual chunks. Pin it to a core: taskset -c 0 …
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "generated_chat.hpp"
#include "holdfast/store/sqlite_store.hpp"

namespace {

using namespace holdfast;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kQueries = 400;
constexpr std::size_t kMessagesASession = 500;

double time_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return Milliseconds(std::chrono::steady_clock::now() - began).count();
}

void print(std::size_t messages, const char* what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
  };
  std::printf("%9zu  %-34s %6zu %9.2f %9.2f %9.2f\n", messages, what, times.size(), at(0.5), at(0.99),
              times.back());
  std::fflush(stdout);
}

// SQLite by itself: a table of the messages' terms, the query's terms joined by OR.
class PlainFts {
 public:
  explicit PlainFts(const std::filesystem::path& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK)
      throw std::runtime_error("cannot open " + path.string());
    run("PRAGMA journal_mode = WAL; CREATE VIRTUAL TABLE messages USING fts5 (content); BEGIN");
    sqlite3_prepare_v2(handle_, "INSERT INTO messages (content) VALUES (?)", -1, &insert_, nullptr);
    sqlite3_prepare_v2(handle_,
                       "SELECT rowid, rank FROM messages WHERE messages MATCH ? ORDER BY rank LIMIT 10", -1,
                       &search_, nullptr);
  }
  ~PlainFts() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(search_);
    sqlite3_close(handle_);
  }
  void add(const text::Terms& terms) { step_all(insert_, terms.joined()); }
  void finish() { run("COMMIT"); }
  std::size_t search(const std::vector<std::string>& terms) {
    std::string any;
    for (const auto& term : terms) any += (any.empty() ? "\"" : " OR \"") + term + '"';
    return step_all(search_, any);
  }

 private:
  static std::size_t step_all(sqlite3_stmt* statement, const std::string& text) {
    sqlite3_bind_text(statement, 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    std::size_t rows = 0;
    int code = sqlite3_step(statement);
    for (; code == SQLITE_ROW; code = sqlite3_step(statement)) ++rows;
    if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
    return rows;
  }
  void run(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(handle_));
  }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* search_ = nullptr;
};

store::SessionBatch batch_of(std::size_t first, const std::vector<std::string>& texts) {
  store::SessionBatch batch{"b", "u", "s" + std::to_string(first / kMessagesASession), {}};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    store::InsertMessage insert;
    insert.message.id = "m" + std::to_string(first + i);
    insert.message.content = texts[i];
    insert.message.seq = first + i + 1;
    insert.lsn = first + i + 1;
    insert.features = text::shared_features(texts[i], text::builtin_embedder());
    batch.operations.emplace_back(std::move(insert));
  }
  return batch;
}

void write(store::MemoryStore& into, const store::SessionBatch& batch) {
  (void)into.create_session({batch.session_id, "u", "a", batch.session_id, {}, {}});
  if (!into.write(std::span(&batch, 1))[0]) throw std::runtime_error("a write failed");
}

std::unique_ptr<store::MemoryStore> open(const std::filesystem::path& folder) {
  auto opened = store::open_sqlite_store({folder / "h.db"}, text::builtin_embedder());
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

void measure(std::size_t messages, const std::filesystem::path& folder) {
  benchmarks::GeneratedChat chat(messages, 20'000);
  PlainFts plain(folder / "plain.db");
  auto built = open(folder);
  (void)built->create_user({"u", "u", "", {}, {}});
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < messages; ++i) {
    texts.push_back(chat.message());
    plain.add(text::analyze(texts.back()));
    if (texts.size() < kMessagesASession && i + 1 < messages) continue;
    write(*built, batch_of(i + 1 - texts.size(), texts));
    texts.clear();
  }
  plain.finish();
  built.reset();
  auto store = open(folder);
  const auto search = [&](const std::string& question,
                          text::ChunkStrategy chunks = text::ChunkStrategy::message) {
    store::StoreQuery query;
    query.chunks = chunks;
    query.user_id = "u";
    query.query = text::prepare_query(question, text::builtin_embedder());
    query.limit = 10;
    if (!store->search(query)) throw std::runtime_error("a search failed");
  };
  std::vector<double> first, warming, first_warmed, ours, contextual, plain_fts, after_write;
  constexpr std::size_t kOpenings = 5;
  for (std::size_t i = 0; i < kOpenings; ++i) {
    const auto* question = "What did Caroline say about the marathon?";
    store.reset();
    store = open(folder);
    first.push_back(time_of([&] { search(question); }));
    store.reset();
    store = open(folder);
    warming.push_back(time_of([&] { (void)store->warm_up(); }));
    first_warmed.push_back(time_of([&] { search(question); }));
  }
  for (std::size_t i = 0; i < kQueries; ++i) {
    const auto question = "What about " + chat.sentence(4 + chat.below(5));
    ours.push_back(time_of([&] { search(question); }));
    contextual.push_back(time_of([&] { search(question, text::ChunkStrategy::contextual); }));
    const auto terms = text::prepare_query(question, text::builtin_embedder()).terms;
    plain_fts.push_back(time_of([&] { plain.search(terms); }));
  }
  for (std::size_t i = 0; i < kQueries; ++i) {
    write(*store, batch_of(messages + i, {chat.message()}));
    const auto question = "What about " + chat.sentence(4 + chat.below(5));
    after_write.push_back(time_of([&] { search(question); }));
  }
  print(messages, "holdfast, first after opening", first);
  print(messages, "warming up", warming);
  print(messages, "holdfast, first after warming up", first_warmed);
  print(messages, "holdfast", ours);
  print(messages, "holdfast, contextual chunks", contextual);
  print(messages, "holdfast, after a write", after_write);
  print(messages, "SQLite FTS5 bm25 of the same terms", plain_fts);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoull(argv[i], nullptr, 10));
  if (sizes.empty()) sizes = {10'000, 100'000};
  std::printf("%9s  %-34s %6s %9s %9s %9s\n", "messages", "query", "times", "p50 ms", "p99 ms", "worst");
  for (const auto messages : sizes) {
    const TemporaryDirectory folder;
    measure(messages, folder.path());
  }
}
