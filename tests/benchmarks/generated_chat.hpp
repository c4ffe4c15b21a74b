// Conversation-like English for benchmarks: words drawn by Zipf's law from the commonest English words, names
// and made-up ones (so that not every word is known to a vocabulary), in sentences of chat length. The same
// for the same seed.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace holdfast::benchmarks {

class GeneratedChat {
 public:
  // made_up: how many words no dictionary has, behind the common ones by frequency: with 300 they are about
  // 6 % of a text, as names and rare words are in real chat; with 20,000 a vocabulary like that of years.
  GeneratedChat(std::uint64_t seed, std::size_t made_up) : random_(seed) {
    std::istringstream common(
        "the to and of a in is it you that he was for on are with as I his they be at one have this from or "
        "had by hot but some what there we can out other were all your when up use word how said an each she "
        "which do their time if will way about many then them would write like so these her long make thing "
        "see him two has look more day could go come did my sound no most number who over know water than "
        "call first people may down side been now find any new work part take get place made live where "
        "after back little only round man year came show every good me give our under name very through just "
        "form much great think say help low line before turn cause same mean differ move right boy old too "
        "does tell sentence set three want air well also play small end put home read hand port large spell "
        "add even land here must big high such follow act why ask men change went light kind off need house "
        "picture try us again animal point mother world near build self earth father head stand own page "
        "should country found answer school grow study still learn plant cover food sun four thought let "
        "keep "
        "eye never last door between city tree cross since hard start might story saw far sea draw left late "
        "run don't while press close night real life few stop open seem together next white children begin "
        "got walk example ease paper often always music those both mark book letter until mile river car "
        "feet "
        "care second group carry took rain eat room friend began idea fish mountain north once base hear "
        "horse "
        "cut sure watch color face wood main enough plain girl usual young ready above ever red list though "
        "feel talk bird soon body dog family direct pose leave song measure state product black short "
        "numeral "
        "class wind question happen complete ship area half rock order fire south problem piece told knew "
        "pass "
        "farm top whole king size heard best hour better true during hundred remember step early hold west "
        "ground interest reach fast five sing listen six table travel less morning ten simple several vowel "
        "toward war lay against pattern slow center love person money serve appear road map science rule "
        "govern pull cold notice voice fall power town fine certain fly unit lead cry dark machine note wait "
        "plan figure star box noun field rest correct able pound done beauty drive stood contain front teach "
        "week final gave green quick develop sleep warm free minute strong special mind behind clear tail "
        "produce fact street inch lot nothing course stay wheel full force blue object decide surface deep "
        "moon island foot yet busy test record boat common gold possible plane age dry wonder laugh thousand "
        "ago ran check game shape yes miss brought heat snow bed bring sit perhaps fill east weight language "
        "Caroline Melanie Joanna Nate Audrey Andrew John Maria Tim James painting hiking camping adoption "
        "pottery violin marathon kitchen recipe volunteer therapist conference vacation anniversary puppy");
    for (std::string word; common >> word;) words_.push_back(word);
    const char* syllables[] = {"ba",  "cor",  "den", "el",  "fi",  "gra", "hol", "in",
                               "ja",  "kel",  "lo",  "mar", "ne",  "or",  "pel", "ri",
                               "sta", "tion", "u",   "ver", "wic", "ya",  "zen", "ous"};
    for (; made_up > 0; --made_up) {
      std::string word;
      for (auto left = 2 + below(3); left > 0; --left) word += syllables[below(std::size(syllables))];
      words_.push_back(word);
    }
    double sum = 0;
    for (std::size_t rank = 1; rank <= words_.size(); ++rank)
      sums_.push_back(sum += 1.0 / static_cast<double>(rank + 2));
  }

  const std::string& word() {
    const double at = std::uniform_real_distribution<>(0, sums_.back())(random_);
    return words_[static_cast<std::size_t>(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin())];
  }

  std::string sentence(std::size_t words) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
      if (i > 0) text += below(12) == 0 ? ", " : " ";
      text += below(40) == 0 ? std::to_string(below(2030)) : word();
    }
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    const char* ends[] = {".", ".", "!", "?", " :)", "..."};
    return text + ends[below(std::size(ends))];
  }

  // One to four sentences, about 150 bytes.
  std::string message() {
    std::string text = sentence(3 + below(15));
    for (auto left = below(4); left > 0; --left) text += ' ' + sentence(3 + below(15));
    return text;
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::vector<double> sums_;
};

}  // namespace holdfast::benchmarks
