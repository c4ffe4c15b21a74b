#include "holdfast/embedding/item_vectors.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace holdfast::embedding {
namespace {

// One item whose chunks are asked for. Their answers may come on two threads.
class Gathering {
 public:
  Gathering(std::size_t chunks, std::function<void(ItemVectors)> done)
      : vectors_(chunks), left_(chunks), done_(std::move(done)) {}

  void answered(std::size_t chunk, RemoteEmbedder::Answer answer) {
    {
      const std::lock_guard lock(mutex_);
      if (answer) {
        vectors_[chunk] = std::move(*answer);
      } else if (!error_ || error_->kind == ErrorKind::permanent) {
        error_ = answer.error();
      }
      if (--left_ > 0) return;
    }
    done_(result());
  }

 private:
  ItemVectors result() const {
    if (error_ && error_->kind != ErrorKind::permanent) return *error_;
    std::vector<std::int8_t> all;
    for (const auto& vector : vectors_) all.insert(all.end(), vector.begin(), vector.end());
    if (all.empty()) return error_.value_or(permanent("there is nothing to embed"));
    return all;
  }

  std::mutex mutex_;
  std::vector<text::Embedding> vectors_;  // empty: refused
  std::size_t left_;
  std::optional<Error> error_;
  const std::function<void(ItemVectors)> done_;
};

}  // namespace

void request_item_vectors(RemoteEmbedder& embedder, std::vector<ItemText> items, text::ChunkOptions chunking,
                          const Clock& clock) {
  const auto& options = embedder.options();
  std::vector<RemoteEmbedder::Request> requests;
  for (auto& item : items) {
    const auto chunks = chunks_to_embed(item.text, options, chunking);
    if (chunks.empty()) {
      item.done(permanent("there is nothing to embed"));
      continue;
    }
    const auto gathering = std::make_shared<Gathering>(chunks.size(), std::move(item.done));
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      requests.push_back({std::string(chunks[i]), [gathering, i](RemoteEmbedder::Answer answer) {
                            gathering->answered(i, std::move(answer));
                          }});
    }
  }
  const auto in_turn = static_cast<int>(2 + requests.size() / options.max_batch);
  embedder.request(std::move(requests), Purpose::item, clock.steady_now() + in_turn * options.timeout);
}

}  // namespace holdfast::embedding
