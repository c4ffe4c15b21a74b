#include "search.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "item_index.hpp"
#include "schema.hpp"

namespace holdfast::store {
namespace {

struct Posting {
  std::int64_t no = 0;  // of the item
  std::uint32_t frequency = 0;
};

// The items that hold one of the query's terms, by no, read from front to back.
struct Postings {
  std::vector<Posting> all;
  std::size_t at = 0;

  // How often the item holds the term; asked for items in ascending order.
  std::uint32_t frequency_in(std::int64_t no) {
    while (at < all.size() && all[at].no < no) ++at;
    return at < all.size() && all[at].no == no ? all[at].frequency : 0;
  }
};

// Items of equal score are ordered by id, which is not known while scoring: so many of them are looked at.
constexpr std::size_t kMostTies = 1000;

struct Scored {
  std::int64_t no = 0;
  std::int64_t session_no = 0;  // 0: none
  std::uint64_t seq = 0;
  text::OwnParts own;
  text::JoinedParts joined;
  double score = 0;
};

// Of messages by themselves; empty ones where none are set.
class PartsByPlace {
 public:
  void reserve(std::size_t messages) { parts_.reserve(messages); }
  void set(std::int64_t session_no, std::uint64_t seq, const text::OwnParts& parts) {
    parts_[{session_no, seq}] = parts;
  }
  bool contains(std::int64_t session_no, std::uint64_t seq) const {
    return parts_.contains({session_no, seq});
  }
  text::OwnParts at(std::int64_t session_no, std::uint64_t seq) const {
    const auto known = parts_.find({session_no, seq});
    return known == parts_.end() ? text::OwnParts{} : known->second;
  }

 private:
  using Place = std::pair<std::int64_t, std::uint64_t>;
  struct Hash {
    std::size_t operator()(const Place& place) const {
      return static_cast<std::size_t>(place.first) * 0x9E3779B97F4A7C15u + place.second;
    }
  };
  std::unordered_map<Place, text::OwnParts, Hash> parts_;
};

class Search {
 public:
  Search(Connection& connection, ItemCache& cache, const StoreQuery& query)
      : connection_(connection), cache_(cache), query_(query) {}

  StoreAnswer run() {
    StoreAnswer answer;
    answer.stats = query_.other_sources;
    query_.frozen.put_over(answer.stats);
    auto user =
        connection_.prepare("SELECT no, documents, total_length, index_changes FROM users WHERE id = ?");
    user.bind(query_.user_id);
    if (!user.step()) return answer;
    user_no_ = user.integer(0);
    text::CorpusStats own;
    own.documents = static_cast<std::uint64_t>(user.integer(1));
    own.total_length = static_cast<std::uint64_t>(user.integer(2));
    if (!query_.only) own.document_frequency = count_terms();
    answer.stats = query_.other_sources;
    answer.stats += own;
    query_.frozen.put_over(answer.stats);
    if (query_.source == SourceFilter::graph || query_.limit == 0) return answer;
    find_sessions_of_agent();
    const text::Scorer scorer(query_.query, answer.stats, query_.source, query_.chunks);
    if (query_.only) {
      consider_some(scorer);
    } else {
      if (query_.chunks == text::ChunkStrategy::contextual) parts_.reserve(own.documents);
      cache_.for_each_segment(connection_, user_no_, user.integer(3),
                              [&](const ItemSegment& segment, std::span<const IndexedItem> items) {
                                for (const auto& item : items) consider(scorer, segment, item);
                              });
    }
    put_buffered_in_place(scorer, answer);
    score_all(scorer);
    keep_best();
    for (const auto& item : scored_) read_result(item, answer.results);
    sort_and_cut(answer.results);
    return answer;
  }

 private:
  // Fills postings_; answers how many items hold each term.
  std::vector<std::uint64_t> count_terms() {
    std::vector<std::uint64_t> document_frequency;
    for (const auto& term : query_.query.terms) {
      auto& postings = postings_.emplace_back();
      const auto of_user = user_term(user_no_, term);
      auto instances = connection_.prepare("SELECT doc FROM instances WHERE term = ?");
      instances.bind(of_user);
      while (instances.step()) {  // in the order of items, as a term's list lies in the index
        const auto no = instances.integer(0);
        if (postings.all.empty() || postings.all.back().no != no) postings.all.push_back({no, 0});
        ++postings.all.back().frequency;
      }
      document_frequency.push_back(postings.all.size());
    }
    frequencies_.resize(postings_.size());
    return document_frequency;
  }

  void find_sessions_of_agent() {
    if (!query_.agent_id) return;
    auto sessions = connection_.prepare("SELECT no FROM sessions WHERE user_no = ? AND agent_id = ?");
    sessions.bind(user_no_).bind(*query_.agent_id);
    while (sessions.step()) agent_sessions_.insert(sessions.integer(0));
  }

  bool wanted(const IndexedItem& item) const {
    if (item.kind == kMessageKind ? !query_.include_messages : !query_.include_knowledge) return false;
    return !query_.agent_id || agent_sessions_.contains(item.session_no);
  }

  void consider(const text::Scorer& scorer, const ItemSegment& segment, const IndexedItem& item) {
    for (std::size_t i = 0; i < postings_.size(); ++i) frequencies_[i] = postings_[i].frequency_in(item.no);
    consider(scorer, item, segment.vectors_of(item));
  }

  // Of the item whose frequencies_ are set.
  void consider(const text::Scorer& scorer, const IndexedItem& item, std::span<const std::int8_t> vectors) {
    const bool matches = matches_query();
    if (!wanted(item) || (!matches && query_.source == SourceFilter::keyword)) return;
    const auto own = own_parts(scorer, item, vectors);
    // The others' add nothing to those after them.
    const bool counts = matches || query_.chunks == text::ChunkStrategy::contextual;
    if (item.session_no != 0 && counts) parts_.set(item.session_no, item.seq, own);
    scored_.push_back({item.no, item.session_no, item.seq, own, {}, 0});
  }

  bool matches_query() const {
    return std::any_of(frequencies_.begin(), frequencies_.end(), [](std::uint32_t n) { return n > 0; });
  }

  // Of the item whose frequencies_ are set.
  text::OwnParts own_parts(const text::Scorer& scorer, const IndexedItem& item,
                           std::span<const std::int8_t> vectors) const {
    text::OwnParts own;
    if (matches_query()) own.keyword = scorer.keyword(frequencies_, item.length);
    if (!vectors.empty()) own.similarity = text::similarity_to_chunks(query_.query.vector, vectors);
    return own;
  }

  // The items of `only`, with the parts of the messages before them and of those the borders want.
  // The posting lists may be long: the items' own texts say how often they hold the query's terms.
  void consider_some(const text::Scorer& scorer) {
    for (const auto& id : *query_.only) {
      auto row = connection_.prepare(
          "SELECT v.no, v.kind, v.session_no, v.seq, v.length, i.content, v.vector FROM items i JOIN vectors "
          "v "
          "ON v.user_no = i.user_no AND v.no = i.no WHERE i.user_no = ? AND i.kind IN (?, ?) AND i.id = ?");
      row.bind(user_no_).bind(kMessageKind).bind(kKnowledgeKind).bind(id);
      while (row.step()) {
        const auto item = read_indexed_item(row);
        frequencies_ = text::term_frequencies(query_.query, text::analyze(row.text(5)));
        if (item.session_no != 0) parts_.set(item.session_no, item.seq, {});  // need not be read again
        consider(scorer, item, row.blob(6));
      }
    }
    for (const auto& item : scored_) {
      if (item.session_no == 0) continue;
      for (std::uint64_t d = 1; d <= text::kContextWeights.size() && d < item.seq; ++d)
        read_part(scorer, item.session_no, item.seq - d);
    }
    for (const auto& border : query_.borders) {
      const auto no = session_no(border.session_id);
      for (const auto seq : border.wanted) {
        if (no) read_part(scorer, *no, seq);
      }
    }
  }

  void read_part(const text::Scorer& scorer, std::int64_t session_no, std::uint64_t seq) {
    if (parts_.contains(session_no, seq)) return;
    parts_.set(session_no, seq, {});
    auto row = connection_.prepare(
        "SELECT v.no, v.kind, v.session_no, v.seq, v.length, i.content, v.vector FROM items i JOIN vectors v "
        "ON v.user_no = i.user_no AND v.no = i.no WHERE i.session_no = ? AND i.seq = ?");
    row.bind(session_no).bind(static_cast<std::int64_t>(seq));
    if (!row.step()) return;
    frequencies_ = text::term_frequencies(query_.query, text::analyze(row.text(5)));
    parts_.set(session_no, seq, own_parts(scorer, read_indexed_item(row), row.blob(6)));
  }

  std::optional<std::int64_t> session_no(const std::string& id) {
    auto session = connection_.prepare("SELECT no FROM sessions WHERE user_no = ? AND id = ?");
    session.bind(user_no_).bind(id);
    if (!session.step()) return std::nullopt;
    return session.integer(0);
  }

  // Tells the answer what it wants of the store's messages, then lets the buffers' count instead of them.
  void put_buffered_in_place(const text::Scorer& scorer, StoreAnswer& answer) {
    for (const auto& id : query_.erased) {
      auto row =
          connection_.prepare("SELECT session_no, seq FROM items WHERE user_no = ? AND kind = ? AND id = ?");
      row.bind(user_no_).bind(kMessageKind).bind(id);
      if (row.step()) parts_.set(row.integer(0), static_cast<std::uint64_t>(row.integer(1)), {});
    }
    for (const auto& border : query_.borders) {
      auto& wanted = answer.wanted.emplace_back(border.wanted.size());
      const auto no = session_no(border.session_id);
      if (!no) continue;
      for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = parts_.at(*no, border.wanted[i]);
      for (const auto& message : border.buffered)
        parts_.set(*no, message.seq,
                   {scorer.keyword(message.frequencies, message.length), message.similarity});
    }
  }

  // What is no result is left out.
  void score_all(const text::Scorer& scorer) {
    std::erase_if(scored_, [&](Scored& item) {
      text::PartsBefore before;
      if (item.session_no != 0) {
        for (std::size_t i = 0; i < before.size() && i + 1 < item.seq; ++i)
          before[i] = parts_.at(item.session_no, item.seq - i - 1);
      }
      const auto& joined = item.joined = scorer.in_context(item.own, before);
      item.score = scorer.combine(joined.keyword, joined.similarity);
      return !scorer.is_result(joined.keyword, joined.similarity);
    });
  }

  void keep_best() {
    const auto better = [](const Scored& a, const Scored& b) { return a.score > b.score; };
    if (scored_.size() <= query_.limit) return;
    const auto most = std::min(scored_.size(), query_.limit + kMostTies);
    const auto end = scored_.begin() + static_cast<std::ptrdiff_t>(most);
    std::nth_element(scored_.begin(), end - 1, scored_.end(), better);
    std::sort(scored_.begin(), end, better);
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
    result.keyword = item.joined.keyword;
    result.similarity = item.joined.similarity;
    results.push_back(std::move(result));
  }

  void sort_and_cut(std::vector<ScoredResult>& results) const {
    std::sort(results.begin(), results.end(), [](const ScoredResult& a, const ScoredResult& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    if (results.size() > query_.limit) results.resize(query_.limit);
  }

  Connection& connection_;
  ItemCache& cache_;
  const StoreQuery& query_;
  std::int64_t user_no_ = 0;
  std::vector<Postings> postings_;          // of each of the query's terms
  std::vector<std::uint32_t> frequencies_;  // of the same, in the item that is being scored
  PartsByPlace parts_;
  std::unordered_set<std::int64_t> agent_sessions_;
  std::vector<Scored> scored_;
};

}  // namespace

StoreAnswer search_items(Connection& connection, ItemCache& cache, const StoreQuery& query) {
  Transaction transaction(connection, Transaction::Kind::read);
  return Search(connection, cache, query).run();
}

}  // namespace holdfast::store
