// How many messages a second of processor time go from an add to a store that keeps nothing: tokens, journal
// (in memory), buffers, chunks and vectors, all threads together. 100-message adds of generated chat, each
// text another.
//   discarding_store_benchmark [ROUNDS]   prints a line a round
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

#include "fakes/running_engine.hpp"
#include "fakes/scripted_store.hpp"
#include "generated_chat.hpp"

namespace {

using namespace holdfast;

constexpr int kUsers = 20, kAdds = 200, kMessages = 100;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  store::ScriptedStore store([] { return store::Fate::discard; });
  engine::Options options;
  options.max_journal_bytes = 1u << 30;
  options.user_share = 1;
  engine::RunningEngine engine(options, store);
  engine.add_agent("bot");
  std::vector<std::string> sessions;
  for (int user = 0; user < kUsers; ++user) {
    engine.add_user(std::to_string(user));
    sessions.push_back(engine.add_session(std::to_string(user), "bot"));
  }
  benchmarks::GeneratedChat chat(1, 300);
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::vector<std::string>> adds(kAdds);
    std::size_t bytes = 0;
    for (auto& contents : adds) {
      for (int i = 0; i < kMessages; ++i) bytes += contents.emplace_back(chat.message()).size();
    }
    const auto before = cpu_seconds();
    std::vector<std::future<engine::Outcome<engine::AddAnswer>>> answers;
    for (int i = 0; i < kAdds; ++i) {
      answers.push_back(engine.start(
          engine.adding(sessions[static_cast<std::size_t>(i % kUsers)], adds[static_cast<std::size_t>(i)])));
    }
    for (auto& answer : answers) {
      if (!answer.get()) {
        std::fprintf(stderr, "an add was refused\n");
        return 1;
      }
    }
    if (engine.drain() > 0) {
      std::fprintf(stderr, "not all of it was stored\n");
      return 1;
    }
    const auto spent = cpu_seconds() - before;
    constexpr double kCount = kAdds * kMessages;
    std::printf("%.0f messages of %.0f bytes: %.1f µs each, %.0f a second of one core\n", kCount,
                static_cast<double>(bytes) / kCount, spent / kCount * 1e6, kCount / spent);
  }
}
