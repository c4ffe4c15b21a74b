#include "byte_pairs.hpp"

#include <algorithm>
#include <queue>

namespace holdfast::text {
namespace {

constexpr std::size_t kScanBytes = 64;  // up to here a scan beats a heap

// Parts of the piece as a linked list over their first bytes. joined: the id of a part together with the next
// one.
struct Part {
  std::uint32_t next = 0;      // where the next part begins
  std::uint32_t previous = 0;  // where the previous part begins
  TokenId joined = kNoToken;
  bool alive = true;
};

class Merge {
 public:
  Merge(const Vocabulary& vocabulary, std::string_view piece) : vocabulary_(vocabulary), piece_(piece) {
    const auto size = static_cast<std::uint32_t>(piece.size());
    parts_.resize(size + 1);
    for (std::uint32_t i = 0; i <= size; ++i) parts_[i] = {i + 1, i == 0 ? 0 : i - 1, kNoToken, true};
    for (std::uint32_t i = 0; i + 1 < size; ++i) parts_[i].joined = join(i);
  }

  void run_scan() {
    for (;;) {
      std::uint32_t best = end();
      for (std::uint32_t i = 0; i < end(); i = parts_[i].next) {
        if (parts_[i].joined != kNoToken && (best == end() || parts_[i].joined < parts_[best].joined))
          best = i;
      }
      if (best == end()) return;
      merge(best);
    }
  }

  void run_heap() {
    // (id, position), the least first; an entry whose part has changed since is passed over.
    using Entry = std::pair<TokenId, std::uint32_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap;
    const auto push = [&](std::uint32_t at) {
      if (parts_[at].joined != kNoToken) heap.emplace(parts_[at].joined, at);
    };
    for (std::uint32_t i = 0; i < end(); ++i) push(i);
    while (!heap.empty()) {
      const auto [id, at] = heap.top();
      heap.pop();
      if (!parts_[at].alive || parts_[at].joined != id) continue;
      merge(at);
      push(at);
      if (at > 0) push(parts_[at].previous);
    }
  }

  void append_ids(std::vector<TokenId>& out) const {
    for (std::uint32_t i = 0; i < end(); i = parts_[i].next) {
      out.push_back(vocabulary_.find(piece_.substr(i, parts_[i].next - i)));
    }
  }

 private:
  std::uint32_t end() const { return static_cast<std::uint32_t>(piece_.size()); }

  TokenId join(std::uint32_t at) const {
    const auto next = parts_[at].next;
    if (next >= end()) return kNoToken;
    return vocabulary_.find(piece_.substr(at, parts_[next].next - at));
  }

  void merge(std::uint32_t at) {
    const auto gone = parts_[at].next;
    parts_[gone].alive = false;
    parts_[at].next = parts_[gone].next;
    if (parts_[at].next < end()) parts_[parts_[at].next].previous = at;
    parts_[at].joined = join(at);
    if (at > 0) parts_[parts_[at].previous].joined = join(parts_[at].previous);
  }

  const Vocabulary& vocabulary_;
  std::string_view piece_;
  std::vector<Part> parts_;
};

}  // namespace

void merge_byte_pairs(const Vocabulary& vocabulary, std::string_view piece, std::vector<TokenId>& out) {
  Merge merge(vocabulary, piece);
  piece.size() <= kScanBytes ? merge.run_scan() : merge.run_heap();
  merge.append_ids(out);
}

}  // namespace holdfast::text
