// Text shaped like conversations between a person and an assistant: sentences whose word frequencies follow
// Zipf–Mandelbrot's law, 1 / (rank + 2.7) (B. Mandelbrot, 1953), over common English words first and made-up
// names and terms of many ranks after; sizes log-normal, as measured sizes of messages are; a person's
// messages shorter than the assistant's. The same seed gives the same text.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace loadtest {

struct MessageSize {
  double median_bytes = 250;
  double spread = 0.5;  // standard deviation of the logarithm; 0: every message has the median
  std::size_t most_bytes = 16384;
};

class Conversation {
 public:
  Conversation(std::uint64_t seed, MessageSize size);

  std::string user_message();
  std::string assistant_message();
  // Five to nine words, the common ones left out, as a question for the memory.
  std::string question();

 private:
  std::string text(double bytes);
  const std::string& word();

  MessageSize size_;
  std::mt19937_64 random_;
  std::vector<std::string> words_;  // by rank
  std::vector<double> cumulative_;  // of the ranks' probabilities
};

}  // namespace loadtest
