// What the hot functions cost, each in a function of namespace measured: ./run counts the instructions inside
// those, and the times each was called divides them. Every input is the same in every run. Run alone, the
// program only shows that the cases work.
#include <spdlog/fmt/fmt.h>

#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "benchmarks/generated_chat.hpp"
#include "buffer/rounds.hpp"
#include "fakes/memory_file_system.hpp"
#include "holdfast/buffer/session_buffer.hpp"
#include "holdfast/cache/query_cache.hpp"
#include "holdfast/http/codec/parse.hpp"
#include "holdfast/http/codec/render.hpp"
#include "holdfast/text/scorer.hpp"
#include "holdfast/text/tokenizer.hpp"
#include "http/gate.hpp"
#include "journal/segment_writer.hpp"
#include "single_threaded_engine.hpp"

namespace holdfast::instructions {

using Texts = std::vector<std::string>;

// The compiler must neither put these into their callers nor drop what nobody uses of their results.
#define MEASURED __attribute__((noinline, noclone))
template <class T>
void use(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

namespace measured {

MEASURED void token_count(const text::TokenCounter& counter, const Texts& texts) {
  for (const auto& text : texts) use(counter.count(text));
}

MEASURED void journal_append(journal::SegmentWriter& writer, std::span<const journal::Operation> operations) {
  std::string records;
  Lsn lsn = 0;
  for (const auto& operation : operations) {
    journal::append_record(records, writer.salt(), ++lsn, journal::type_of(operation),
                           journal::encode(operation));
  }
  use(writer.write(records));
}

MEASURED void gate_header(std::string_view block, const http::Limits& limits, int times) {
  for (int i = 0; i < times; ++i) use(http::read_header(block, limits));
}

MEASURED void json_add_parse(std::string_view body, const http::Limits& limits, int times) {
  for (int i = 0; i < times; ++i) use(http::codec::parse_add_messages(body, limits));
}

MEASURED void json_render_results(std::span<const ScoredResult> results, int times) {
  for (int i = 0; i < times; ++i) use(http::codec::render_results(results, std::nullopt, {}));
}

MEASURED void cache_exact_hit(cache::QueryCache& cache, std::span<const Query> queries, SteadyTime now) {
  for (const auto& query : queries) use(cache.find(query, 1, now));
}

MEASURED void score_1000_items(const text::PreparedQuery& query, const text::CorpusStats& stats,
                               std::span<const text::Features> items) {
  const text::Scorer scorer(query, stats, SourceFilter::all);
  for (const auto& item : items) {
    const auto keyword = scorer.keyword(text::term_frequencies(query, item.terms), item.terms.size());
    const auto similarity = text::similarity_to_chunks(query.vector, item.vectors);
    const auto joined = scorer.in_context({keyword, similarity}, {text::OwnParts{0.1}, text::OwnParts{0.2}});
    use(scorer.combine(joined.keyword, joined.similarity));
  }
}

MEASURED void round_buffer_add(buffer::RoundBuffer& buffer, std::vector<buffer::BufferedRound>& rounds) {
  for (auto& round : rounds) use(buffer.add(std::move(round)));
}

MEASURED void add_in_process(SingleThreadedEngine& engine, const std::string& session, const Texts& texts) {
  for (const auto& text : texts) engine.add(session, text);
}

MEASURED void query_in_process(SingleThreadedEngine& engine, const std::string& user, const Texts& texts) {
  for (const auto& text : texts) engine.query(user, text);
}

}  // namespace measured

namespace {

constexpr int kTimes = 50;

Texts messages(std::uint64_t seed, std::size_t count) {
  benchmarks::GeneratedChat chat(seed, 300);
  Texts texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(chat.message());
  return texts;
}

// How often each case does what it is named after.
void report(const char* name, std::size_t calls) {
  std::printf("%s %zu\n", name, calls);
}

void count_tokens() {
  const text::TokenCounter counter("gpt-4o-mini", 1.3);
  const auto texts = messages(1, 2 * kTimes);
  for (int i = 0; i < kTimes; ++i) use(counter.count(texts[static_cast<std::size_t>(i)]));  // warm
  measured::token_count(counter, {texts.begin() + kTimes, texts.end()});
  report("token_count", kTimes);
}

void append_to_journal() {
  io::MemoryFileSystem files;
  auto prepared = journal::prepare_file(files, "/j", "new", 16u << 20);
  auto writer = std::move(*journal::SegmentWriter::create(std::move(*prepared), 1, 1));
  std::vector<journal::Operation> operations;
  for (const auto& text : messages(2, kTimes)) {
    Message message;
    message.id = "01234567-0123-4567-89ab-0123456789ab";
    message.content = text;
    journal::AppendRecord record;
    record.user_id = record.round.session_id = message.id;
    record.round.messages.push_back(message);
    operations.emplace_back(std::move(record));
  }
  measured::journal_append(*writer, operations);
  report("journal_append", operations.size());
}

void read_headers() {
  const std::string block =
      "POST /api/v1/sessions/01234567-0123-4567-89ab-0123456789ab/messages HTTP/1.1\r\n"
      "Host: localhost:8000\r\nUser-Agent: python-httpx/0.27.0\r\nAccept: */*\r\n"
      "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nContent-Type: application/json\r\n"
      "Content-Length: 312\r\n\r\n";
  const http::Limits limits;
  measured::gate_header(block, limits, kTimes);
  report("gate_header", kTimes);
}

void parse_adds() {
  const auto texts = messages(3, 2);
  const auto body = fmt::format(
      R"({{"messages":[{{"role":"user","content":"{}"}},{{"role":"assistant","content":"{}"}}]}})", texts[0],
      texts[1]);
  measured::json_add_parse(body, http::Limits{}, kTimes);
  report("json_add_parse", kTimes);
}

void render_results() {
  std::vector<ScoredResult> results;
  for (const auto& text : messages(9, 5)) {
    ScoredResult result;
    result.id = result.user_id = result.agent_id = result.session_id = "01234567-0123-4567-89ab-0123456789ab";
    result.session_name = "a session";
    result.content = text;
    result.role = Role::user;
    result.created_at = result.updated_at = Timestamp{std::chrono::microseconds{1'700'000'000'123'456}};
    result.score = 0.71;
    result.keyword = 0.5;
    result.similarity = 0.25;
    result.source = "store";
    results.push_back(std::move(result));
  }
  measured::json_render_results(results, kTimes);
  report("json_render_results", kTimes);
}

void hit_the_cache() {
  metrics::AnswerCacheProbe probe;
  cache::QueryCache cache({}, probe);
  const SteadyTime now{std::chrono::hours(1)};
  std::vector<Query> queries;
  for (const auto& text : messages(4, kTimes)) {
    Query query;
    query.user_id = "user";
    query.text = text;
    query.top_k = 5;
    auto prepared =
        std::make_shared<const text::PreparedQuery>(text::prepare_query(text, text::builtin_embedder()));
    std::vector<ScoredResult> results(5);
    for (auto& result : results) result.content = text;
    cache.insert(query, cache::query_words(text),
                 cache::answer_of(1, 0, std::move(prepared), std::move(results), 15), now);
    queries.push_back(std::move(query));
  }
  measured::cache_exact_hit(cache, queries, now);
  report("cache_exact_hit", queries.size());
}

void score() {
  std::vector<text::Features> items;
  text::CorpusStats stats;
  const auto& embedder = text::builtin_embedder();
  const auto query = text::prepare_query("what did they say about the river near the old school", embedder);
  stats.document_frequency.assign(query.terms.size(), 10);
  for (const auto& text : messages(5, 1000)) {
    items.push_back(text::extract_features(text, embedder));
    stats.total_length += items.back().terms.size();
  }
  stats.documents = items.size();
  measured::score_1000_items(query, stats, items);
  report("score_1000_items", 1);
}

void add_rounds() {
  const buffer::RoundBufferOptions options;
  buffer::RoundBuffer buffer(options);
  std::vector<buffer::BufferedRound> rounds;
  for (Lsn lsn = 1; lsn <= kTimes; ++lsn) rounds.push_back(buffer::round_of(lsn, 50));
  measured::round_buffer_add(buffer, rounds);
  report("round_buffer_add", kTimes);
}

void run_an_engine() {
  SingleThreadedEngine engine;
  const auto session = engine.add_session("user");
  for (const auto& text : messages(6, kTimes)) engine.add(session, text);
  measured::add_in_process(engine, session, messages(7, kTimes));
  report("add_in_process", kTimes);
  engine.query("user", "to make everything warm");
  measured::query_in_process(engine, "user", messages(8, kTimes));
  report("query_in_process", kTimes);
}

}  // namespace
}  // namespace holdfast::instructions

// With a case's name, only what that case needs.
int main(int arguments, char** values) {
  using namespace holdfast::instructions;
  const std::string_view wanted = arguments > 1 ? values[1] : "";
  const std::pair<std::string_view, void (*)()> cases[] = {{"token_count", count_tokens},
                                                           {"journal_append", append_to_journal},
                                                           {"gate_header", read_headers},
                                                           {"json_add_parse", parse_adds},
                                                           {"json_render_results", render_results},
                                                           {"cache_exact_hit", hit_the_cache},
                                                           {"score_1000_items", score},
                                                           {"round_buffer_add", add_rounds},
                                                           {"add_in_process", run_an_engine},
                                                           {"query_in_process", run_an_engine}};
  for (const auto& [name, run] : cases) {
    if (wanted.empty() || wanted == name) run();
  }
}
