// A journal on a file system in memory, with what it acknowledged.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
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
    made.segment_bytes = 4096;
    made.durability = durability;
    made.sync_interval = std::chrono::milliseconds(1);
    return made;
  }

  // Opens, replays and starts. What is replayed is in `replayed`.
  void open(Lsn at_least = 0) {
    journal.reset();
    auto opened = Journal::open(
        options(), files, [&]() -> Result<Lsn> { return at_least; },
        *(probe = std::make_unique<metrics::JournalProbe>()));
    ASSERT_TRUE(opened) << opened.error().message;
    journal = std::move(*opened);
    journal->start(2, [this](unsigned, std::vector<Completion> completions) {
      const std::lock_guard lock(mutex);
      for (auto& completion : completions) {
        order.push_back(completion.ticket);
        completed[completion.ticket] = completion;
      }
      changed.notify_all();
    });
    replayed.clear();
    const auto replay =
        journal->replay([&](ReplayedRecord record) { replayed.push_back(std::move(record)); });
    ASSERT_TRUE(replay) << replay.error().message;
    summary = *replay;
  }

  void append(std::uint64_t ticket, const std::string& content, unsigned shard = 0) {
    const Operation operation = append_of(content);
    journal->append(shard, ticket, RecordType::append, encode(operation));
  }

  Completion wait(std::uint64_t ticket) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return completed.contains(ticket); });
    return completed[ticket];
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

  Durability durability = Durability::fsync;
  io::MemoryFileSystem files;
  std::unique_ptr<metrics::JournalProbe> probe;
  std::unique_ptr<Journal> journal;
  std::vector<ReplayedRecord> replayed;
  ReplaySummary summary;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::uint64_t, Completion> completed;
  std::vector<std::uint64_t> order;
  std::uint64_t last_ticket = 1'000'000;
};

}  // namespace holdfast::journal
