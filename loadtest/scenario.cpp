#include "scenario.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>

namespace loadtest {
namespace {

constexpr std::string_view kOfSettings = "settings.";

struct Reader {
  const std::string& path;

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& what) const {
    throw BadInput(path + ":" + std::to_string(mark.line + 1) + ": " + what);
  }

  std::string text(const YAML::Node& node, const std::string& key) const {
    if (!node.IsScalar()) refuse(node.Mark(), key + ": a single value is wanted");
    return node.Scalar();
  }

  double number(const YAML::Node& node, const std::string& key, double least, double most) const {
    const auto written = text(node, key);
    double value = 0;
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), value);
    if (error != std::errc() || end != written.data() + written.size() ||
        !(value >= least && value <= most)) {
      std::string low = YAML::Dump(YAML::Node(least)), high = YAML::Dump(YAML::Node(most));
      refuse(node.Mark(), key + ": " + written + " is not a number from " + low + " to " + high);
    }
    return value;
  }

  std::size_t whole(const YAML::Node& node, const std::string& key, double least, double most) const {
    const double value = number(node, key, least, most);
    if (value != static_cast<double>(static_cast<std::size_t>(value))) {
      refuse(node.Mark(), key + ": a whole number is wanted");
    }
    return static_cast<std::size_t>(value);
  }

  bool truth(const YAML::Node& node, const std::string& key) const {
    const auto written = text(node, key);
    if (written != "true" && written != "false") refuse(node.Mark(), key + ": true or false is wanted");
    return written == "true";
  }

  std::chrono::duration<double> time(const YAML::Node& node, const std::string& key) const {
    return parse_time(text(node, key), path + ":" + std::to_string(node.Mark().line + 1) + ": " + key);
  }

  // Which of the two words it is: true for the second.
  bool second_of(const YAML::Node& node, const std::string& key, const char* first,
                 const char* second) const {
    const auto written = text(node, key);
    if (written != first && written != second) {
      refuse(node.Mark(), key + ": " + first + " or " + second + " is wanted, not " + written);
    }
    return written == second;
  }

  using Field = std::function<void(const YAML::Node&, const std::string& key)>;
  using Fields = std::map<std::string, Field>;

  void read(const YAML::Node& node, const std::string& prefix, const Fields& fields) const {
    if (!node.IsMap()) {
      refuse(node.Mark(), (prefix.empty() ? "a scenario" : prefix.substr(0, prefix.size() - 1)) +
                              ": keys and values are wanted");
    }
    for (const auto& entry : node) {
      const auto key = entry.first.Scalar();
      const auto field = fields.find(key);
      if (field == fields.end()) {
        std::string known;
        for (const auto& [name, read] : fields) known += (known.empty() ? "" : ", ") + name;
        refuse(entry.first.Mark(), "unknown key " + prefix + key + "; known: " + known);
      }
      field->second(entry.second, prefix + key);
    }
  }

  Scenario scenario(const YAML::Node& node) const;
};

Scenario Reader::scenario(const YAML::Node& node) const {
  Scenario made;
  const auto text_of = [&](std::string& to) {
    return [&](const YAML::Node& n, const std::string& key) { to = text(n, key); };
  };
  const auto number_of = [&](double& to, double least, double most) {
    return [this, &to, least, most](const YAML::Node& n, const std::string& key) {
      to = number(n, key, least, most);
    };
  };
  const auto whole_of = [&](std::size_t& to, double least, double most) {
    return [this, &to, least, most](const YAML::Node& n, const std::string& key) {
      to = whole(n, key, least, most);
    };
  };
  const auto time_of = [&](std::chrono::duration<double>& to) {
    return [&](const YAML::Node& n, const std::string& key) { to = time(n, key); };
  };
  read(node, "",
       {{"name", text_of(made.name)},
        {"about", text_of(made.about)},
        {"profile", text_of(made.profile)},
        {"settings",
         [&](const YAML::Node& n, const std::string& key) {
           if (!n.IsMap()) refuse(n.Mark(), key + ": keys and values are wanted");
           for (const auto& entry : n) made.settings[entry.first.Scalar()] = text(entry.second, key);
         }},
        {"bypass", [&](const YAML::Node& n, const std::string& key) { made.bypass = truth(n, key); }},
        {"daemon_cores", text_of(made.daemon_cores)},
        {"load_cores", text_of(made.load_cores)},
        {"loop", [&](const YAML::Node& n,
                     const std::string& key) { made.open_loop = second_of(n, key, "closed", "open"); }},
        {"arrivals",
         [&](const YAML::Node& n, const std::string& key) {
           made.arrivals = second_of(n, key, "uniform", "poisson") ? Arrivals::poisson : Arrivals::uniform;
         }},
        {"users", whole_of(made.users, 1, 1e6)},
        {"sessions_per_user", whole_of(made.sessions_per_user, 1, 1000)},
        {"connections", whole_of(made.connections, 1, 10000)},
        {"requests_per_minute", number_of(made.requests_per_minute, 0.01, 1e8)},
        {"mix",
         [&](const YAML::Node& n, const std::string& key) {
           made.mix = {0, 0, 0};
           read(n, key + ".",
                {{"add", number_of(made.mix.add, 0, 1e6)},
                 {"query", number_of(made.mix.query, 0, 1e6)},
                 {"list", number_of(made.mix.list, 0, 1e6)}});
           if (made.mix.add + made.mix.query + made.mix.list == 0)
             refuse(n.Mark(), key + ": all weights are 0");
         }},
        {"messages_per_add", whole_of(made.messages_per_add, 1, 1000)},
        {"message_bytes",
         [&](const YAML::Node& n, const std::string& key) {
           read(n, key + ".",
                {{"median", number_of(made.message_bytes.median_bytes, 1, 262144)},
                 {"spread", number_of(made.message_bytes.spread, 0, 3)},
                 {"most", whole_of(made.message_bytes.most_bytes, 1, 262144)}});
         }},
        {"repeated_queries", number_of(made.repeated_queries, 0, 1)},
        {"repeated_texts", whole_of(made.repeated_texts, 1, 1000)},
        {"preload_messages", whole_of(made.preload_messages, 0, 1e8)},
        {"warm_up", time_of(made.warm_up)},
        {"duration", time_of(made.duration)},
        {"short_duration", time_of(made.short_duration)},
        {"once", [&](const YAML::Node& n, const std::string& key) { made.once = truth(n, key); }},
        {"breaks_at", [&](const YAML::Node& n, const std::string& key) {
           read(n, key + ".",
                {{"p99_ms", number_of(made.breaks_at.p99_ms, 0, 1e6)},
                 {"error_share", number_of(made.breaks_at.error_share, 0, 1)}});
         }}});
  if (made.name.empty()) refuse(node.Mark(), "name: missing");
  // A user of a closed loop waits for its answer, so more connections than users would stay unused.
  if (!made.open_loop) made.connections = std::min(made.connections, made.users);
  if (made.duration.count() <= 0) refuse(node.Mark(), "duration: must be above 0");
  return made;
}

}  // namespace

std::string Scenario::step_name() const {
  std::string text;
  for (const auto& [key, value] : step) text += (text.empty() ? "" : ", ") + key + " " + value;
  return text;
}

std::chrono::duration<double> parse_time(const std::string& text, const std::string& what) {
  static const std::map<std::string, double> units{{"ms", 1e-3}, {"s", 1}, {"", 1}, {"m", 60}, {"h", 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto unit = units.find(std::string(end, text.data() + text.size()));
  if (error != std::errc() || unit == units.end() || !(value >= 0 && value < 1e7)) {
    throw BadInput(what + ": " + text + " is not a time like 250ms, 5s, 1m or 1h");
  }
  return std::chrono::duration<double>(value * unit->second);
}

std::vector<Scenario> parse_scenario(const std::string& yaml, const std::string& path) {
  const Reader reader{path};
  try {
    auto root = YAML::Load(yaml);
    if (!root.IsMap()) throw BadInput(path + ": keys and values are wanted");
    const YAML::Node vary = root["vary"] ? YAML::Clone(root["vary"]) : YAML::Node(YAML::NodeType::Map);
    const auto vary_mark = root["vary"] ? root["vary"].Mark() : YAML::Mark();
    root.remove("vary");
    if (!vary.IsMap()) reader.refuse(vary_mark, "vary: keys with lists of values are wanted");
    std::vector<std::pair<YAML::Node, std::vector<std::pair<std::string, std::string>>>> steps;
    steps.emplace_back(root, std::vector<std::pair<std::string, std::string>>{});
    for (const auto& entry : vary) {
      const auto key = entry.first.Scalar();
      if (!entry.second.IsSequence() || entry.second.size() == 0) {
        reader.refuse(vary_mark, "vary." + key + ": a list of values is wanted");
      }
      decltype(steps) multiplied;
      for (const auto& [base, chosen] : steps) {
        for (const YAML::Node& value : entry.second) {
          auto changed = YAML::Clone(base);
          if (key.starts_with(kOfSettings)) {
            changed["settings"][key.substr(kOfSettings.size())] = YAML::Clone(value);
          } else {
            changed[key] = YAML::Clone(value);
          }
          auto named = chosen;
          named.emplace_back(key, reader.text(value, "vary." + key));
          multiplied.emplace_back(changed, named);
        }
      }
      steps = std::move(multiplied);
    }
    std::vector<Scenario> made;
    for (const auto& [node, chosen] : steps) {
      made.push_back(reader.scenario(node));
      made.back().step = chosen;
    }
    return made;
  } catch (const YAML::Exception& error) {
    reader.refuse(error.mark, error.msg);
  }
}

std::vector<Scenario> read_scenario(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw BadInput(path + ": cannot be read");
  const std::string yaml{std::istreambuf_iterator<char>(file), {}};
  return parse_scenario(yaml, path);
}

}  // namespace loadtest
