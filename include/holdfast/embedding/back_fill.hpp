// Gives items that were stored without a vector the one that was pending, in bounded batches, on a thread of
// its own: what was stored while the embedding server was away, what was flushed before its vector had come,
// and everything after a change of the model. What is still to do is marked in the store, so a restart
// changes nothing.
//
// Long texts are split (item_vectors.hpp). After a batch that failed it waits: exponential with jitter, as
// flush::retry_delay. A text that the server does not take is given up until the next start; its item stays
// found by keyword.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "holdfast/embedding/item_vectors.hpp"
#include "holdfast/store/memory_store.hpp"

namespace holdfast::embedding {

class BackFill {
 public:
  // filled: called on the thread after the items of these users got vectors. Everything referenced must
  // outlive this.
  BackFill(RemoteEmbedder& embedder, store::MemoryStore& store, text::ChunkOptions chunking,
           const Clock& clock, metrics::EmbeddingProbe& probe,
           std::function<void(const std::vector<std::string>& user_ids)> filled);
  ~BackFill();  // stop()s

  // Ends the batch that is under way only when the embedder is stopped first.
  void stop();

 private:
  enum class Round { idle, worked, failed };
  void run();
  Round do_batch();
  std::vector<ItemVectors> embed(const std::vector<store::PendingVector>& items);

  // Constant after construction
  RemoteEmbedder& embedder_;
  store::MemoryStore& store_;
  const text::ChunkOptions chunking_;
  const Clock& clock_;
  metrics::EmbeddingProbe& probe_;
  const std::function<void(const std::vector<std::string>&)> filled_;
  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace holdfast::embedding
