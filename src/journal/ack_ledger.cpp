#include "ack_ledger.hpp"

#include <algorithm>

namespace holdfast::journal {

void AckLedger::add_segment(std::uint64_t id, Lsn base_lsn) {
  segments_.push_back({id, base_lsn, 0, 0, {}, {}});
}

void AckLedger::add_record(Lsn lsn) {
  auto& segment = segments_.back();
  const auto index = lsn - segment.base_lsn;
  if (segment.waits.size() <= index) segment.waits.resize(index + 1);
  segment.waits[index] = true;
  ++segment.pending;
  ++pending_;
}

void AckLedger::set_bytes(std::uint64_t bytes) {
  bytes_ += bytes - segments_.back().bytes;
  segments_.back().bytes = bytes;
}

// Several segments have the same base when all but the last of them are empty: the last is the one.
const AckLedger::Segment* AckLedger::find(Lsn lsn) const {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), lsn,
                       [](Lsn value, const Segment& segment) { return value < segment.base_lsn; });
  return after == segments_.begin() ? nullptr : &*std::prev(after);
}

std::size_t AckLedger::memory_bytes() const {
  std::size_t sum = 0;
  for (const auto& segment : segments_) sum += sizeof(Segment) + segment.waits.capacity() / 8;
  return sum;
}

bool AckLedger::acknowledge(Lsn lsn) {
  if (!is_pending(lsn)) return false;
  auto& segment = const_cast<Segment&>(*find(lsn));
  segment.waits[lsn - segment.base_lsn] = false;
  --segment.pending;
  --pending_;
  return true;
}

bool AckLedger::is_pending(Lsn lsn) const {
  const auto* segment = find(lsn);
  if (!segment) return false;
  const auto index = lsn - segment->base_lsn;
  return index < segment->waits.size() && segment->waits[index];
}

std::uint64_t AckLedger::pending_in(std::uint64_t id) const {
  for (const auto& segment : segments_) {
    if (segment.id == id) return segment.pending;
  }
  return 0;
}

void AckLedger::keep_until(Timestamp time) {
  auto& segment = segments_.back();
  segment.keep_until = std::max(segment.keep_until, time);
}

std::optional<std::uint64_t> AckLedger::deletable(Timestamp now) const {
  if (segments_.size() < 2 || segments_.front().pending > 0) return std::nullopt;
  if (segments_.front().keep_until > now) return std::nullopt;
  return segments_.front().id;
}

void AckLedger::remove_oldest() {
  bytes_ -= segments_.front().bytes;
  segments_.pop_front();
}

void AckLedger::remove_newest() {
  bytes_ -= segments_.back().bytes;
  pending_ -= segments_.back().pending;
  segments_.pop_back();
}

}  // namespace holdfast::journal
