#include "holdfast/cache/query_words.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <unordered_set>

#include "holdfast/text/features.hpp"
#include "holdfast/text/words.hpp"

namespace holdfast::cache {
namespace {

using Words = std::vector<std::string>;

// Words with an opposite, or that limit or turn round what is said. One of a pair is enough where the other
// is common and says little ("off", not "on").
constexpr std::string_view kPolarity =
    "no not never none nobody nothing nowhere neither nor without cannot except excluding unless hardly "
    "barely rarely seldom lack lacking instead only but dont doesnt didnt isnt arent wasnt werent cant "
    "couldnt wont wouldnt shouldnt hasnt havent hadnt aint more less most least fewer fewest better "
    "worse best worst higher lower highest lowest bigger smaller biggest smallest larger largest longer "
    "shorter longest shortest older younger oldest youngest newer newest earlier later earliest latest "
    "sooner faster slower fastest slowest cheaper cheapest first last next previous final all any every "
    "each some both either always sometimes often usually ever same different other another before after "
    "until since during above below over under up down out off into onto away between against from "
    "toward behind ahead inside outside will would should could can must may might like love hate enjoy "
    "prefer dislike good bad great terrible big small large little high low long short hot cold warm "
    "cool fast slow old new young early late open close start stop begin end finish continue quit buy "
    "sell win lose accept reject refuse agree disagree increase decrease rise fall gain grow shrink "
    "happy sad married divorced single alive dead born die succeed fail possible impossible minimum "
    "maximum cheap expensive include exclude allow forbid ban permit remember forget arrive leave give "
    "take receive send push pull lend borrow true false yes right wrong left north south east west "
    "morning afternoon evening night today yesterday tomorrow monday tuesday wednesday thursday friday "
    "saturday sunday january february march april june july august september october november december "
    "spring summer autumn winter strong weak rich poor safe dangerous easy hard difficult public private "
    "male female man woman boy girl mother father brother sister son daughter husband wife uncle aunt "
    "friend enemy positive negative support oppose fear join add remove keep drop teach learn ask answer "
    "cause prevent success failure profit loss top bottom front back";

constexpr std::string_view kPronouns =
    "i me my mine myself you your yours yourself he him his himself she her hers herself it its they them "
    "their "
    "theirs we us our ours";

constexpr std::string_view kNumberWords =
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
    "million "
    "billion dozen half quarter once twice thrice second third fourth fifth sixth seventh eighth ninth tenth "
    "pair "
    "double triple";

constexpr std::string_view kQuestions = "who when where why how what whose";

// A capital on these at the beginning of a text means nothing; nor on stop words.
constexpr std::string_view kRequests =
    "list show find give describe explain name summarize summarise compare search look recall mention tell "
    "let "
    "provide identify";

constexpr std::string_view kCommonEnglish =
    "the what who when where why how which did does are of is was were to and";

// Before and after the question itself; the longest that fits is taken off.
constexpr std::array<std::string_view, 16> kPolite{"could you please tell me",
                                                   "can you please tell me",
                                                   "could you tell me",
                                                   "can you tell me",
                                                   "would you tell me",
                                                   "i would like to know",
                                                   "i want to know",
                                                   "do you remember",
                                                   "do you know",
                                                   "please tell me",
                                                   "thank you",
                                                   "remind me",
                                                   "tell me",
                                                   "please",
                                                   "thanks",
                                                   "hey"};

struct Rewording {
  std::string_view from, to;
};
constexpr std::array<Rewording, 17> kQuestionRewordings{{{"at what time", "when"},
                                                         {"at which time", "when"},
                                                         {"on what date", "when"},
                                                         {"on which date", "when"},
                                                         {"what time", "when"},
                                                         {"which time", "when"},
                                                         {"what date", "when"},
                                                         {"which date", "when"},
                                                         {"in what place", "where"},
                                                         {"in which place", "where"},
                                                         {"what place", "where"},
                                                         {"which place", "where"},
                                                         {"how come", "why"},
                                                         {"for what reason", "why"},
                                                         {"which person", "who"},
                                                         {"whom", "who"},
                                                         {"which", "what"}}};

Words split(std::string_view list) {
  Words words;
  for (auto& word : text::split_words(list)) words.push_back(std::move(word.text));
  return words;
}

std::unordered_set<std::string> set_of(std::string_view list) {
  auto words = split(list);
  return {words.begin(), words.end()};
}

std::string stem_of(const std::string& word) {
  const auto terms = text::analyze(word);
  return terms.size() == 1 ? terms.joined() : word;
}

struct Lists {
  std::unordered_set<std::string> polarity, pronouns = set_of(kPronouns), numbers = set_of(kNumberWords),
                                            questions = set_of(kQuestions), english = set_of(kCommonEnglish),
                                            requests = set_of(kRequests);
  std::vector<Words> polite;
  std::vector<std::pair<Words, std::string>> rewordings;

  Lists() {
    for (const auto& word : split(kPolarity)) polarity.insert(stem_of(word));
    for (const auto phrase : kPolite) polite.push_back(split(phrase));
    for (const auto& [from, to] : kQuestionRewordings) rewordings.emplace_back(split(from), to);
  }
};

const Lists& lists() {
  static const Lists lists;
  return lists;
}

// words[at…] begins with phrase.
bool is_at(std::span<const text::Word> words, std::size_t at, const Words& phrase) {
  if (words.size() < at + phrase.size()) return false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (words[at + i].text != phrase[i]) return false;
  }
  return true;
}

void strip_polite(std::vector<text::Word>& words) {
  const auto strip_one = [&] {
    for (const auto& phrase : lists().polite) {
      const auto length = static_cast<std::ptrdiff_t>(phrase.size());
      if (is_at(words, 0, phrase)) {
        words.erase(words.begin(), words.begin() + length);
        return true;
      }
      if (words.size() > phrase.size() && is_at(words, words.size() - phrase.size(), phrase)) {
        words.erase(words.end() - length, words.end());
        return true;
      }
    }
    return false;
  };
  while (strip_one()) {
  }
}

void reword_questions(std::vector<text::Word>& words) {
  for (std::size_t at = 0; at < words.size(); ++at) {
    for (const auto& [from, to] : lists().rewordings) {
      if (!is_at(words, at, from)) continue;
      words[at] = {to, false};
      const auto first = words.begin() + static_cast<std::ptrdiff_t>(at) + 1;
      words.erase(first, first + static_cast<std::ptrdiff_t>(from.size()) - 1);
      break;
    }
  }
}

bool has_digit(const std::string& word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "unhappy", "dislike", "nonfiction": the prefix turns the word round.
bool is_reversed(const std::string& word) {
  return word.size() > 5 && (word.starts_with("un") || word.starts_with("dis") || word.starts_with("non"));
}

// The t of "don't".
bool is_contracted_not(const std::string& word, const std::string* before) {
  return word == "t" && before && before->ends_with('n');
}

// The other's capitals may be missing, or all letters capitals: both are searched for the names of either.
Words in_order(const QueryWords& query, const std::set<std::string>& names) {
  Words found;
  for (const auto& word : query.words) {
    if (names.contains(word)) found.push_back(word);
  }
  return found;
}

}  // namespace

QueryWords query_words(std::string_view text) {
  auto words = text::split_words(text);
  const bool all_capitalised =
      std::all_of(words.begin(), words.end(), [](const text::Word& word) { return word.capitalised; });
  strip_polite(words);
  reword_questions(words);
  QueryWords query;
  Words asked;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i].text;
    const auto& known = lists();
    if (known.questions.contains(word)) {
      asked.push_back(word);
    } else if (is_contracted_not(word, i > 0 ? &words[i - 1].text : nullptr)) {
      query.deciding.push_back("not");
    } else if (known.polarity.contains(stem_of(word))) {
      query.deciding.push_back(stem_of(word));
    } else if (has_digit(word) || known.pronouns.contains(word) || known.numbers.contains(word) ||
               is_reversed(word)) {
      query.deciding.push_back(word);
    }
    query.english = query.english || known.english.contains(word);
    const bool only_begins = i == 0 && (known.requests.contains(word) || text::is_stop_word(word));
    if (words[i].capitalised && !all_capitalised && !only_begins) query.names.push_back(word);
    query.words.push_back(word);
  }
  std::sort(asked.begin(), asked.end());
  query.deciding.insert(query.deciding.end(), asked.begin(), asked.end());
  const auto terms = text::analyze(text);
  std::vector<std::string_view> stems(terms.begin(), terms.end());
  std::sort(stems.begin(), stems.end());
  for (const auto stem : stems) query.stems.append(stem).append(" ");
  return query;
}

bool may_share_answer(const QueryWords& a, const QueryWords& b, bool same_content) {
  if (a.words.size() < 2 || b.words.size() < 2) return false;
  if (a.deciding != b.deciding) return false;
  if ((same_content || !a.english || !b.english) && a.stems != b.stems) return false;
  std::set<std::string> names(a.names.begin(), a.names.end());
  names.insert(b.names.begin(), b.names.end());
  return in_order(a, names) == in_order(b, names);
}

}  // namespace holdfast::cache
