// locomo_recall [FOLDER]: how much of a question's evidence is among the first 5, 10 and 20 results, for each
// LoCoMo conversation of the folder (../shared/data/locomo when absent) and on average: BM25 alone, vectors
// alone, both without the turns before, the scorer as it is, and the last with the vectors of
// windows instead (chunk_strategy: contextual). Each turn is one message "Speaker: text
// [caption]"; every question that names evidence counts.
//
// Then leave-one-out: the constants that are best on the other conversations, on the one left out. That is
// what to expect of constants chosen here on conversations that are not here.
//
// Last the speculative buffer: each question is taken to be asked right after the session of its evidence,
// and each of that session's last five turns, and all five together, is a prediction of it. How often is one
// as similar as prediction_threshold asks, and how often would its results have served the question?
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "holdfast/query/speculation.hpp"
#include "holdfast/text/scorer.hpp"

namespace {

using namespace holdfast;
using namespace holdfast::text;
using Json = nlohmann::json;

struct Turn {
  std::string id;
  int session;
  std::string text;
  Features features;
};

struct Parts {  // of one turn's score
  OwnParts own;
  PartsBefore before;
  double window;            // similarity of the turn with those before
  double score;             // as the scorer joins them
  double contextual_score;  // likewise, with windows
};

struct Question {
  std::vector<std::size_t> evidence;  // turns
  double evidence_count;              // more when some of it is no turn of the conversation
  std::vector<Parts> turns;
};

// Over the predictions of one question.
struct Speculation {
  double similarity = 0;    // of the most similar one
  double overlap = 0;       // of its first 10 results with the question's
  double best_overlap = 0;  // of the one that would have served best
};

struct Conversation {
  std::string name;
  std::vector<Question> questions;
  std::vector<Speculation> speculations;
};

std::vector<Turn> read_turns(const Json& conversation) {
  std::vector<Turn> turns;
  for (int session = 1;; ++session) {
    const auto found = conversation.find("session_" + std::to_string(session));
    if (found == conversation.end()) return turns;
    for (const auto& turn : *found) {
      auto text = turn["speaker"].get<std::string>() + ": " + turn["text"].get<std::string>();
      if (turn.contains("blip_caption")) text += " [" + turn["blip_caption"].get<std::string>() + "]";
      turns.push_back({turn["dia_id"], session, text, extract_features(text, builtin_embedder())});
    }
  }
}

std::vector<Parts> score_turns(const std::vector<Turn>& turns, const PreparedQuery& query) {
  CorpusStats stats{0, 0, std::vector<std::uint64_t>(query.terms.size())};
  std::vector<std::vector<std::uint32_t>> frequencies;
  for (const auto& turn : turns) {
    frequencies.push_back(term_frequencies(query, turn.features.terms));
    ++stats.documents;
    stats.total_length += turn.features.terms.size();
    for (std::size_t i = 0; i < query.terms.size(); ++i)
      stats.document_frequency[i] += frequencies.back()[i] > 0;
  }
  const Scorer scorer(query, stats, SourceFilter::all);
  const Scorer contextual(query, stats, SourceFilter::all, ChunkStrategy::contextual);
  const auto score = [](const Scorer& by, const JoinedParts& joined) {
    return by.combine(joined.keyword, joined.similarity);
  };
  std::vector<Parts> parts;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    Parts part{{scorer.keyword(frequencies[i], turns[i].features.terms.size()), std::nullopt}, {}, 0, 0, 0};
    for (std::size_t d = 1; d <= part.before.size() && d <= i; ++d) {
      if (turns[i - d].session == turns[i].session) part.before[d - 1] = parts[i - d].own;
    }
    part.own.similarity = similarity_to_chunks(query.vector, turns[i].features.vectors);
    const auto in_window = contextual.in_context(part.own, part.before);
    part.window = in_window.similarity;
    part.score = score(scorer, scorer.in_context(part.own, part.before));
    part.contextual_score = score(contextual, in_window);
    parts.push_back(part);
  }
  return parts;
}

std::vector<std::size_t> first_ten(const std::vector<Parts>& parts) {
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0);
  const auto kept = std::min<std::size_t>(10, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](std::size_t a, std::size_t b) { return parts[a].score > parts[b].score; });
  order.resize(kept);
  std::sort(order.begin(), order.end());
  return order;
}

// What is predicted at the end of a session.
struct Prediction {
  Embedding vector;
  std::vector<std::size_t> results;
};

std::vector<Prediction> predictions_after(const std::vector<Turn>& turns, int session) {
  constexpr std::size_t kContextWindow = 5;
  std::vector<std::string> texts;
  for (auto turn = turns.rbegin(); turn != turns.rend() && texts.size() < kContextWindow; ++turn) {
    if (turn->session == session) texts.push_back(turn->text);
  }
  std::vector<Prediction> predictions;
  for (const auto& text : query::predicted_queries(texts)) {
    const auto query = prepare_query(text, builtin_embedder());
    predictions.push_back({query.vector, first_ten(score_turns(turns, query))});
  }
  return predictions;
}

Speculation speculate(const std::vector<Prediction>& predictions, const Embedding& asked,
                      const std::vector<std::size_t>& wanted) {
  Speculation speculation;
  for (const auto& prediction : predictions) {
    std::vector<std::size_t> common;
    std::set_intersection(prediction.results.begin(), prediction.results.end(), wanted.begin(), wanted.end(),
                          std::back_inserter(common));
    const double overlap = static_cast<double>(common.size()) / static_cast<double>(wanted.size());
    const double alike = similarity(asked, prediction.vector);
    if (alike > speculation.similarity) speculation.similarity = alike, speculation.overlap = overlap;
    speculation.best_overlap = std::max(speculation.best_overlap, overlap);
  }
  return speculation;
}

Conversation read_conversation(const std::filesystem::path& path) {
  const auto document = Json::parse(std::ifstream(path));
  const auto turns = read_turns(document.contains("conversation") ? document["conversation"] : document);
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < turns.size(); ++i) numbers[turns[i].id] = i;
  Conversation conversation{path.stem().string(), {}, {}};
  std::map<int, std::vector<Prediction>> predictions;  // by session
  for (const auto& asked : document["qa"]) {
    const auto evidence = asked.value("evidence", std::vector<std::string>{});
    if (evidence.empty()) continue;
    Question question{{}, static_cast<double>(evidence.size()), {}};
    for (const auto& id : evidence) {
      if (const auto found = numbers.find(id); found != numbers.end())
        question.evidence.push_back(found->second);
    }
    const auto query = prepare_query(asked["question"].get<std::string>(), builtin_embedder());
    question.turns = score_turns(turns, query);
    if (!question.evidence.empty()) {
      const auto session = turns[question.evidence.back()].session;
      auto& predicted = predictions[session];
      if (predicted.empty()) predicted = predictions_after(turns, session);
      conversation.speculations.push_back(speculate(predicted, query.vector, first_ten(question.turns)));
    }
    conversation.questions.push_back(std::move(question));
  }
  return conversation;
}

constexpr std::array<std::size_t, 3> kDepths{5, 10, 20};
using Recall = std::array<double, kDepths.size()>;

template <class Score>
Recall measure(const Conversation& conversation, Score score) {
  Recall recall{};
  for (const auto& question : conversation.questions) {
    std::vector<std::pair<double, std::size_t>> ranked;
    for (std::size_t i = 0; i < question.turns.size(); ++i) ranked.emplace_back(-score(question.turns[i]), i);
    const auto looked_at = std::min(kDepths.back(), ranked.size());
    std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(looked_at), ranked.end());
    for (std::size_t i = 0; i < looked_at; ++i) {
      if (std::find(question.evidence.begin(), question.evidence.end(), ranked[i].second) ==
          question.evidence.end())
        continue;
      for (std::size_t k = 0; k < kDepths.size(); ++k)
        recall[k] += i < kDepths[k] ? 1 / question.evidence_count : 0;
    }
  }
  for (double& share : recall) share /= static_cast<double>(conversation.questions.size());
  return recall;
}

template <class Score>
void print_row(const char* name, const std::vector<Conversation>& conversations, Score score) {
  std::printf("%-26s", name);
  Recall mean{};
  for (const auto& conversation : conversations) {
    const auto recall = measure(conversation, score);
    std::printf("  %.3f/%.3f/%.3f", recall[0], recall[1], recall[2]);
    for (std::size_t k = 0; k < mean.size(); ++k)
      mean[k] += recall[k] / static_cast<double>(conversations.size());
  }
  std::printf("  %.3f/%.3f/%.3f\n", mean[0], mean[1], mean[2]);
}

struct Constants {
  double keyword_weight, one_before, two_before;

  double operator()(const Parts& parts) const {
    const double missing = (1 - parts.own.keyword) * (1 - one_before * parts.before[0].keyword) *
                           (1 - two_before * parts.before[1].keyword);
    return keyword_weight * (1 - missing) + (1 - keyword_weight) * *parts.own.similarity;
  }
};

std::vector<Constants> candidates() {
  std::vector<Constants> all;
  for (const double keyword_weight : {0.6, 0.7, 0.75, 0.8, 0.85, 0.9}) {
    for (const double one_before : {0.0, 0.3, 0.4, 0.5, 0.6, 0.7}) {
      for (const double share : {0.0, 0.5, 0.75})
        all.push_back({keyword_weight, one_before, one_before * share});
    }
  }
  return all;
}

void leave_one_out(const std::vector<Conversation>& conversations) {
  const auto all = candidates();
  std::vector<std::vector<double>> recall_at_10;  // by candidate, by conversation
  for (const auto& constants : all) {
    auto& row = recall_at_10.emplace_back();
    for (const auto& conversation : conversations) row.push_back(measure(conversation, constants)[1]);
  }
  double mean = 0;
  std::printf("\nleft out  chosen on the others (keyword weight, one before, two before)  recall@10\n");
  for (std::size_t out = 0; out < conversations.size(); ++out) {
    const auto of_others = [&](const std::vector<double>& row) {
      double sum = -row[out];
      for (const double x : row) sum += x;
      return sum;
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < all.size(); ++i)
      if (of_others(recall_at_10[i]) > of_others(recall_at_10[best])) best = i;
    std::printf("%-9s %.2f  %.2f  %.3f  %46.3f\n", conversations[out].name.c_str(), all[best].keyword_weight,
                all[best].one_before, all[best].two_before, recall_at_10[best][out]);
    mean += recall_at_10[best][out] / static_cast<double>(conversations.size());
  }
  std::printf("mean %69.3f\n", mean);
}

void print_speculation(const std::vector<Conversation>& conversations) {
  constexpr double kThreshold = 0.7;  // prediction_threshold
  std::printf(
      "\nspeculation  questions  similarity >= 0.7  of these overlap@10 >= 0.8  any prediction would do\n");
  for (const auto& conversation : conversations) {
    std::size_t similar = 0, served = 0, possible = 0;
    for (const auto& one : conversation.speculations) {
      similar += one.similarity >= kThreshold;
      served += one.similarity >= kThreshold && one.overlap >= 0.8;
      possible += one.best_overlap >= 0.8;
    }
    std::printf("%-11s  %9zu  %17zu  %26zu  %23zu\n", conversation.name.c_str(),
                conversation.speculations.size(), similar, served, possible);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "../shared/data/locomo";
  std::vector<std::filesystem::path> files;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  if (files.empty()) {
    std::printf("SKIPPED: no conversations in %s\n", folder.c_str());
    return 0;
  }
  std::sort(files.begin(), files.end());
  std::vector<Conversation> conversations;
  for (const auto& file : files) conversations.push_back(read_conversation(file));
  std::printf("%-26s", "recall@5/@10/@20");
  for (const auto& conversation : conversations) std::printf("  %-17s", conversation.name.c_str());
  std::printf("  mean\n");
  print_row("BM25 alone", conversations, [](const Parts& parts) { return parts.own.keyword; });
  print_row("vectors alone", conversations, [](const Parts& parts) { return *parts.own.similarity; });
  print_row("vectors alone, contextual", conversations, [](const Parts& parts) { return parts.window; });
  print_row("hybrid, no turns before", conversations, Constants{kKeywordWeight, 0, 0});
  print_row("hybrid", conversations, [](const Parts& parts) { return parts.score; });
  print_row("hybrid, contextual", conversations, [](const Parts& parts) { return parts.contextual_score; });
  leave_one_out(conversations);
  print_speculation(conversations);
}
