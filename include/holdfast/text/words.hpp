// The words of a text, with what an index forgets of them (text/analysed_text.hpp): what lies between words
// is the same to both, so texts of the same words have the same terms and the same vector.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::text {

struct Word {
  std::string text;  // lower-cased; a run of a script without spaces is one word
  bool capitalised = false;
};

std::vector<Word> split_words(std::string_view text);

// English function words, and the parts that splitting at an apostrophe leaves of them.
bool is_stop_word(std::string_view lower_cased);

}  // namespace holdfast::text
