#include "holdfast/buffer/session_buffer.hpp"

#include <algorithm>
#include <utility>

#include "holdfast/metrics/accounted.hpp"

namespace holdfast::buffer {
namespace {

// The message in one of the rounds, newest round first (changes mostly concern what is recent).
template <class Rounds>
auto find_in(Rounds& rounds, std::string_view id)
    -> std::optional<std::pair<decltype(rounds.begin()), std::size_t>> {
  for (auto round = rounds.end(); round != rounds.begin();) {
    --round;
    for (std::size_t i = 0; i < round->messages.size(); ++i) {
      if (round->messages[i].message.id == id) return std::pair{round, i};
    }
  }
  return std::nullopt;
}

void note_change(BufferedRound& round, Lsn lsn) {
  if (round.change_lsns.empty() || round.change_lsns.back() != lsn) round.change_lsns.push_back(lsn);
}

template <class Rounds>
std::optional<Replaced> change_in(Rounds& rounds, Stage stage, const Change& change, Lsn lsn) {
  const auto found = find_in(rounds, change.message.id);
  if (!found) return std::nullopt;
  const auto [round, index] = *found;
  const Replaced replaced{stage, text_bytes(round->messages[index].message), round->maybe_stored};
  round->messages[index] = {change.message, lsn};
  note_change(*round, lsn);
  return replaced;
}

void append_lsns(const BufferedRound& round, std::vector<Lsn>& lsns) {
  lsns.push_back(round.lsn);
  lsns.insert(lsns.end(), round.change_lsns.begin(), round.change_lsns.end());
}

template <class Rounds>
std::optional<Replaced> erase_in(Rounds& rounds, Stage stage, std::string_view id, Lsn lsn,
                                 std::vector<Lsn>& released) {
  const auto found = find_in(rounds, id);
  if (!found) return std::nullopt;
  const auto [round, index] = *found;
  const Replaced replaced{stage, text_bytes(round->messages[index].message), round->maybe_stored};
  round->messages.erase(round->messages.begin() + static_cast<std::ptrdiff_t>(index));
  note_change(*round, lsn);
  if (round->messages.empty()) {
    append_lsns(*round, released);
    rounds.erase(round);
  }
  return replaced;
}

std::size_t bytes_of(const StoreOperation& operation) {
  const auto* change = std::get_if<Change>(&operation.what);
  return metrics::kMessageOverhead + (change ? text_bytes(change->message) : 0);
}

std::size_t bytes_of(const std::vector<StoreOperation>& operations) {
  std::size_t sum = 0;
  for (const auto& operation : operations) sum += bytes_of(operation);
  return sum;
}

}  // namespace

std::string_view StoreOperation::id() const {
  if (const auto* change = std::get_if<Change>(&what)) return change->message.id;
  return std::get<Erasure>(what).id;
}

std::size_t Batch::message_count() const {
  std::size_t count = 0;
  for (const auto& round : rounds) count += round.messages.size();
  return count;
}

std::size_t Batch::bytes() const {
  std::size_t sum = 0;
  for (const auto& round : rounds) sum += round.bytes();
  return sum;
}

std::size_t Batch::operation_bytes() const {
  return bytes_of(operations);
}

std::vector<Lsn> Batch::lsns() const {
  std::vector<Lsn> all;
  for (const auto& operation : operations) all.push_back(operation.lsn);
  for (const auto& round : rounds) append_lsns(round, all);
  return all;
}

std::vector<SessionBuffer::Move> SessionBuffer::move_on(std::vector<Moved> moved, SteadyTime now) {
  std::vector<Move> moves;
  for (auto& item : moved) {
    moves.push_back({item.reason, item.round.messages.size(), item.round.bytes()});
    item.round.moved = now;
    hybrid_.push_back(std::move(item.round));
  }
  return moves;
}

std::vector<SessionBuffer::Move> SessionBuffer::add(BufferedRound round, SteadyTime now) {
  ++entered_;
  last_added_ = now;
  round.added = now;
  return move_on(round_buffer_.add(std::move(round)), now);
}

std::vector<SessionBuffer::Move> SessionBuffer::advance(SteadyTime now) {
  if (round_buffer_.empty()) return {};
  if (now >= round_buffer_.rounds().front().added + options_->force_flush_timeout) {
    return move_on(round_buffer_.take_all(TransferReason::force), now);
  }
  const bool idle_moves = options_->strategy != FlushStrategy::size_based;
  if (idle_moves && now >= *last_added_ + options_->flush_interval) {
    return move_on(round_buffer_.take_all(TransferReason::idle), now);
  }
  return {};
}

std::vector<SessionBuffer::Move> SessionBuffer::request_flush(FlushReason reason, SteadyTime now) {
  if (!hybrid_.empty() || !round_buffer_.empty() || !operations_.empty()) requested_ = reason;
  const auto why = reason == FlushReason::shutdown ? TransferReason::shutdown : TransferReason::request;
  return move_on(round_buffer_.take_all(why), now);
}

std::optional<FlushReason> SessionBuffer::flush_due(SteadyTime now) const {
  if (in_flight_ || (hybrid_.empty() && operations_.empty())) return std::nullopt;
  if (requested_) return requested_;
  if (!operations_.empty()) return FlushReason::operation;
  if (now >= hybrid_.front().added + options_->force_flush_timeout) return FlushReason::force;
  if (options_->strategy != FlushStrategy::time_based && hybrid_.size() >= options_->hybrid.max_rounds) {
    return FlushReason::size;
  }
  const bool timed = options_->strategy != FlushStrategy::size_based && options_->hybrid.auto_flush;
  if (timed && now >= hybrid_.front().moved + options_->hybrid.auto_flush_interval)
    return FlushReason::interval;
  return std::nullopt;
}

std::optional<SteadyTime> SessionBuffer::next_deadline() const {
  std::optional<SteadyTime> next;
  const auto consider = [&](SteadyTime time) { next = next ? std::min(*next, time) : time; };
  const bool timed = options_->strategy != FlushStrategy::size_based;
  if (!round_buffer_.empty()) {
    consider(round_buffer_.rounds().front().added + options_->force_flush_timeout);
    if (timed) consider(*last_added_ + options_->flush_interval);
  }
  if (!hybrid_.empty() && !in_flight_) {
    consider(hybrid_.front().added + options_->force_flush_timeout);
    if (timed && options_->hybrid.auto_flush)
      consider(hybrid_.front().moved + options_->hybrid.auto_flush_interval);
  }
  return next;
}

const Batch& SessionBuffer::take_batch(FlushReason reason) {
  Batch& batch = in_flight_.emplace();
  batch.number = next_batch_++;
  batch.reason = reason;
  std::size_t messages = 0, bytes = 0;
  const auto fits = [&](std::size_t more_messages, std::size_t more_bytes) {
    messages += more_messages;
    bytes += more_bytes;
    const bool first = batch.operations.empty() && batch.rounds.empty();
    return first || (messages <= kMaxBatchMessages && bytes <= kMaxBatchBytes);
  };
  const auto same_record = [&](const StoreOperation& operation) {  // acknowledged together
    return !batch.operations.empty() && batch.operations.back().lsn == operation.lsn;
  };
  auto next = operations_.begin();
  for (; next != operations_.end() && (fits(1, bytes_of(*next)) || same_record(*next)); ++next) {
    batch.operations.push_back(std::move(*next));
  }
  operations_.erase(operations_.begin(), next);
  while (operations_.empty() && !hybrid_.empty()) {
    const bool fit = fits(hybrid_.front().messages.size(), hybrid_.front().bytes());
    if (!fit && !batch.rounds.empty()) break;
    batch.rounds.push_back(std::move(hybrid_.front()));
    hybrid_.pop_front();
  }
  if (hybrid_.empty() && operations_.empty()) requested_.reset();
  return batch;
}

Batch SessionBuffer::batch_settled() {
  Batch batch = std::move(*in_flight_);
  in_flight_.reset();
  settled_ += batch.rounds.size() + batch.operations.size();
  if (empty()) release_storage();
  return batch;
}

std::vector<SessionBuffer::Dropped> SessionBuffer::drop_newest_unchanged() {
  std::vector<Dropped> dropped;
  const auto drop_from = [&](auto& rounds, Stage stage) {
    for (; !rounds.empty() && rounds.back().change_lsns.empty(); rounds.pop_back())
      dropped.push_back({stage, std::move(rounds.back())});
  };
  drop_from(round_buffer_.rounds(), Stage::round_buffer);
  if (round_buffer_.empty()) drop_from(hybrid_, Stage::hybrid_buffer);
  std::reverse(dropped.begin(), dropped.end());
  entered_ -= dropped.size();
  if (round_buffer_.empty() && hybrid_.empty() && operations_.empty()) requested_.reset();
  release_storage();
  return dropped;
}

// Of a million sessions most are idle.
void SessionBuffer::release_storage() {
  round_buffer_.rounds().shrink_to_fit();
  hybrid_.shrink_to_fit();
  operations_.shrink_to_fit();
}

Applied SessionBuffer::update(const Change& change, Lsn lsn, Done done) {
  Applied applied;
  const bool hidden = done == Done::before && !find(change.message.id);
  applied.in_place = change_in(round_buffer_.rounds(), Stage::round_buffer, change, lsn);
  if (!applied.in_place) applied.in_place = change_in(hybrid_, Stage::hybrid_buffer, change, lsn);
  applied.queued_bytes = queue_unless_new(applied.in_place, {lsn, change, hidden || applied.in_place});
  return applied;
}

Applied SessionBuffer::erase(std::string_view id, Lsn lsn, std::vector<Lsn>& released, Done done) {
  const auto before = released.size();
  Applied applied;
  const bool hidden = done == Done::before && !find(id);
  applied.in_place = erase_in(round_buffer_.rounds(), Stage::round_buffer, id, lsn, released);
  if (!applied.in_place) applied.in_place = erase_in(hybrid_, Stage::hybrid_buffer, id, lsn, released);
  if (released.size() > before) ++settled_;
  applied.queued_bytes = queue_unless_new(applied.in_place, {lsn, Erasure{std::string(id)}, hidden});
  return applied;
}

// A message that was changed in place and never offered to the store needs nothing from it.
std::size_t SessionBuffer::queue_unless_new(const std::optional<Replaced>& in_place,
                                            StoreOperation operation) {
  if (in_place && !in_place->maybe_stored) return 0;
  operations_.push_back(std::move(operation));
  ++entered_;
  return bytes_of(operations_.back());
}

std::unordered_map<std::string_view, const StoreOperation*> SessionBuffer::pending() const {
  std::unordered_map<std::string_view, const StoreOperation*> last;
  const auto enter = [&](const std::vector<StoreOperation>& operations) {
    for (const auto& operation : operations) {
      if (!operation.hidden) last[operation.id()] = &operation;
    }
  };
  if (in_flight_) enter(in_flight_->operations);
  enter(operations_);
  return last;
}

void SessionBuffer::for_each(const Visitor& visit) const {
  const auto waiting = pending();
  if (in_flight_) {
    for (const auto& round : in_flight_->rounds) {
      for (const auto& held : round.messages) {
        const auto operation = waiting.find(held.message.id);
        if (operation == waiting.end() || operation->second->lsn <= held.lsn)
          visit(Stage::in_flight, held.message);
      }
    }
  }
  for (const auto& [id, operation] : waiting) {
    const auto* change = std::get_if<Change>(&operation->what);
    if (change) visit(Stage::in_flight, change->message);
  }
  for (const auto& round : hybrid_) {
    for (const auto& held : round.messages) visit(Stage::hybrid_buffer, held.message);
  }
  for_each_in_round_buffer(visit);
}

void SessionBuffer::for_each_in_round_buffer(const Visitor& visit) const {
  for (const auto& round : round_buffer_.rounds()) {
    for (const auto& held : round.messages) visit(Stage::round_buffer, held.message);
  }
}

void SessionBuffer::for_each_erasure(const std::function<void(std::string_view)>& visit) const {
  for (const auto& [id, operation] : pending()) {
    if (std::holds_alternative<Erasure>(operation->what)) visit(id);
  }
}

const Message* SessionBuffer::find(std::string_view id) const {
  if (const auto found = find_in(round_buffer_.rounds(), id))
    return &found->first->messages[found->second].message;
  if (const auto found = find_in(hybrid_, id)) return &found->first->messages[found->second].message;
  const auto waiting = pending();
  const auto operation = waiting.find(id);
  if (in_flight_) {
    if (const auto found = find_in(in_flight_->rounds, id)) {
      const auto& held = found->first->messages[found->second];
      if (operation == waiting.end() || operation->second->lsn <= held.lsn) return &held.message;
    }
  }
  if (operation == waiting.end()) return nullptr;
  const auto* change = std::get_if<Change>(&operation->second->what);
  return change ? &change->message : nullptr;
}

bool SessionBuffer::empty() const {
  return round_buffer_.empty() && hybrid_.empty() && operations_.empty() && !in_flight_;
}

std::optional<SteadyTime> SessionBuffer::oldest() const {
  if (in_flight_ && !in_flight_->rounds.empty()) return in_flight_->rounds.front().added;
  if (!hybrid_.empty()) return hybrid_.front().added;
  if (!round_buffer_.empty()) return round_buffer_.rounds().front().added;
  return std::nullopt;
}

SessionBuffer::Held SessionBuffer::held() const {
  Held sum;
  const auto add = [&](const auto& rounds) {
    for (const auto& round : rounds) {
      sum.messages += round.messages.size();
      sum.bytes += round.bytes();
    }
  };
  if (in_flight_) add(in_flight_->rounds);
  add(hybrid_);
  add(round_buffer_.rounds());
  return sum;
}

std::size_t SessionBuffer::operation_bytes() const {
  return bytes_of(operations_) + (in_flight_ ? in_flight_->operation_bytes() : 0);
}

std::vector<Lsn> SessionBuffer::all_lsns() const {
  std::vector<Lsn> all;
  if (in_flight_) all = in_flight_->lsns();
  for (const auto& operation : operations_) all.push_back(operation.lsn);
  for (const auto& round : hybrid_) append_lsns(round, all);
  for (const auto& round : round_buffer_.rounds()) append_lsns(round, all);
  return all;
}

std::vector<Lsn> SessionBuffer::not_held(std::vector<Lsn> lsns) const {
  auto held = all_lsns();
  std::sort(held.begin(), held.end());
  std::erase_if(lsns, [&](Lsn lsn) { return std::binary_search(held.begin(), held.end(), lsn); });
  return lsns;
}

}  // namespace holdfast::buffer
