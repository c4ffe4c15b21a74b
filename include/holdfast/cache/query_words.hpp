// The words of a query that decide whether the answer to another is also the answer to this one. Vectors
// cannot tell: a question and its reverse are closer to each other than to most rewordings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::cache {

struct QueryWords {
  // All words, lower-cased, without what is only polite ("please", "can you tell me"), and with one word for
  // each kind of question ("what time" is "when").
  std::vector<std::string> words;
  // Of these, in their order: numbers, negations, comparatives and other words with an opposite (as stems),
  // pronouns, words of direction; at the end what is asked for (who, when, where, …).
  std::vector<std::string> deciding;
  std::vector<std::string> names;  // capitalised, and not only because they begin the text
  std::string stems;               // the index terms of the whole text, sorted: what keyword search sees
  bool english = false;            // has one of the commonest English words: else deciding means little
};

QueryWords query_words(std::string_view text);

// Whether a similar vector is enough for one to answer the other: at least two words each, the same deciding
// words in the same order, the same names in the same order (a text without capitals is searched for the
// other's). same_content: the stems must be the same too, as is always so for texts that aren't English.
bool may_share_answer(const QueryWords& a, const QueryWords& b, bool same_content);

}  // namespace holdfast::cache
