// tokenizer_benchmark TEXT.jsonl…: how fast o200k_base is counted, in MB of text a second of the thread's own
// processor time (the machine may be shared). Each file holds one message a line, as a JSON string. With
// --make DIR writes generated texts to DIR instead. tests/benchmarks/tokenizer_speed runs all of it, beside
// the WASM encoder of npm's tiktoken.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "generated_chat.hpp"
#include "holdfast/text/tokenizer.hpp"

namespace {

using namespace holdfast;

constexpr int kPasses = 7;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The median pass.
double seconds_to_count(const std::vector<std::string>& messages, std::size_t& tokens) {
  std::vector<double> passes;
  for (int pass = 0; pass < kPasses; ++pass) {
    const double began = thread_seconds();
    tokens = 0;
    for (const auto& message : messages) tokens += text::count_tokens(text::Encoding::o200k_base, message);
    passes.push_back(thread_seconds() - began);
  }
  std::sort(passes.begin(), passes.end());
  return passes[kPasses / 2];
}

void measure(const std::filesystem::path& file) {
  std::vector<std::string> messages;
  double bytes = 0;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    messages.push_back(nlohmann::json::parse(line).get<std::string>());
    bytes += static_cast<double>(messages.back().size());
  }
  std::size_t tokens = 0;
  const double seconds = seconds_to_count(messages, tokens);
  std::printf("%-24s holdfast       %8.2f MB %9zu tokens %9.1f MB/s %9.2f ms\n", file.stem().c_str(),
              bytes / 1e6, tokens, bytes / 1e6 / seconds, seconds * 1e3);
}

void make(const std::filesystem::path& folder) {
  const auto write = [&](const char* name, const auto& message, std::size_t bytes) {
    std::ofstream out(folder / (std::string(name) + ".jsonl"));
    for (std::size_t written = 0; written < bytes;) {
      const std::string text = message();
      written += text.size();
      out << nlohmann::json(text) << '\n';
    }
  };
  constexpr std::size_t kBytes = 8'000'000;
  benchmarks::GeneratedChat chat(1, 300);
  write(
      "generated_chat", [&] { return chat.message(); }, kBytes);
  const std::vector<std::string> others{
      "Привет",     "сегодня", "мы",         "встретили", "друзей", "Straße", "können",   "naïve",  "café",
      "mañana",     "niños",   "Ελληνικά",   "ημέρα",     "你好",   "今天",   "我们去了", "公园",   "東京で",
      "食べました", "友達と",  "안녕하세요", "오늘은",    "친구를", "नमस्ते",   "हिन्दी",    "مرحبا",  "اليوم",
      "שלום",       "ภาษาไทย", "👍🏽",   "🎉",         "dünya",  "ağaç",   "język",    "źródło", "việt"};
  const auto mixed = [&] {
    std::string text;
    for (auto left = 5 + chat.below(30); left > 0; --left) text += others[chat.below(others.size())] + ' ';
    return text;
  };
  write("generated_multilingual", mixed, kBytes / 4);
  for (const char letter : {'a', 'z'}) {
    write((std::string("one_megabyte_of_") + letter).c_str(), [&] { return std::string(1'000'000, letter); },
          1);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--make") {
    make(argv[2]);
    return 0;
  }
  for (int i = 1; i < argc; ++i) measure(argv[i]);
}
