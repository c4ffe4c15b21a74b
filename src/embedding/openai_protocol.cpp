#include "openai_protocol.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace holdfast::embedding {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kBytesAComponent = 32;
constexpr std::size_t kBytesAVector = 1024;
constexpr std::size_t kBytesAnAnswer = 64u << 10;

Result<text::Embedding> read_vector(const Json& given, std::size_t dimensions) {
  if (!given.is_array()) return permanent("an embedding is no array of numbers");
  if (given.size() != dimensions) {
    return permanent("an embedding has " + std::to_string(given.size()) + " dimensions instead of " +
                     std::to_string(dimensions));
  }
  std::vector<double> components;
  components.reserve(dimensions);
  double largest = 0;
  for (const auto& component : given) {
    if (!component.is_number()) return permanent("a component of an embedding is no number");
    components.push_back(component.get<double>());
    if (!std::isfinite(components.back())) return permanent("a component of an embedding is not finite");
    largest = std::max(largest, std::abs(components.back()));
  }
  if (largest == 0) return permanent("an embedding is all zeros");
  std::vector<float> scaled(dimensions);  // to what a float holds
  std::transform(components.begin(), components.end(), scaled.begin(),
                 [largest](double x) { return static_cast<float>(x / largest); });
  return text::quantise(scaled);
}

}  // namespace

std::string render_request(std::string_view model, std::span<const std::string> texts) {
  const Json request = {{"model", model}, {"input", texts}, {"encoding_format", "float"}};
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::size_t answer_limit(std::size_t texts, std::size_t dimensions) {
  return kBytesAnAnswer + texts * (kBytesAVector + dimensions * kBytesAComponent);
}

Result<std::vector<text::Embedding>> parse_answer(std::string_view body, std::size_t texts,
                                                  std::size_t dimensions) {
  const auto answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return permanent("the answer is no JSON object");
  const auto data = answer.find("data");
  if (data == answer.end() || !data->is_array()) return permanent("the answer has no array \"data\"");
  if (data->size() != texts) {
    return permanent("the answer has " + std::to_string(data->size()) + " embeddings for " +
                     std::to_string(texts) + " texts");
  }
  std::vector<text::Embedding> embeddings(texts);
  for (const auto& entry : *data) {
    const auto index = entry.is_object() ? entry.find("index") : entry.end();
    const auto vector = entry.is_object() ? entry.find("embedding") : entry.end();
    if (index == entry.end() || vector == entry.end() || !index->is_number_unsigned()) {
      return permanent("an entry of the answer lacks its index or embedding");
    }
    const auto place = index->get<std::uint64_t>();
    if (place >= texts || !embeddings[place].empty()) {
      return permanent("an index of the answer is out of range or there twice");
    }
    auto embedding = read_vector(*vector, dimensions);
    if (!embedding) return embedding.error();
    embeddings[place] = std::move(*embedding);
  }
  return embeddings;
}

}  // namespace holdfast::embedding
