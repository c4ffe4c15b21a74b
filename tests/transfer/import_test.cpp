// What an import gives to its target: in order, in chunks, each line once, wrong ones by their number.
#include "holdfast/transfer/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "holdfast/transfer/targets.hpp"
#include "text_file.hpp"

namespace holdfast::transfer {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Le;
using testing::Pair;
using testing::SizeIs;

class RecordingTarget final : public Target {
 public:
  std::vector<std::string> contents, ids;
  std::vector<std::size_t> chunks;
  std::set<std::string> refuses;  // contents
  std::size_t fails_at = 1000;    // chunk
  std::function<void()> before_next = [] {};

  Result<ChunkAnswer> write(const NextMessages& next) override {
    ChunkAnswer answer;
    std::size_t index = 0;
    const auto get = [&] {
      before_next();
      return next();
    };
    for (auto messages = get(); !messages.empty(); messages = get()) {
      for (const auto& message : messages) {
        const auto& content = message.named.message.content;
        if (refuses.contains(content)) {
          answer.refused.emplace_back(index, "refused");
        } else {
          contents.push_back(content);
          ids.push_back(message.named.message.id);
          ++answer.added;
        }
        ++index;
      }
    }
    chunks.push_back(index);
    if (chunks.size() > fails_at) return retryable("down");
    return answer;
  }
  bool wants_features() const override { return false; }
};

std::string line(const std::string& content) {
  return R"({"user":"u","agent":"a","session":"s","role":"user","content":")" + content + "\"}\n";
}

struct ImportTest : testing::Test {
  RecordingTarget target;
  Import job;
  std::vector<std::pair<std::uint64_t, std::string>> wrong;
  std::vector<std::uint64_t> positions;

  ImportTest() {
    job.options.chunk_size = 10;
    job.options.micro_batch = 3;
    job.source = "file";
    job.on_wrong_line = [this](std::uint64_t number, const std::string& why) {
      wrong.emplace_back(number, why);
    };
    job.on_chunk = [this](const ImportCounts& counts) { positions.push_back(counts.position.line); };
  }

  Result<ImportSummary> run(const std::string& text) {
    const TextFile file(text);
    if (::lseek(file.descriptor(), static_cast<off_t>(job.begin.offset), SEEK_SET) < 0) std::abort();
    LineReader reader(file.descriptor(), job.begin, 64, 1000);
    return import_lines(reader, target, job);
  }
};

TEST_F(ImportTest, AChunkEndsEarlyWhereMemoryIsShort) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += line(std::to_string(i));
  int asked = 0;
  job.steps_between_checks = 5;
  job.memory_is_short = [&] { return ++asked != 3; };
  const auto summary = run(text);
  ASSERT_TRUE(summary);
  EXPECT_THAT(target.contents, SizeIs(20));
  // Asked after 5, 10, 15 and 20 messages; a chunk ends with its micro-batch of 3.
  EXPECT_THAT(target.chunks, ElementsAre(6, 6, 8));
  EXPECT_EQ(asked, 4);
  EXPECT_DOUBLE_EQ(summary->check_rate, 0.2);
  EXPECT_DOUBLE_EQ(summary->pressure_event_rate, 0.15);
}

TEST_F(ImportTest, LinesKeepTheirOrderHoweverManyThreadsPrepareThem) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    expected.push_back(std::to_string(i));
    text += line(expected.back()) + (i % 7 == 0 ? "\n" : "");
  }
  for (const std::size_t threads : {1, 2, 8}) {
    target = {};
    job.options.max_concurrent = threads;
    const auto summary = run(text);
    ASSERT_TRUE(summary);
    EXPECT_EQ(target.contents, expected);
    EXPECT_EQ(summary->counts.added, 500u);
    EXPECT_EQ(summary->counts.position.line, 572u);
    EXPECT_THAT(target.chunks, Each(Le(12u))) << "a chunk ends with the micro-batch that fills it";
  }
}

TEST_F(ImportTest, AWrongLineIsToldByItsNumberAndSkipped) {
  job.on_error = OnError::skip;
  target.refuses = {"five"};
  const auto summary = run(line("one") + "nonsense\n" + "\n" + line("four") + line("five") + line("six"));
  ASSERT_TRUE(summary);
  EXPECT_FALSE(summary->stopped);
  EXPECT_EQ(summary->counts.wrong, 2u);
  EXPECT_THAT(wrong, ElementsAre(Pair(2, "it is not valid JSON"), Pair(5, "refused")));
  EXPECT_THAT(target.contents, ElementsAre("one", "four", "six"));
}

TEST_F(ImportTest, AWrongLineStopsBehindWhatIsBeforeIt) {
  std::string text;
  for (int i = 1; i <= 24; ++i) text += line(std::to_string(i));
  const auto summary = run(text + "nonsense\n" + line("26"));
  ASSERT_TRUE(summary);
  EXPECT_TRUE(summary->stopped);
  EXPECT_EQ(wrong.front().first, 25u);
  EXPECT_THAT(target.contents, SizeIs(24));
  EXPECT_THAT(positions, ElementsAre(12, 24)) << "a resumed run begins before the wrong line";
}

TEST_F(ImportTest, AnIdFollowsFromSourceNumberAndLine) {
  ASSERT_TRUE(run(line("x") + line("x") + line("y")));
  const auto first = target.ids;
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 3u);
  target = {};
  job.begin = {1, line("x").size()};
  ASSERT_TRUE(run(line("x") + line("x") + line("y")));
  EXPECT_THAT(target.ids, ElementsAre(first[1], first[2]));
  target = {};
  job.source = "other file";
  ASSERT_TRUE(run(line("x") + line("x") + line("y")));
  EXPECT_NE(target.ids[0], first[1]);
}

TEST_F(ImportTest, ATargetThatFailsEndsItWithWhatIsDurableTold) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += line(std::to_string(i));
  target.fails_at = 2;
  const auto summary = run(text);
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().kind, ErrorKind::retryable);
  EXPECT_THAT(positions, ElementsAre(12, 24));
}

TEST_F(ImportTest, ALineThatIsTooLongIsWrong) {
  job.on_error = OnError::skip;
  ASSERT_TRUE(run(line(std::string(2000, 'x')) + line("short")));
  EXPECT_THAT(wrong, ElementsAre(Pair(1, "it is longer than a line may be")));
  EXPECT_THAT(target.contents, ElementsAre("short"));
}

TEST_F(ImportTest, MessagesThatAloneFillTheLimitStillGoThrough) {
  job.options.operation_limit = 10;
  ASSERT_TRUE(run(line("one") + line("two") + line("three") + line("four") + line("five")));
  EXPECT_THAT(target.contents, SizeIs(5));
}

// The target takes its time: how far the file has been read before it asks for more.
TEST_F(ImportTest, NoMoreIsReadThanTheLimitWhileTheTargetIsSlow) {
  const std::string content(900, 'x');
  const auto bytes = line(content).size();
  std::string text;
  for (int i = 0; i < 400; ++i) text += line(content);
  job.options.chunk_size = 1000;
  job.options.micro_batch = 5;
  const auto most_ahead = [&](std::size_t limit) {
    job.options.operation_limit = limit;
    target = {};
    const TextFile file(text);
    std::size_t most = 0;
    target.before_next = [&] {
      const auto read = static_cast<std::size_t>(::lseek(file.descriptor(), 0, SEEK_CUR));
      most = std::max(most, read - target.contents.size() * bytes);
    };
    LineReader reader(file.descriptor(), {}, 64, 1000);
    EXPECT_TRUE(import_lines(reader, target, job));
    EXPECT_THAT(target.contents, SizeIs(400));
    return most;
  };
  constexpr std::size_t kLimit = 20'000;
  EXPECT_LE(most_ahead(kLimit), kLimit);
  EXPECT_GT(most_ahead(100 * kLimit), kLimit);  // by the number of micro-batches alone
}

TEST(ServerUrl, OnlyAHostAndAPort) {
  EXPECT_EQ(parse_server("http://example.org:81/")->port, 81);
  EXPECT_EQ(parse_server("http://127.0.0.1")->port, 8000);
  for (const auto* wrong :
       {"", "https://a", "http://", "http://a/b", "http://a:x", "http://a:0", "http://u@a"}) {
    EXPECT_FALSE(parse_server(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace holdfast::transfer
