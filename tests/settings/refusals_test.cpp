// What a wrong configuration is told: one line that says where, what, and what is allowed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "holdfast/settings/settings.hpp"

namespace holdfast::settings {
namespace {

std::string refusal_of_yaml(const std::string& yaml) {
  const auto path =
      std::filesystem::temp_directory_path() /
      ("holdfast-refusal-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + ".yaml");
  std::ofstream(path) << yaml;
  const auto loaded = load({path.string(), {}, {}});
  std::filesystem::remove(path);
  if (loaded) return "(accepted)";
  auto message = loaded.error().message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  const auto at = message.find(path.string());
  if (at != std::string::npos) message.replace(at, path.string().size(), "FILE");
  return message;
}

TEST(Refusals, AnUnknownKeyNamesTheNearest) {
  EXPECT_EQ(
      refusal_of_yaml("buffer:\n  round_buffer:\n    max_tokns: 800\n"),
      "FILE:3: buffer.round_buffer.max_tokns: unknown key; did you mean buffer.round_buffer.max_tokens?");
  EXPECT_EQ(refusal_of_yaml("x: 1\n"), "FILE:1: x: unknown key");
  const std::string long_name(500, 'x');
  EXPECT_EQ(refusal_of_yaml("memory:\n  " + long_name + ": 1\n"),
            "FILE:2: memory." + long_name + ": unknown key; did you mean memory.max_buffer_mb?");
}

TEST(Refusals, AValueOutOfRange) {
  EXPECT_EQ(refusal_of_yaml("buffer:\n  round_buffer: {max_tokens: 7}\n"),
            "FILE:2: buffer.round_buffer.max_tokens: \"7\" is not allowed: must be a whole number from 100 "
            "to 5000");
}

TEST(Refusals, AValueOfAnotherType) {
  EXPECT_EQ(refusal_of_yaml("buffer: {enabled: maybe}\n"),
            "FILE:1: buffer.enabled: \"maybe\" is not allowed: must be true or false");
  EXPECT_EQ(refusal_of_yaml("server:\n  port: [1]\n"),
            "FILE:2: server.port: must be a whole number from 0 to 65535");
  EXPECT_EQ(refusal_of_yaml("server: 5\n"), "FILE:1: server: must be a map of settings");
  EXPECT_EQ(refusal_of_yaml("- a\n"), "FILE: not a map of settings");
}

TEST(Refusals, MemoryLimitsAndSizings) {
  EXPECT_EQ(
      refusal_of_yaml("memory: {sizing: huge}\n"),
      "FILE:1: memory.sizing: \"huge\" is not allowed: must be automatic or data_pipeline or analytics or "
      "ml_training or batch_processing");
  EXPECT_EQ(refusal_of_yaml("memory: {max_process_mb: -1}\n"),
            "FILE:1: memory.max_process_mb: \"-1\" is not allowed: must be a whole number from 0 to 1000000");
  const auto loaded = load({std::nullopt, {"memory.max_process_mb=300", "memory.sizing=analytics"}, {}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.memory.limits.process_bytes, 300u << 20);
  EXPECT_EQ(loaded->settings.memory.limits.buffer_bytes, 0u);
  EXPECT_EQ(loaded->settings.memory.limits.sizing, memory::Sizing::analytics);
  EXPECT_EQ(loaded->settings.memory.interval, std::chrono::milliseconds(250));
  EXPECT_EQ(loaded->settings.memory.mode, memory::Mode::balanced);
  EXPECT_EQ(loaded->settings.memory.defrag_threshold, 0.3);
  EXPECT_EQ(loaded->settings.limits.pool_bytes, 16u << 20);
  EXPECT_EQ(loaded->settings.sqlite.max_cached_bytes, 128u << 20);
}

TEST(Refusals, TheCachesLimits) {
  const auto refused = [](const std::string& override) {
    const auto loaded = load({std::nullopt, {"buffer.query." + override}, {}});
    return loaded ? std::string("(accepted)") : loaded.error().message;
  };
  const std::string must = "is not allowed: must be ";
  const std::vector<std::pair<std::string, std::string>> beyond{
      {"max_size=0", must + "a whole number from 1 to 1000"},
      {"max_size=1001", must + "a whole number from 1 to 1000"},
      {"cache_size=9", must + "a whole number from 10 to 100000"},
      {"cache_size=100001", must + "a whole number from 10 to 100000"},
      {"cache_ttl=25h", must + "a time from 0s to 24h"},
      {"similarity_threshold=0.49", must + "a number from 0.5 to 1"},
      {"similarity_threshold=1.01", must + "a number from 0.5 to 1"},
      {"max_error=-0.1", must + "a number from 0 to 1"},
      {"max_error=1.1", must + "a number from 0 to 1"},
      {"verify_fraction=-0.1", must + "a number from 0 to 1"},
      {"verify_fraction=2", must + "a number from 0 to 1"},
  };
  for (const auto& [given, why] : beyond)
    EXPECT_NE(refused(given).find(why), std::string::npos) << refused(given);
  for (const auto* given :
       {"max_size=1", "max_size=1000", "cache_size=10", "cache_size=100000", "cache_ttl=0s", "cache_ttl=24h",
        "similarity_threshold=0.5", "similarity_threshold=1", "max_error=0", "max_error=1",
        "verify_fraction=0", "verify_fraction=1"})
    EXPECT_EQ(refused(given), "(accepted)") << given;
  const auto loaded = load({std::nullopt, {"buffer.query.cache_size=77", "buffer.query.cache_ttl=0s"}, {}});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.cache.entries, 77u);
  EXPECT_EQ(loaded->settings.cache.ttl.count(), 0);
}

TEST(Refusals, ChunksAndWhatTheModelTakes) {
  const auto load_with = [](const std::string& override) { return load({std::nullopt, {override}, {}}); };
  EXPECT_EQ(load_with("buffer.hybrid_buffer.chunk_strategy=contextual")->settings.chunk_strategy,
            text::ChunkStrategy::contextual);
  EXPECT_EQ(load_with("embedding.openai.max_tokens=512")->settings.embedding.max_tokens, 512u);
  EXPECT_FALSE(load_with("buffer.hybrid_buffer.chunk_strategy=paragraph"));
  EXPECT_FALSE(load_with("buffer.hybrid_buffer.chunk_overlap=0.6"));
  EXPECT_FALSE(load_with("embedding.openai.max_tokens=31"));
}

TEST(Refusals, AKeyGivenTwice) {
  EXPECT_EQ(refusal_of_yaml("server:\n  port: 1\n  port: 2\n"), "FILE:3: server.port: given twice");
}

TEST(Refusals, AKeyOfALaterVersion) {
  EXPECT_EQ(refusal_of_yaml("store:\n  postgres: {dsn: x}\n"),
            "FILE:2: store.postgres.dsn: not supported by this version");
}

TEST(Refusals, BrokenYamlNamesThePlace) {
  EXPECT_TRUE(refusal_of_yaml("buffer: {enabled: true\n").starts_with("FILE:"))
      << refusal_of_yaml("buffer: {\n");
}

TEST(Refusals, AliasesThatWouldNotEnd) {
  EXPECT_EQ(refusal_of_yaml("server: &a {x: *a}\n").substr(0, 8), "FILE:1: ");
  std::string bomb = "a: &a {}\n";
  for (char c = 'a'; c < 'z'; ++c) {
    bomb += std::string(1, static_cast<char>(c + 1)) + ": &" + static_cast<char>(c + 1) + " {x: *" + c +
            ", y: *" + c + "}\n";
  }
  EXPECT_EQ(refusal_of_yaml(bomb), "FILE:1: a: unknown key");
}

TEST(Refusals, ValuesThatDoNotGoTogether) {
  EXPECT_NE(
      refusal_of_yaml("buffer: {performance: {force_flush_timeout: 10s}}\n").find("must not be longer than"),
      std::string::npos);
}

TEST(Refusals, FromTheCommandLineAndTheEnvironment) {
  EXPECT_EQ(load({std::nullopt, {"server.port"}, {}}).error().message,
            "--set server.port: must be KEY=VALUE");
  EXPECT_EQ(load({std::nullopt, {"server.port=x"}, {}}).error().message,
            "--set: server.port: \"x\" is not allowed: must be a whole number from 0 to 65535");
  EXPECT_EQ(load({std::nullopt, {}, {{"HOLDFAST__SERVER__PRT", "1"}}}).error().message,
            "environment HOLDFAST__SERVER__PRT: server.prt: unknown key; did you mean server.port?");
  EXPECT_EQ(load({std::nullopt, {"durability=os"}, {}}).error().message,
            "--set: durability: unknown key; did you mean journal.durability?");
  EXPECT_EQ(load({"nowhere.yaml", {}, {}}).error().message, "nowhere.yaml: cannot be read");
}

}  // namespace
}  // namespace holdfast::settings
