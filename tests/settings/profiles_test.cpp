// The profiles and the files in config/ are the same thing; balanced.yaml names every key with its default.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "holdfast/settings/settings.hpp"
#include "settings/keys.hpp"

namespace holdfast::settings {
namespace {

std::string value_of(const LoadedSettings& loaded, std::string_view key) {
  for (const auto& value : loaded.values) {
    if (value.key == key) return value.value;
  }
  return "(no such key)";
}

TEST(Profiles, BalancedNamesEveryKeyWithItsDefault) {
  const auto loaded = load({"config/balanced.yaml", {}, {}});
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (const auto& value : loaded->values) {
    EXPECT_EQ(value.value, find_key(value.key)->default_value) << value.key;
    EXPECT_TRUE(value.origin.starts_with("config/balanced.yaml:"))
        << value.key << " is not in config/balanced.yaml";
  }
}

TEST(Profiles, EachFileGivesWhatItsProfileGives) {
  for (const auto* name : {"balanced", "high_throughput", "low_latency", "memory_constrained",
                           "high_frequency_queries", "development", "testing"}) {
    const auto by_file = load({std::string("config/") + name + ".yaml", {}, {}});
    const auto by_profile = load({std::nullopt, {std::string("profile=") + name}, {}});
    ASSERT_TRUE(by_file) << by_file.error().message;
    ASSERT_TRUE(by_profile) << by_profile.error().message;
    for (std::size_t i = 0; i < by_file->values.size(); ++i) {
      EXPECT_EQ(by_file->values[i].value, by_profile->values[i].value)
          << name << ": " << by_file->values[i].key;
    }
    EXPECT_EQ(by_file->settings.profile, name);
  }
}

TEST(Profiles, LowLatencyIsBypass) {
  EXPECT_FALSE(load({"config/low_latency.yaml", {}, {}})->settings.buffer_enabled);
}

TEST(Precedence, SetOverEnvironmentOverFileOverProfile) {
  const auto path = std::filesystem::temp_directory_path() / "holdfast-precedence-test.yaml";
  std::ofstream(path)
      << "profile: high_throughput\nbuffer:\n  round_buffer: {max_size: 7}\n  hybrid_buffer: {max_size: 8}\n";
  Sources sources{path.string(), {}, {}};
  EXPECT_EQ(value_of(*load(sources), "buffer.round_buffer.max_tokens"), "1500");
  EXPECT_EQ(load(sources)->settings.buffer.round.max_rounds, 7u);
  sources.environment = {{"HOLDFAST__BUFFER__ROUND_BUFFER__MAX_SIZE", "9"}, {"PATH", "/bin"}};
  EXPECT_EQ(load(sources)->settings.buffer.round.max_rounds, 9u);
  EXPECT_EQ(load(sources)->settings.buffer.hybrid.max_rounds, 8u);
  sources.overrides = {"buffer.round_buffer.max_size=11"};
  EXPECT_EQ(load(sources)->settings.buffer.round.max_rounds, 11u);
  std::filesystem::remove(path);
}

TEST(Precedence, AProfileThatTheFileHidesIsWarnedOf) {
  const auto warning = load({"config/balanced.yaml", {"profile=high_throughput"}, {}})->warning;
  EXPECT_TRUE(
      warning.starts_with("profile high_throughput has no effect: every key it sets is given elsewhere "
                          "(for one memory.max_buffer_mb by config/balanced.yaml:"))
      << warning;
  for (const auto* name : {"balanced", "high_throughput", "low_latency", "testing"}) {
    EXPECT_EQ(load({std::string("config/") + name + ".yaml", {}, {}})->warning, "");
    EXPECT_EQ(load({std::nullopt, {std::string("profile=") + name}, {}})->warning, "");
  }
  EXPECT_EQ(load({std::nullopt, {}, {}, "profile: high_throughput\nmemory: {max_buffer_mb: 64}\n"})->warning,
            "");
}

TEST(Precedence, EveryKeyCanBeSetByCommandLineAndByEnvironment) {
  for (const auto& key : keys()) {
    const std::string path(key.path), value(key.default_value);
    const auto by_set = load({std::nullopt, {path + "=" + value}, {}});
    ASSERT_TRUE(by_set) << by_set.error().message;
    std::string name = "HOLDFAST__";
    for (const char c : path) name += c == '.' ? "__" : std::string(1, static_cast<char>(std::toupper(c)));
    const auto by_environment = load({std::nullopt, {}, {{name, value}}});
    ASSERT_TRUE(by_environment) << by_environment.error().message;
  }
}

TEST(Bypass, BothEnvironmentVariablesAndTheirWords) {
  for (const auto* name : {"MEMFUSE_BUFFER_ENABLED", "HOLDFAST_BUFFER_ENABLED"}) {
    for (const auto* no : {"false", "False", "0", "no", "off"}) {
      EXPECT_FALSE(load({std::nullopt, {}, {{name, no}}})->settings.buffer_enabled) << no;
    }
    EXPECT_TRUE(load({std::nullopt, {}, {{name, "1"}}})->settings.buffer_enabled);
    EXPECT_FALSE(load({std::nullopt, {}, {{name, "perhaps"}}}));
  }
}

TEST(Print, WhatIsPrintedLoadsAsTheSame) {
  const auto loaded = load({"config/memory_constrained.yaml", {"server.port=9"}, {}});
  const auto path = std::filesystem::temp_directory_path() / "holdfast-print-test.yaml";
  std::ofstream(path) << print(*loaded);
  const auto again = load({path.string(), {}, {}});
  ASSERT_TRUE(again) << again.error().message;
  for (std::size_t i = 0; i < loaded->values.size(); ++i)
    EXPECT_EQ(loaded->values[i].value, again->values[i].value);
  EXPECT_NE(print(*loaded).find("port: 9  # --set"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(Print, AnyTextIsPrintedAsYamlThatReadsBack) {
  for (const std::string text :
       {"a # b", "a: b", "null", "~", " a ", "\"'\\", "*a", "- a", "a\nb\t\x7f", "é"}) {
    const auto loaded = load({std::nullopt, {"journal.dir=" + text}, {}});
    const auto again = load({std::nullopt, {}, {}, print(*loaded)});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->settings.journal.dir, text);
  }
}

}  // namespace
}  // namespace holdfast::settings
