#include "scenario.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace loadtest {
namespace {

std::string refusal(const std::string& yaml) {
  try {
    parse_scenario(yaml, "file");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "taken";
}

TEST(Scenario, ReadsWhatItSays) {
  const auto steps = parse_scenario(
      "name: a\nsettings: {journal.durability: os}\nloop: open\narrivals: poisson\nusers: 30\n"
      "requests_per_minute: 100\nmix: {add: 8, query: 2}\nduration: 1m\nmessage_bytes: {median: 99}\n",
      "file");
  ASSERT_EQ(steps.size(), 1u);
  const auto& read = steps[0];
  EXPECT_EQ(read.settings.at("journal.durability"), "os");
  EXPECT_TRUE(read.open_loop);
  EXPECT_EQ(read.arrivals, Arrivals::poisson);
  EXPECT_DOUBLE_EQ(read.requests_per_second(), 50);
  EXPECT_EQ(read.mix.list, 0);
  EXPECT_EQ(read.duration, std::chrono::seconds(60));
  EXPECT_EQ(read.message_bytes.median_bytes, 99);
  EXPECT_EQ(read.step_name(), "");
}

TEST(Scenario, VaryMakesAStepForEachCombination) {
  const auto steps = parse_scenario("name: a\nvary:\n  users: [1, 5]\n  bypass: [false, true]\n", "file");
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].step_name(), "users 1, bypass false");
  EXPECT_EQ(steps[3].step_name(), "users 5, bypass true");
  EXPECT_EQ(steps[3].users, 5u);
  EXPECT_TRUE(steps[3].bypass);
  EXPECT_FALSE(steps[2].bypass);
}

TEST(Scenario, VaryChangesSettingsToo) {
  const auto steps =
      parse_scenario("name: a\nsettings: {x.y: 1, z: 2}\nvary:\n  settings.x.y: [3, 4]\n", "file");
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[1].step_name(), "settings.x.y 4");
  EXPECT_EQ(steps[0].settings.at("x.y"), "3");
  EXPECT_EQ(steps[1].settings.at("x.y"), "4");
  EXPECT_EQ(steps[1].settings.at("z"), "2");
}

TEST(Scenario, AUserOfAClosedLoopHasOneConnection) {
  EXPECT_EQ(parse_scenario("name: a\nusers: 3\nconnections: 64", "file")[0].connections, 3u);
  EXPECT_EQ(parse_scenario("name: a\nusers: 3\nconnections: 64\nloop: open", "file")[0].connections, 64u);
}

TEST(Scenario, RefusalsNameFileLineAndWhatIsAllowed) {
  EXPECT_EQ(refusal("users: 1"), "file:1: name: missing");
  EXPECT_NE(refusal("name: a\nuser: 1").find("file:2: unknown key user; known: about, "), std::string::npos);
  EXPECT_EQ(refusal("name: a\nusers: 0"), "file:2: users: 0 is not a number from 1 to 1000000");
  EXPECT_EQ(refusal("name: a\nusers: 1.5"), "file:2: users: a whole number is wanted");
  EXPECT_EQ(refusal("name: a\nusers: [1]"), "file:2: users: a single value is wanted");
  EXPECT_EQ(refusal("name: a\nloop: ajar"), "file:2: loop: closed or open is wanted, not ajar");
  EXPECT_EQ(refusal("name: a\nbypass: yes"), "file:2: bypass: true or false is wanted");
  EXPECT_EQ(refusal("name: a\nduration: 5x"), "file:2: duration: 5x is not a time like 250ms, 5s, 1m or 1h");
  EXPECT_EQ(refusal("name: a\nduration: 0"), "file:1: duration: must be above 0");
  EXPECT_EQ(refusal("name: a\nmix: {add: 0}"), "file:2: mix: all weights are 0");
  EXPECT_EQ(refusal("name: a\nmix: {delete: 1}"), "file:2: unknown key mix.delete; known: add, list, query");
  EXPECT_EQ(refusal("name: a\nvary: {users: 3}"), "file:2: vary.users: a list of values is wanted");
  EXPECT_EQ(refusal("- a"), "file: keys and values are wanted");
  EXPECT_NE(refusal("name: [a\nusers: 1").find("file:2: "), std::string::npos);
  EXPECT_THROW(read_scenario("/nonexistent.yaml"), BadInput);
}

TEST(Scenario, TheCommittedOnesAreRightAndNamedAsTheirFiles) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("loadtest/scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    EXPECT_EQ(read_scenario(entry.path())[0].name, entry.path().stem());
  }
  EXPECT_EQ(count, 9);
}

}  // namespace
}  // namespace loadtest
