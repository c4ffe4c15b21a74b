// locomo_recall FILE.json…: recall of the evidence turns among the first 5, 10 and 20, for each LoCoMo
// conversation: BM25 alone, vectors alone, and mixed by several weights. Each turn is one message "Speaker:
// text [caption]".
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "holdfast/text/scorer.hpp"

namespace {

using namespace holdfast;
using namespace holdfast::text;
using Json = nlohmann::json;

struct Turn {
  std::string id;
  Features features;
};

std::vector<Turn> read_turns(const Json& conversation) {
  std::vector<Turn> turns;
  for (int session = 1;; ++session) {
    const auto found = conversation.find("session_" + std::to_string(session));
    if (found == conversation.end()) return turns;
    for (const auto& turn : *found) {
      auto text = turn["speaker"].get<std::string>() + ": " + turn["text"].get<std::string>();
      if (turn.contains("blip_caption")) text += " [" + turn["blip_caption"].get<std::string>() + "]";
      turns.push_back({turn["dia_id"], extract_features(text, builtin_embedder())});
    }
  }
}

struct Recall {
  double at5 = 0, at10 = 0, at20 = 0;
};

// Mean share of a question's evidence among the first k; weight < 0: vectors alone.
Recall measure(const std::vector<Turn>& turns, const Json& questions, double weight) {
  Recall sum;
  std::size_t count = 0;
  for (const auto& question : questions) {
    std::vector<std::string> evidence;
    for (const auto& id : question.value("evidence", Json::array())) evidence.push_back(id);
    if (evidence.empty()) continue;
    const auto query = prepare_query(question["question"].get<std::string>(), builtin_embedder());
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
    std::vector<std::pair<double, std::string>> ranked;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      const double keyword = scorer.keyword(frequencies[i], turns[i].features.terms.size());
      const double alike = similarity_to_chunks(query.vector, turns[i].features.vectors);
      ranked.emplace_back(weight < 0 ? -alike : -(weight * keyword + (1 - weight) * alike), turns[i].id);
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto share = [&](std::size_t k) {
      double hits = 0;
      for (std::size_t i = 0; i < std::min(k, ranked.size()); ++i) {
        hits += std::find(evidence.begin(), evidence.end(), ranked[i].second) != evidence.end();
      }
      return hits / static_cast<double>(evidence.size());
    };
    sum.at5 += share(5), sum.at10 += share(10), sum.at20 += share(20);
    ++count;
  }
  const auto n = static_cast<double>(std::max<std::size_t>(1, count));
  return {sum.at5 / n, sum.at10 / n, sum.at20 / n};
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("%-28s %-10s %6s %6s %6s\n", "conversation", "weight", "@5", "@10", "@20");
  for (int i = 1; i < argc; ++i) {
    const auto document = Json::parse(std::ifstream(argv[i]));
    const auto& conversation = document.contains("conversation") ? document["conversation"] : document;
    const auto turns = read_turns(conversation);
    for (const double weight : {1.0, -1.0, 0.9, 0.8, 0.7, 0.6, 0.5}) {
      const auto recall = measure(turns, document["qa"], weight);
      std::printf("%-28s %-10s %6.3f %6.3f %6.3f\n", argv[i],
                  weight < 0    ? "vectors"
                  : weight == 1 ? "BM25"
                                : std::to_string(weight).substr(0, 4).c_str(),
                  recall.at5, recall.at10, recall.at20);
    }
  }
}
