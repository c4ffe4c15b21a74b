#include "conversation.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace loadtest {
namespace {

// Ordered roughly by how often they are said.
constexpr const char* kCommon =
    "the to I and a you of it that in is my for was on have with me be this so but not we do are at what can "
    "just "
    "about like how if your they all as would from there know up will get when out or one some think had "
    "really more "
    "been time then them has good did who want where now now's could because need people work also only here "
    "thing "
    "new back see much make well way even over day any very great got first after year going take little "
    "should "
    "last still something let help before these look than week today lot long right tell sure never another "
    "down "
    "again maybe always find love keep start next two home thanks year's feel made give ask friend plan "
    "actually "
    "family best mean try book nice remember night trip school better money might place call talk project "
    "idea "
    "while tomorrow morning many point few since around game part show job weekend together food question "
    "learn "
    "might've code run party play both read team enough house until hear kind sister check old music meeting "
    "problem write month list bring change happy data set used brother share dinner example small move "
    "without "
    "buy later watch three happen summer different stuff class story begin support city group answer usually "
    "reason car doctor memory travel dog birthday favourite weather coffee exam report deadline train garden "
    "recipe budget running doctor's hotel flight piano manager's lunch hiking paint client server river "
    "museum "
    "ticket camera concert language winter mother father market window village letter kitchen beach photo "
    "guitar";
constexpr std::size_t kKnownCommon = 120;  // ranks below this are left out of questions
constexpr std::size_t kVocabulary = 20000;
constexpr double kShift = 2.7;
constexpr double kUserShare = 0.7, kAssistantShare = 1.4;  // of the median, so that the two together keep it

std::string made_up_word(std::mt19937_64& random) {
  constexpr const char* kOnsets[] = {"b", "br", "c",  "ch", "d", "f",  "g", "gr", "h", "k", "l", "m",
                                     "n", "p",  "pl", "r",  "s", "st", "t", "tr", "v", "w", "z", "sh"};
  constexpr const char* kVowels[] = {"a", "e", "i", "o", "u", "ai", "ea", "ou"};
  constexpr const char* kCodas[] = {"", "", "", "n", "r", "l", "s", "t", "m", "nd", "ck"};
  std::string word;
  const auto syllables = 1 + random() % 3 + random() % 2;
  for (std::uint64_t i = 0; i < syllables; ++i) {
    word += kOnsets[random() % std::size(kOnsets)];
    word += kVowels[random() % std::size(kVowels)];
    word += kCodas[random() % std::size(kCodas)];
  }
  if (random() % 12 == 0) word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

}  // namespace

Conversation::Conversation(std::uint64_t seed, MessageSize size) : size_(size), random_(seed) {
  std::istringstream common(kCommon);
  for (std::string word; common >> word;) words_.push_back(word);
  std::mt19937_64 vocabulary(1);  // the vocabulary is the same for every seed
  while (words_.size() < kVocabulary) words_.push_back(made_up_word(vocabulary));
  double sum = 0;
  for (std::size_t rank = 1; rank <= words_.size(); ++rank) {
    cumulative_.push_back(sum += 1 / (static_cast<double>(rank) + kShift));
  }
}

const std::string& Conversation::word() {
  const double drawn = std::uniform_real_distribution<double>(0, cumulative_.back())(random_);
  const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), drawn) - cumulative_.begin();
  return words_[std::min(static_cast<std::size_t>(at), words_.size() - 1)];
}

std::string Conversation::text(double bytes) {
  const double factor = std::exp(size_.spread * std::normal_distribution<double>()(random_));
  const auto wanted = std::clamp<std::size_t>(static_cast<std::size_t>(bytes * factor), 1, size_.most_bytes);
  std::string made;
  bool begins = true;
  while (made.size() < wanted) {
    if (!made.empty()) made += ' ';
    const auto at = made.size();
    made += random_() % 40 == 0 ? std::to_string(random_() % 2100) : word();
    if (begins && made[at] >= 'a' && made[at] <= 'z') made[at] = static_cast<char>(made[at] - 'a' + 'A');
    begins = random_() % 11 == 0;
    if (begins)
      made += random_() % 5 == 0 ? "?" : ".";
    else if (random_() % 14 == 0)
      made += ",";
  }
  made.resize(wanted);
  return made;
}

std::string Conversation::user_message() {
  return text(size_.median_bytes * (size_.spread == 0 ? 1 : kUserShare));
}

std::string Conversation::assistant_message() {
  return text(size_.median_bytes * (size_.spread == 0 ? 1 : kAssistantShare));
}

std::string Conversation::question() {
  std::string made = random_() % 2 == 0 ? "what did I say about" : "when did we talk about";
  const auto count = 2 + random_() % 4;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string* chosen = &word();
    while (chosen < &words_[kKnownCommon]) chosen = &word();
    made += ' ' + *chosen;
  }
  return made;
}

}  // namespace loadtest
