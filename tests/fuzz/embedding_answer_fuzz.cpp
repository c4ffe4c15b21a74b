// The embedding server's answers over any bytes: what is taken is a vector of the right length for each text,
// scaled as Embedding says; and what is asked is JSON whatever the texts.
//
// Input: a byte for the number of texts, a byte for the dimensions, then the answer (and the text).
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "embedding/openai_protocol.hpp"
#include "require.hpp"

namespace holdfast::embedding {
namespace {

using fuzz::require;

void run(fuzz::Input input) {
  const std::size_t texts = input.byte() % 4 + 1;
  const std::size_t dimensions = input.byte() % 4 + 1;
  const auto body = input.rest();
  const std::vector<std::string> sent{std::string(body)};
  require(!nlohmann::json::parse(render_request(body, sent), nullptr, false).is_discarded(),
          "what is asked is JSON");
  const auto answer = parse_answer(body, texts, dimensions);
  if (!answer) return require(!answer.error().message.empty(), "a refusal has a reason");
  require(answer->size() == texts, "each text has its vector");
  for (const auto& vector : *answer) {
    require(vector.size() == dimensions, "a vector has the model's dimensions");
    int largest = 0;
    for (const auto component : vector) largest = std::max(largest, std::abs(int{component}));
    require(largest == 127, "the largest component is 127");
  }
}

}  // namespace
}  // namespace holdfast::embedding

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::embedding::run({data, size});
  return 0;
}
