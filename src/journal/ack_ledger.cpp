#include "ack_ledger.hpp"

#include <algorithm>

namespace holdfast::journal {

void AckLedger::add_segment(std::uint64_t id, Lsn base_lsn) {
  segments_.push_back({id, base_lsn, 0, 0, {}});
}

void AckLedger::add_record(Lsn lsn) {
  auto& segment = segments_.back();
  const auto index = lsn - segment.base_lsn;
  if (segment.waits.size() <= index) segment.waits.resize(index + 1);
  segment.waits[index] = true;
  ++segment.pending;
  ++pending_;
}

AckLedger::Segment* AckLedger::find(Lsn lsn) {
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), lsn,
                       [](Lsn value, const Segment& segment) { return value < segment.base_lsn; });
  return after == segments_.begin() ? nullptr : &*std::prev(after);
}

void AckLedger::acknowledge(Lsn lsn) {
  auto* segment = find(lsn);
  if (!segment || !is_pending(lsn)) return;
  segment->waits[lsn - segment->base_lsn] = false;
  --segment->pending;
  --pending_;
}

bool AckLedger::is_pending(Lsn lsn) const {
  const auto* segment = const_cast<AckLedger*>(this)->find(lsn);
  if (!segment) return false;
  const auto index = lsn - segment->base_lsn;
  return index < segment->waits.size() && segment->waits[index];
}

std::optional<std::uint64_t> AckLedger::deletable() const {
  if (segments_.size() < 2 || segments_.front().pending > 0) return std::nullopt;
  return segments_.front().id;
}

void AckLedger::remove_oldest() {
  segments_.pop_front();
}

std::uint64_t AckLedger::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& segment : segments_) sum += segment.bytes;
  return sum;
}

}  // namespace holdfast::journal
