// What a run does, as read from a YAML file (loadtest/scenarios/). Every key is optional but `name`; unknown
// keys and values out of range are refused with the file, the line and what is allowed. See
// scenarios/README.md for the keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "conversation.hpp"
#include "pacer.hpp"

namespace loadtest {

// One line that says what is wrong with the user's input: main prints it and exits with 2.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Mix {
  double add = 1, query = 0, list = 0;  // weights, not all 0
};

// A step that is past one of these has broken the server: the steps end one after it.
struct BreakingPoint {
  double p99_ms = 0;       // of any operation; 0: not watched
  double error_share = 0;  // of all requests, unsent ones too; 0: not watched
};

struct Scenario {
  std::string name, about;
  // What distinguishes this step from the scenario's others: chosen values of `vary`, in the file's order.
  std::vector<std::pair<std::string, std::string>> step;

  // The daemon
  std::string profile = "balanced";
  std::map<std::string, std::string> settings;  // dotted keys, as holdfastd --set takes them
  bool bypass = false;
  std::string daemon_cores, load_cores;  // as taskset -c takes them; empty: any

  // The load
  bool open_loop = false;
  Arrivals arrivals = Arrivals::uniform;
  std::size_t users = 10, sessions_per_user = 1, connections = 10;
  double requests_per_minute = 60;  // of one user, in an open loop
  Mix mix;
  std::size_t messages_per_add = 1;
  MessageSize message_bytes;
  double repeated_queries = 0;       // share of the queries that ask one of the user's repeated texts
  std::size_t repeated_texts = 5;    // of a user
  std::size_t preload_messages = 0;  // stored before the run, over all users
  std::chrono::duration<double> warm_up{2}, duration{10}, short_duration{2};
  BreakingPoint breaks_at;
  bool once = false;  // a long run that is not repeated, however many runs are asked for

  // "users 5, bypass true"; empty without vary.
  std::string step_name() const;
  double requests_per_second() const { return requests_per_minute / 60 * static_cast<double>(users); }
};

// All steps of the scenario: one, or one for each combination of the values under `vary`. Throws BadInput.
std::vector<Scenario> read_scenario(const std::string& path);
std::vector<Scenario> parse_scenario(const std::string& yaml, const std::string& path);

// "250ms", "5s", "1m", "1h" or plain seconds. Throws BadInput that begins with `what`.
std::chrono::duration<double> parse_time(const std::string& text, const std::string& what);

}  // namespace loadtest
