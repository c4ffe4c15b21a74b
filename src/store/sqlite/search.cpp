#include "search.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "item_index.hpp"
#include "schema.hpp"

namespace holdfast::store {
namespace {

using Frequencies = std::vector<std::uint32_t>;
using Matches = std::unordered_map<std::int64_t, Frequencies>;  // by item, of the query's terms

// Items of equal score are ordered by id, which is not known while scoring: so many of them are looked at.
constexpr std::size_t kMostTies = 1000;

struct Scored {
  std::int64_t no = 0;
  double score = 0, keyword = 0, similarity = 0;
};

class Search {
 public:
  Search(Connection& connection, const StoreQuery& query) : connection_(connection), query_(query) {}

  StoreAnswer run() {
    StoreAnswer answer;
    answer.stats = query_.other_sources;
    auto user = connection_.prepare("SELECT no, documents, total_length FROM users WHERE id = ?");
    user.bind(query_.user_id);
    if (!user.step()) return answer;
    user_no_ = user.integer(0);
    text::CorpusStats own;
    own.documents = static_cast<std::uint64_t>(user.integer(1));
    own.total_length = static_cast<std::uint64_t>(user.integer(2));
    own.document_frequency = count_terms();
    answer.stats += own;
    if (query_.source == SourceFilter::graph || query_.limit == 0) return answer;
    find_sessions_of_agent();
    const text::Scorer scorer(query_.query, answer.stats, query_.source);
    query_.source == SourceFilter::keyword ? score_matches(scorer) : score_all(scorer);
    keep_best();
    for (const auto& item : scored_) read_result(item, answer.results);
    sort_and_cut(answer.results);
    return answer;
  }

 private:
  // Fills matches_; answers how many items hold each term.
  std::vector<std::uint64_t> count_terms() {
    const auto& terms = query_.query.terms;
    std::vector<std::uint64_t> document_frequency(terms.size());
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const auto term = user_terms(user_no_, {terms[i]});
      auto instances = connection_.prepare("SELECT doc FROM instances WHERE term = ?");
      instances.bind(term);
      while (instances.step()) {
        auto& frequencies = matches_[instances.integer(0)];
        if (frequencies.empty()) frequencies.resize(terms.size());
        if (frequencies[i]++ == 0) ++document_frequency[i];
      }
    }
    return document_frequency;
  }

  void find_sessions_of_agent() {
    if (!query_.agent_id) return;
    auto sessions = connection_.prepare("SELECT no FROM sessions WHERE user_no = ? AND agent_id = ?");
    sessions.bind(user_no_).bind(*query_.agent_id);
    while (sessions.step()) agent_sessions_.insert(sessions.integer(0));
  }

  bool wanted(std::int64_t kind, bool in_session, std::int64_t session_no) const {
    if (kind == kMessageKind ? !query_.include_messages : !query_.include_knowledge) return false;
    return !query_.agent_id || (in_session && agent_sessions_.contains(session_no));
  }

  void consider(const text::Scorer& scorer, std::int64_t no, std::uint64_t length,
                std::span<const std::int8_t> vectors) {
    static const Frequencies kNone;
    const auto match = matches_.find(no);
    Scored item{no, 0, 0, 0};
    item.keyword = scorer.keyword(match == matches_.end() ? kNone : match->second, length);
    item.similarity = text::similarity_to_chunks(query_.query.vector, vectors);
    if (!scorer.is_result(item.keyword, item.similarity)) return;
    item.score = scorer.combine(item.keyword, item.similarity);
    scored_.push_back(item);
  }

  void score_row(const text::Scorer& scorer, const Statement& row) {
    if (!wanted(row.integer(1), !row.is_null(2), row.integer(2))) return;
    consider(scorer, row.integer(0), static_cast<std::uint64_t>(row.integer(3)), row.blob(4));
  }

  void score_all(const text::Scorer& scorer) {
    auto rows =
        connection_.prepare("SELECT no, kind, session_no, length, vector FROM vectors WHERE user_no = ?");
    rows.bind(user_no_);
    while (rows.step()) score_row(scorer, rows);
  }

  void score_matches(const text::Scorer& scorer) {
    for (const auto& [no, frequencies] : matches_) {
      auto row = connection_.prepare(
          "SELECT no, kind, session_no, length, vector FROM vectors WHERE user_no = ? AND no = ?");
      row.bind(user_no_).bind(no);
      if (row.step()) score_row(scorer, row);
    }
  }

  void keep_best() {
    const auto better = [](const Scored& a, const Scored& b) { return a.score > b.score; };
    if (scored_.size() <= query_.limit) return;
    const auto most = std::min(scored_.size(), query_.limit + kMostTies);
    std::partial_sort(scored_.begin(), scored_.begin() + static_cast<std::ptrdiff_t>(most), scored_.end(),
                      better);
    auto kept = query_.limit;
    while (kept < most && scored_[kept].score == scored_[query_.limit - 1].score) ++kept;
    scored_.resize(kept);
  }

  void read_result(const Scored& item, std::vector<ScoredResult>& results) {
    auto row = connection_.prepare(
        "SELECT i.kind, i.id, i.content, i.role, i.created_at, i.updated_at, s.agent_id, s.id, s.name "
        "FROM items i LEFT JOIN sessions s ON s.no = i.session_no WHERE i.no = ?");
    row.bind(item.no);
    if (!row.step()) return;
    ScoredResult result;
    result.type = row.integer(0) == kMessageKind ? ItemType::message : ItemType::knowledge;
    result.id = row.text(1);
    result.content = row.text(2);
    if (result.type == ItemType::message) result.role = static_cast<Role>(row.integer(3));
    result.created_at = row.time(4);
    result.updated_at = row.time(5);
    result.user_id = query_.user_id;
    result.agent_id = row.text(6);
    result.session_id = row.text(7);
    result.session_name = row.text(8);
    result.source = "store";
    result.score = item.score;
    result.keyword = item.keyword;
    result.similarity = item.similarity;
    results.push_back(std::move(result));
  }

  void sort_and_cut(std::vector<ScoredResult>& results) const {
    std::sort(results.begin(), results.end(), [](const ScoredResult& a, const ScoredResult& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    if (results.size() > query_.limit) results.resize(query_.limit);
  }

  Connection& connection_;
  const StoreQuery& query_;
  std::int64_t user_no_ = 0;
  Matches matches_;
  std::unordered_set<std::int64_t> agent_sessions_;
  std::vector<Scored> scored_;
};

}  // namespace

StoreAnswer search_items(Connection& connection, const StoreQuery& query) {
  Transaction transaction(connection, Transaction::Kind::read);
  return Search(connection, query).run();
}

}  // namespace holdfast::store
