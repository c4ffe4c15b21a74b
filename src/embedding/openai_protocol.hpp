// The bodies of POST /v1/embeddings, as OpenAI defines them (API reference, "Create embeddings") and Ollama,
// TEI, vLLM and others answer them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/text/embedder.hpp"

namespace holdfast::embedding {

// {"model": …, "input": [texts], "encoding_format": "float"}. Bytes that are not UTF-8 are sent as U+FFFD.
std::string render_request(std::string_view model, std::span<const std::string> texts);

// The most bytes that an honest answer for so many texts takes: 32 for each component, and room for names,
// usage and white space. What is larger is not read.
std::size_t answer_limit(std::size_t texts, std::size_t dimensions);

// One vector a text, in the texts' order whatever order the answer has. The error says what is wrong, and
// everything is refused when one vector is: not JSON, another number of vectors, an index twice or out of
// range, another length, a component that is no finite number, a vector of zeros (it has no direction).
Result<std::vector<text::Embedding>> parse_answer(std::string_view body, std::size_t texts,
                                                  std::size_t dimensions);

}  // namespace holdfast::embedding
