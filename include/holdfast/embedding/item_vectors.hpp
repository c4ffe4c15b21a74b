// The vectors of items from the server: a text that is longer than its model takes is split into chunks
// (text/chunker.hpp) with a vector each, as the built-in embedder's are (text::Features::vectors).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "holdfast/embedding/remote_embedder.hpp"
#include "holdfast/text/chunker.hpp"

namespace holdfast::embedding {

// Of all chunks, back to back, in their order; never empty. A chunk that the server refuses for good is left
// out. Errors: permanent (every chunk was refused, or there is nothing but white space), else the first
// reason for which a chunk has none: then none of the others' counts either.
using ItemVectors = Result<std::vector<std::int8_t>>;

struct ItemText {
  std::string text;
  std::function<void(ItemVectors)> done;  // called once: on the embedding thread, or before the call returns
};

// Items given together are sent together as far as they fit. They have as long as that many requests may
// take, one after the other. Any thread.
void request_item_vectors(RemoteEmbedder& embedder, std::vector<ItemText> items, text::ChunkOptions chunking,
                          const Clock& clock);

}  // namespace holdfast::embedding
