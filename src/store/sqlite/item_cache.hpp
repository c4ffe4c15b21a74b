// What a search needs of a user's items beside their terms, kept in memory between searches: reading 100,000
// vectors row by row takes SQLite several times as long as comparing them.
//
// A user's items lie in segments by ascending number, and a segment never changes. Items are added at the end
// (numbers only grow), so what a write adds is one short segment more, merged with its neighbours as it
// grows. A change or removal of an indexed item counts up users.index_changes in the same transaction; a
// cached user of another count is read anew.
//
// Memory: at most max_bytes over all users, the least recently searched leaving first. Of a user with more
// than that the first max_bytes are kept and the rest is read for each search, a segment at a time.
// Concurrency: any thread; the mutex is never held while reading the database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "database.hpp"

namespace holdfast::store {

struct IndexedItem {
  std::int64_t no = 0;
  std::int64_t session_no = 0;  // 0: none
  std::uint64_t seq = 0;        // in the session
  std::uint32_t length = 0;     // terms
  std::uint32_t vectors_at = 0, vectors_size = 0;
  std::uint8_t kind = 0;
};

// Of a row that begins with no, kind, session_no, seq, length; without its vectors.
IndexedItem read_indexed_item(Statement& row);

struct ItemSegment {
  std::vector<IndexedItem> items;    // by no
  std::vector<std::int8_t> vectors;  // of all items, back to back

  std::span<const std::int8_t> vectors_of(const IndexedItem& item) const {
    return std::span(vectors).subspan(item.vectors_at, item.vectors_size);
  }
  std::size_t bytes() const;
};

class ItemCache {
 public:
  using Segment = std::shared_ptr<const ItemSegment>;
  using Visit = std::function<void(const ItemSegment&, std::span<const IndexedItem>)>;

  explicit ItemCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Every item of the user as of the connection's read transaction, in which index_changes was read, by no.
  void for_each_segment(Connection& connection, std::int64_t user_no, std::int64_t index_changes,
                        const Visit& visit);
  // Takes in the users who were written to last, as far as there is room for all of them.
  void warm_up(Connection& connection);
  std::size_t bytes() const;
  // So much of max_bytes (0…1) from now on, and below 1 nothing is added. Answers how many bytes that gave
  // back.
  std::size_t limit_to(double share);

 private:
  struct User {
    std::int64_t no = 0;
    std::int64_t index_changes = 0;
    std::vector<Segment> segments;
    std::size_t bytes = 0;
  };
  using Users = std::list<User>;

  std::vector<Segment> cached(std::int64_t user_no, std::int64_t index_changes);
  // Behind the item `after`, if that is (still) the user's last one.
  void append(std::int64_t user_no, std::int64_t index_changes, std::int64_t after, Segment segment);
  void forget(Users::iterator user);
  // The users that leave, none of them `keep`, for the caller to destroy.
  Users make_room(Users::iterator keep);

  const std::size_t max_bytes_;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  Users users_;  // the most recently searched first
  std::unordered_map<std::int64_t, Users::iterator> by_no_;
  std::size_t bytes_ = 0;
  double share_ = 1;  // of max_bytes_
};

}  // namespace holdfast::store
