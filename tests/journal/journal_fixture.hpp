// A journal on a file system in memory, with what it acknowledged.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fakes/memory_file_system.hpp"
#include "holdfast/journal/journal.hpp"

namespace holdfast::journal {

inline AppendRecord append_of(const std::string& content, const std::string& session = "s") {
  Message message;
  message.id = "id-" + content;
  message.session_id = session;
  message.content = content;
  message.seq = 1;
  AppendRecord record;
  record.user_id = "u";
  record.round.session_id = session;
  record.round.messages = {message};
  return record;
}

inline std::string content_of(const ReplayedRecord& record) {
  const auto* append = std::get_if<AppendRecord>(&record.operation);
  return append ? append->round.messages[0].content : "";
}

class JournalFixture : public testing::Test {
 protected:
  Options options() {
    Options made;
    made.dir = "/j";
    made.segment_bytes = segment_bytes;
    made.durability = durability;
    made.sync_interval = std::chrono::milliseconds(1);
    return made;
  }

  // Opens, starts and replays. What is replayed is in `replayed`.
  void open(Lsn at_least = 0) { open_with(options(), at_least); }

  void open_with(const Options& chosen, Lsn at_least = 0) {
    open_without_start(chosen, at_least);
    start();
    replay();
  }

  void open_without_start(const Options& chosen, Lsn at_least = 0) {
    journal.reset();
    epoch = 0;
    probe = std::make_unique<metrics::JournalProbe>();
    auto opened = Journal::open(
        chosen, files, [&]() -> Result<Lsn> { return at_least; }, *probe);
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
  }

  // before: on the journal's thread, before completions are taken.
  void start(std::function<void()> before = [] {}) {
    journal->start(2, [this, before](unsigned, std::vector<Completion> completions) {
      before();
      const std::lock_guard lock(mutex);
      for (auto& completion : completions) {
        order.push_back(completion.ticket);
        epoch = std::max(epoch.load(), completion.epoch);
        completed[completion.ticket] = std::move(completion);
      }
      changed.notify_all();
    });
  }

  void replay() {
    replayed.clear();
    const auto done = journal->replay([&](ReplayedRecord record) { replayed.push_back(std::move(record)); });
    ASSERT_TRUE(done) << done.error().message;
    summary = *done;
  }

  void append(std::uint64_t ticket, const std::string& content, unsigned shard = 0) {
    const Operation operation = append_of(content);
    journal->append({Submission{shard, epoch, ticket, RecordType::append, encode(operation), {}}});
  }

  Completion wait(std::uint64_t ticket) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return completed.contains(ticket); });
    return completed[ticket];
  }

  // What is promised by now, in the order of the promises.
  std::vector<std::uint64_t> promised() {
    const std::lock_guard lock(mutex);
    std::vector<std::uint64_t> tickets;
    for (const auto ticket : order) {
      if (!completed[ticket].error) tickets.push_back(ticket);
    }
    return tickets;
  }

  // Appends and waits; the LSN, 0 when refused.
  Lsn put(const std::string& content) {
    const auto ticket = ++last_ticket;
    append(ticket, content);
    return wait(ticket).lsn;
  }

  std::vector<std::string> replayed_contents() {
    std::vector<std::string> contents;
    for (const auto& record : replayed) contents.push_back(content_of(record));
    return contents;
  }

  void restart() {
    journal.reset();
    open();
  }

  // As if the process were killed and the machine lost its power.
  void crash_and_restart() {
    files.crash();
    journal.reset();
    // What the old journal wrote when it closed went to files that are no longer there.
    open();
  }

  std::vector<std::string> segment_names() {
    auto names = *files.list("/j");
    std::erase_if(names, [](const auto& name) { return !name.ends_with(".journal"); });
    return names;
  }
  std::size_t segment_files() { return segment_names().size(); }

  Durability durability = Durability::fsync;
  std::uint64_t segment_bytes = 8192;
  io::MemoryFileSystem files;
  std::unique_ptr<metrics::JournalProbe> probe;
  std::unique_ptr<Journal> journal;
  std::vector<ReplayedRecord> replayed;
  ReplaySummary summary;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Completion> completed;
  std::vector<std::uint64_t> order;
  std::atomic<std::uint64_t> epoch{0};  // of all shards: a test that fails appends uses one
  std::uint64_t last_ticket = 1'000'000;
};

}  // namespace holdfast::journal
