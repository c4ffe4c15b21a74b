#include "item_cache.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::store {
namespace {

// What a search reads at a time, and the most that is copied when segments are merged.
constexpr std::size_t kSegmentBytes = 4u << 20;
constexpr std::size_t kUserBytes = 256;          // of an entry by itself
constexpr std::int64_t kItemsLookedAt = 10'000;  // the newest, for who was written to last

std::int64_t last_no(const std::vector<ItemCache::Segment>& segments) {
  return segments.empty() ? 0 : segments.back()->items.back().no;
}

std::int64_t newest_no(Connection& connection, std::int64_t user_no) {
  auto row = connection.prepare("SELECT max(no) FROM vectors WHERE user_no = ?");
  row.bind(user_no);
  return row.step() ? row.integer(0) : 0;
}

// Who was written to last, as many as have room together where all of an item's vectors are as long as those
// of the user's newest one.
std::vector<std::int64_t> latest_users(Connection& connection, std::size_t room) {
  std::vector<std::int64_t> users;
  auto newest = connection.prepare(
      "SELECT i.user_no, u.documents, length(v.vector) FROM items i JOIN users u ON u.no = i.user_no JOIN "
      "vectors v ON v.user_no = i.user_no AND v.no = i.no ORDER BY i.no DESC LIMIT ?");
  newest.bind(kItemsLookedAt);
  std::size_t bytes = 0;
  while (newest.step()) {
    if (std::find(users.begin(), users.end(), newest.integer(0)) != users.end()) continue;
    const auto item_bytes = sizeof(IndexedItem) + static_cast<std::size_t>(newest.integer(2));
    bytes += kUserBytes + static_cast<std::size_t>(newest.integer(1)) * item_bytes;
    if (bytes > room) break;
    users.push_back(newest.integer(0));
  }
  return users;
}

// The items numbered above `after`, up to the size of a segment.
ItemSegment read_segment(Connection& connection, std::int64_t user_no, std::int64_t after) {
  ItemSegment segment;
  auto rows = connection.prepare(
      "SELECT no, kind, session_no, seq, length, vector FROM vectors WHERE user_no = ? AND no > ? ORDER BY "
      "no");
  rows.bind(user_no).bind(after);
  while (segment.bytes() < kSegmentBytes && rows.step()) {
    const auto vectors = rows.blob(5);
    auto item = read_indexed_item(rows);
    item.vectors_at = static_cast<std::uint32_t>(segment.vectors.size());
    item.vectors_size = static_cast<std::uint32_t>(vectors.size());
    segment.items.push_back(item);
    segment.vectors.insert(segment.vectors.end(), vectors.begin(), vectors.end());
  }
  segment.items.shrink_to_fit();
  segment.vectors.shrink_to_fit();
  return segment;
}

ItemCache::Segment join(const ItemSegment& first, const ItemSegment& second) {
  auto joined = std::make_shared<ItemSegment>();
  joined->items.reserve(first.items.size() + second.items.size());
  joined->vectors.reserve(first.vectors.size() + second.vectors.size());
  joined->items = first.items;
  joined->vectors = first.vectors;
  for (auto item : second.items) {
    item.vectors_at += static_cast<std::uint32_t>(first.vectors.size());
    joined->items.push_back(item);
  }
  joined->vectors.insert(joined->vectors.end(), second.vectors.begin(), second.vectors.end());
  return joined;
}

}  // namespace

IndexedItem read_indexed_item(Statement& row) {
  IndexedItem item;
  item.no = row.integer(0);
  item.kind = static_cast<std::uint8_t>(row.integer(1));
  item.session_no = row.integer(2);
  item.seq = static_cast<std::uint64_t>(row.integer(3));
  item.length = static_cast<std::uint32_t>(row.integer(4));
  return item;
}

std::size_t ItemSegment::bytes() const {
  return items.size() * sizeof(IndexedItem) + vectors.size();
}

void ItemCache::for_each_segment(Connection& connection, std::int64_t user_no, std::int64_t index_changes,
                                 const Visit& visit) {
  const auto newest = newest_no(connection, user_no);
  const auto segments = cached(user_no, index_changes);
  for (const auto& segment : segments) {
    // A search that began later may have added what this one's transaction does not see.
    const auto end = std::upper_bound(segment->items.begin(), segment->items.end(), newest,
                                      [](std::int64_t no, const IndexedItem& item) { return no < item.no; });
    visit(*segment, {segment->items.begin(), end});
  }
  for (auto after = last_no(segments); after < newest;) {
    const auto segment = std::make_shared<const ItemSegment>(read_segment(connection, user_no, after));
    append(user_no, index_changes, after, segment);
    after = segment->items.back().no;
    visit(*segment, segment->items);
  }
}

void ItemCache::warm_up(Connection& connection) {
  const auto users = latest_users(connection, max_bytes_);
  // The latest last: who was searched longest ago leaves first.
  for (auto user_no = users.rbegin(); user_no != users.rend(); ++user_no) {
    const Transaction transaction(connection, Transaction::Kind::read);
    auto user = connection.prepare("SELECT index_changes FROM users WHERE no = ?");
    user.bind(*user_no);
    if (user.step()) for_each_segment(connection, *user_no, user.integer(0), [](const auto&, auto) {});
  }
}

std::size_t ItemCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::vector<ItemCache::Segment> ItemCache::cached(std::int64_t user_no, std::int64_t index_changes) {
  const std::lock_guard lock(mutex_);
  const auto known = by_no_.find(user_no);
  if (known == by_no_.end()) return {};
  users_.splice(users_.begin(), users_, known->second);
  if (known->second->index_changes == index_changes) return known->second->segments;
  forget(known->second);
  return {};
}

void ItemCache::append(std::int64_t user_no, std::int64_t index_changes, std::int64_t after,
                       Segment segment) {
  const std::lock_guard lock(mutex_);
  auto known = by_no_.find(user_no);
  const auto held = known == by_no_.end() ? kUserBytes : known->second->bytes;
  if (share_ < 1 || held + segment->bytes() > max_bytes_) return;
  if (known == by_no_.end()) {
    users_.push_front({user_no, index_changes, {}, kUserBytes});
    known = by_no_.emplace(user_no, users_.begin()).first;
    bytes_ += kUserBytes;
  }
  auto& user = *known->second;
  if (user.index_changes != index_changes || last_no(user.segments) != after) return;
  user.bytes += segment->bytes();
  bytes_ += segment->bytes();
  // Merging only what is not much longer copies each item a logarithm of times.
  while (!user.segments.empty() && user.segments.back()->bytes() <= 2 * segment->bytes() &&
         user.segments.back()->bytes() + segment->bytes() <= kSegmentBytes) {
    segment = join(*user.segments.back(), *segment);
    user.segments.pop_back();
  }
  user.segments.push_back(std::move(segment));
  make_room(known->second);
}

std::size_t ItemCache::limit_to(double share) {
  Users gone;  // destroyed when nobody waits for the mutex any more
  const std::lock_guard lock(mutex_);
  const auto before = bytes_;
  share_ = share;
  gone = make_room(users_.end());
  return before - bytes_;
}

void ItemCache::forget(Users::iterator user) {
  bytes_ -= user->bytes;
  by_no_.erase(user->no);
  users_.erase(user);
}

ItemCache::Users ItemCache::make_room(Users::iterator keep) {
  Users gone;
  const auto most = static_cast<std::size_t>(static_cast<double>(max_bytes_) * share_);
  while (bytes_ > most && !users_.empty() && std::prev(users_.end()) != keep) {
    const auto last = std::prev(users_.end());
    bytes_ -= last->bytes;
    by_no_.erase(last->no);
    gone.splice(gone.end(), users_, last);
  }
  return gone;
}

}  // namespace holdfast::store
