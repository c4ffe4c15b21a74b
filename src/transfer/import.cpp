#include "holdfast/transfer/import.hpp"

#include <optional>
#include <utility>

#include "holdfast/base/ids.hpp"
#include "holdfast/memory/limits.hpp"
#include "holdfast/text/features.hpp"
#include "holdfast/transfer/message_line.hpp"
#include "preparation.hpp"

namespace holdfast::transfer {
namespace {

PreparedLine prepare(Line line, const Import& import, bool with_features) {
  PreparedLine prepared;
  prepared.number = line.number;
  if (line.too_long) {
    prepared.problem = "it is longer than a line may be";
    return prepared;
  }
  auto parsed = parse_message_line(line.text, import.options.max_message_bytes);
  if (!parsed) {
    prepared.problem = parsed.error().message;
    return prepared;
  }
  auto& message = parsed->named.message;
  if (!parsed->has_id) {
    message.id = derive_uuid(import.source + '\n' + std::to_string(line.number) + '\n' + line.text);
  }
  if (!parsed->has_created_at) message.created_at = message.updated_at = import.now;
  prepared.message.named = std::move(parsed->named);
  if (with_features) {
    prepared.message.features =
        text::extract_features(prepared.message.named.message.content, *import.embedder, import.chunking);
  }
  return prepared;
}

// Cuts the stream of micro-batches into chunks and keeps account of them.
class ChunkFeed {
 public:
  ChunkFeed(Preparation& preparation, const Import& import, ImportSummary& summary)
      : preparation_(preparation),
        import_(import),
        summary_(summary),
        end_(import.begin),
        checks_(import.steps_between_checks) {}

  // False: there is no further chunk.
  bool begin_chunk() {
    numbers_.clear();
    wrong_ = 0;
    lines_ = 0;
    memory_is_short_ = false;
    if (!pending_) pull();
    return pending_.has_value();
  }

  // The chunk's next messages; none when it is complete.
  std::vector<store::ImportedMessage> next() {
    std::vector<store::ImportedMessage> messages;
    while (messages.empty() && lines_ < import_.options.chunk_size && !memory_is_short_) {
      if (!pending_) pull();
      if (!pending_) break;
      lines_ += pending_->end.line - end_.line;
      end_ = pending_->end;
      take(*std::exchange(pending_, std::nullopt), messages);
    }
    return messages;
  }

  void settle(const ChunkAnswer& answer) {
    auto& counts = summary_.counts;
    counts.added += answer.added;
    counts.present += answer.present;
    counts.wrong += wrong_ + answer.refused.size();
    for (const auto& [index, why] : answer.refused) import_.on_wrong_line(numbers_[index], why);
    if (!answer.refused.empty() && import_.on_error == OnError::stop) summary_.stopped = true;
    counts.position = end_;
    summary_.check_rate = checks_.check_rate();
    summary_.pressure_event_rate = checks_.pressure_event_rate();
  }

  const std::optional<Error>& failure() const { return failure_; }

 private:
  void pull() {
    if (summary_.stopped || failure_) return;
    auto batch = preparation_.next();
    if (!batch) {
      failure_ = batch.error();
    } else {
      pending_ = std::move(*batch);
    }
  }

  void take(MicroBatch batch, std::vector<store::ImportedMessage>& messages) {
    for (auto& line : batch.lines) {
      if (line.problem.empty()) {
        messages.push_back(std::move(line.message));
        numbers_.push_back(line.number);
        check_memory();
        continue;
      }
      ++wrong_;
      import_.on_wrong_line(line.number, line.problem);
      if (import_.on_error == OnError::skip) continue;
      summary_.stopped = true;
      return;
    }
  }

  void check_memory() {
    if (!import_.memory_is_short || !checks_.step()) return;
    const bool is_short = import_.memory_is_short();
    checks_.found(is_short);
    memory_is_short_ = memory_is_short_ || is_short;
  }

  Preparation& preparation_;
  const Import& import_;
  ImportSummary& summary_;
  std::optional<MicroBatch> pending_;
  LinePosition end_;                     // behind the last micro-batch taken
  std::vector<std::uint64_t> numbers_;   // of the lines of the chunk's messages
  std::uint64_t lines_ = 0, wrong_ = 0;  // of the chunk
  memory::StepChecks checks_;
  bool memory_is_short_ = false;  // found during the chunk
  std::optional<Error> failure_;
};

}  // namespace

Result<ImportSummary> import_lines(LineReader& reader, Target& target, const Import& import) {
  const bool with_features = target.wants_features();
  Preparation preparation(reader, import.options,
                          [&](Line line) { return prepare(std::move(line), import, with_features); });
  ImportSummary summary;
  summary.counts.position = import.begin;
  ChunkFeed feed(preparation, import, summary);
  while (!summary.stopped && feed.begin_chunk()) {
    const auto answer = target.write([&] { return feed.next(); });
    if (!answer) return answer.error();
    feed.settle(*answer);
    // A resumed run begins with the line that stopped this one.
    if (!summary.stopped) import.on_chunk(summary.counts);
  }
  if (feed.failure()) return *feed.failure();
  return summary;
}

}  // namespace holdfast::transfer
