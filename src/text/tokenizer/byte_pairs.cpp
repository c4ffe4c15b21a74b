#include "byte_pairs.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace holdfast::text {
namespace {

constexpr std::size_t kScanBytes = 64;  // up to here a scan is the faster way

// A piece of at most kScanBytes.
class ShortMerge {
 public:
  ShortMerge(const Vocabulary& vocabulary, std::string_view piece, TokenId limit)
      : vocabulary_(vocabulary), piece_(piece), limit_(limit), count_(piece.size()) {
    for (std::size_t i = 0; i <= count_; ++i) starts_[i] = static_cast<std::uint8_t>(i);
    std::fill_n(ids_.begin(), count_, kNoToken);
    for (std::size_t i = 0; i < count_; ++i) join(i);
  }

  void run() {
    while (count_ > 1) {
      const auto best = static_cast<std::size_t>(
          std::min_element(joined_.begin(), joined_.begin() + static_cast<std::ptrdiff_t>(count_ - 1)) -
          joined_.begin());
      if (joined_[best] == kNoToken) return;
      ids_[best] = joined_[best];
      std::copy(ids_.begin() + static_cast<std::ptrdiff_t>(best) + 2,
                ids_.begin() + static_cast<std::ptrdiff_t>(count_),
                ids_.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      std::copy(starts_.begin() + static_cast<std::ptrdiff_t>(best) + 2,
                starts_.begin() + static_cast<std::ptrdiff_t>(count_) + 1,
                starts_.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      std::copy(joined_.begin() + static_cast<std::ptrdiff_t>(best) + 2,
                joined_.begin() + static_cast<std::ptrdiff_t>(count_),
                joined_.begin() + static_cast<std::ptrdiff_t>(best) + 1);
      --count_;
      join(best);
      if (best > 0) join(best - 1);
    }
  }

  void append_ids(std::vector<TokenId>& out) const {
    for (std::size_t i = 0; i < count_; ++i)
      out.push_back(ids_[i] != kNoToken ? ids_[i] : vocabulary_.find(piece_.substr(starts_[i], 1)));
  }

 private:
  void join(std::size_t at) {
    joined_[at] = kNoToken;
    if (at + 1 >= count_) return;
    const auto id = vocabulary_.find(piece_.substr(starts_[at], starts_[at + 2] - starts_[at]));
    if (id < limit_) joined_[at] = id;
  }

  const Vocabulary& vocabulary_;
  const std::string_view piece_;
  const TokenId limit_;
  std::size_t count_;  // of parts
  std::array<std::uint8_t, kScanBytes + 1> starts_;
  std::array<TokenId, kScanBytes> ids_;     // of parts; none while a part is a byte
  std::array<TokenId, kScanBytes> joined_;  // the id of a part together with the next one
};

// A piece of any length. Pairs wait in one list for each id they would make. Ids come in ascending order, and
// what a merge makes possible has a higher id, so a list is complete when its turn comes.
class LongMerge {
 public:
  LongMerge(const Vocabulary& vocabulary, std::string_view piece, TokenId limit)
      : vocabulary_(vocabulary), piece_(piece), limit_(limit), parts_(piece.size()) {
    for (std::uint32_t i = 0; i < end(); ++i) parts_[i] = {i + 1, i - 1, kNoToken};
    for (std::uint32_t i = 0; i < end(); ++i) join(i);
  }

  void run() {
    while (!waiting_.empty()) {
      auto least = waiting_.extract(waiting_.begin());
      last_ = nullptr;
      const auto id = least.key();
      auto& places = least.mapped();
      if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
      for (const auto at : places) {
        if (parts_[at].joined == id) merge(at);  // else the pair has been taken apart since
      }
    }
  }

  void append_ids(std::vector<TokenId>& out) const {
    for (std::uint32_t i = 0; i < end(); i = parts_[i].next)
      out.push_back(vocabulary_.find(piece_.substr(i, parts_[i].next - i)));
  }

 private:
  // Parts as a linked list over their first bytes.
  struct Part {
    std::uint32_t next = 0;      // where the next part begins
    std::uint32_t previous = 0;  // where the previous part begins
    TokenId joined = kNoToken;   // of the part together with the next one; none for what is no part any more
  };

  std::uint32_t end() const { return static_cast<std::uint32_t>(piece_.size()); }

  void join(std::uint32_t at) {
    auto& part = parts_[at];
    part.joined = kNoToken;
    if (part.next == end()) return;
    const auto id = vocabulary_.find(piece_.substr(at, parts_[part.next].next - at));
    if (id >= limit_) return;
    part.joined = id;
    if (!last_ || last_id_ != id) {
      last_ = &waiting_[id];
      last_id_ = id;
    }
    last_->push_back(at);
  }

  void merge(std::uint32_t at) {
    const auto gone = parts_[at].next;
    parts_[gone].joined = kNoToken;
    parts_[at].next = parts_[gone].next;
    if (parts_[at].next < end()) parts_[parts_[at].next].previous = at;
    join(at);
    if (at > 0) join(parts_[at].previous);
  }

  const Vocabulary& vocabulary_;
  const std::string_view piece_;
  const TokenId limit_;
  std::vector<Part> parts_;
  std::map<TokenId, std::vector<std::uint32_t>> waiting_;  // the first bytes of pairs, by the id they make
  std::vector<std::uint32_t>* last_ = nullptr;             // the list used last: mostly the next one too
  TokenId last_id_ = kNoToken;
};

}  // namespace

void merge_byte_pairs(const Vocabulary& vocabulary, std::string_view piece, std::vector<TokenId>& out,
                      TokenId limit) {
  if (piece.size() <= kScanBytes) {
    ShortMerge merge(vocabulary, piece, limit);
    merge.run();
    merge.append_ids(out);
  } else {
    LongMerge merge(vocabulary, piece, limit);
    merge.run();
    merge.append_ids(out);
  }
}

bool is_made_of_two_below(const Vocabulary& vocabulary, TokenId token) {
  const auto bytes = vocabulary.bytes(token);
  if (bytes.size() == 1) return true;
  std::vector<TokenId> parts;
  merge_byte_pairs(vocabulary, bytes, parts, token);
  return parts.size() == 2 && parts[0] < token && parts[1] < token;
}

}  // namespace holdfast::text
