#include "holdfast/settings/settings.hpp"

#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "keys.hpp"
#include "profiles.hpp"
#include "values.hpp"

namespace holdfast::settings {
namespace {

struct Value {
  std::string text;
  std::string origin;
};
using Values = std::map<std::string, Value, std::less<>>;  // by key path

// One value from anywhere: the key must exist and take it.
Result<void> take(Values& values, const std::string& path, Value value) {
  const auto* key = find_key(path);
  if (!key && is_planned(path))
    return permanent(fmt::format("{}: {}: not supported by this version", value.origin, path));
  if (!key && is_section(path))
    return permanent(fmt::format("{}: {}: must be a map of settings", value.origin, path));
  if (!key) {
    const auto nearest = nearest_key(path);
    return permanent(fmt::format("{}: {}: unknown key{}", value.origin, path,
                                 nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
  }
  Settings scratch;
  if (!key->apply(value.text, scratch)) {
    return permanent(fmt::format("{}: {}: \"{}\" is not allowed: must be {}", value.origin, path, value.text,
                                 key->allowed));
  }
  values[path] = std::move(value);
  return {};
}

// Walks a YAML document; where is the file's name or the profile's.
class YamlReader {
 public:
  YamlReader(std::string where, bool lines) : where_(std::move(where)), lines_(lines) {}

  Result<void> read(const std::string& yaml, Values& values) {
    try {
      const auto root = YAML::Load(yaml);
      if (root.IsNull()) return {};
      if (!root.IsMap()) return permanent(where_ + ": not a map of settings");
      return read_map(root, "", values);
    } catch (const YAML::ParserException& error) {
      return permanent(fmt::format("{}:{}:{}: not valid YAML: {}", where_, error.mark.line + 1,
                                   error.mark.column + 1, error.msg));
    }
  }

 private:
  std::string origin(const YAML::Node& node) const {
    return lines_ ? fmt::format("{}:{}", where_, node.Mark().line + 1) : where_;
  }

  Result<void> read_map(const YAML::Node& map, const std::string& prefix, Values& values) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      if (!entry.first.IsScalar()) return permanent(origin(entry.first) + ": a key must be a word");
      const auto name = entry.first.Scalar();
      const auto path = prefix.empty() ? name : prefix + "." + name;
      if (!seen.insert(name).second)
        return permanent(fmt::format("{}: {}: given twice", origin(entry.first), path));
      if (auto done = read_entry(entry.second, entry.first, path, values); !done) return done;
    }
    return {};
  }

  Result<void> read_entry(const YAML::Node& node, const YAML::Node& name, const std::string& path,
                          Values& values) {
    if (node.IsMap() && !find_key(path)) {
      // Below what is no section we only go on to name the wrong key. An alias may lead back into itself, and
      // empty maps that refer to each other multiply: both end here.
      const auto depth = std::count(path.begin(), path.end(), '.');
      if (is_section(path) || (node.size() > 0 && depth < kDeepest)) return read_map(node, path, values);
      return take(values, path, {"", origin(name)});
    }
    if (node.IsNull() && is_section(path)) return {};
    if (!node.IsScalar()) {
      const auto* key = find_key(path);
      return permanent(
          fmt::format("{}: {}: must be {}", origin(name), path, key ? key->allowed : "a map of settings"));
    }
    return take(values, path, {node.Scalar(), origin(name)});
  }

  static constexpr auto kDeepest = 8;  // no key has as many dots

  std::string where_;
  bool lines_;
};

Result<Values> read_text(const std::string& where, const std::string& yaml) {
  Values values;
  if (auto done = YamlReader(where, true).read(yaml, values); !done) return done.error();
  return values;
}

Result<Values> read_file(const Sources& sources) {
  if (sources.text) return read_text(sources.file.value_or("text"), *sources.text);
  if (!sources.file) return Values{};
  std::error_code unknown;  // said by opening it
  if (std::filesystem::is_directory(*sources.file, unknown))
    return permanent(*sources.file + ": is a directory, not a file");
  std::ifstream in(*sources.file);
  if (!in) return permanent(*sources.file + ": cannot be read");
  std::ostringstream content;
  content << in.rdbuf();
  return read_text(*sources.file, content.str());
}

Result<Values> read_profile(const std::string& name) {
  Values values;
  if (auto done = YamlReader("profile " + name, false).read(std::string(*profile_yaml(name)), values);
      !done) {
    return done.error();
  }
  return values;
}

constexpr std::string_view kPrefix = "HOLDFAST__";

// HOLDFAST__BUFFER__ROUND_BUFFER__MAX_TOKENS → buffer.round_buffer.max_tokens
std::string path_of_variable(std::string_view name) {
  std::string path;
  name.remove_prefix(kPrefix.size());
  while (!name.empty()) {
    if (name.starts_with("__")) {
      path += '.';
      name.remove_prefix(2);
      continue;
    }
    const char c = name.front();
    path += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    name.remove_prefix(1);
  }
  return path;
}

// What people write in an environment variable for yes and no.
std::string plain_boolean(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text == "1" || text == "yes" || text == "on") return "true";
  if (text == "0" || text == "no" || text == "off") return "false";
  return text;
}

Result<Values> read_environment(const std::map<std::string, std::string>& environment) {
  Values values;
  for (const char* name : {"MEMFUSE_BUFFER_ENABLED", "HOLDFAST_BUFFER_ENABLED"}) {
    const auto found = environment.find(name);
    if (found == environment.end()) continue;
    auto done =
        take(values, "buffer.enabled", {plain_boolean(found->second), std::string("environment ") + name});
    if (!done) return done.error();
  }
  for (const auto& [name, text] : environment) {
    if (!name.starts_with(kPrefix)) continue;
    if (auto done = take(values, path_of_variable(name), {text, "environment " + name}); !done)
      return done.error();
  }
  return values;
}

Result<Values> read_overrides(const std::vector<std::string>& overrides) {
  Values values;
  for (const auto& override_text : overrides) {
    const auto equals = override_text.find('=');
    if (equals == std::string::npos) return permanent("--set " + override_text + ": must be KEY=VALUE");
    const auto path = override_text.substr(0, equals);
    if (auto done = take(values, path, {override_text.substr(equals + 1), "--set"}); !done)
      return done.error();
  }
  return values;
}

Result<void> check_together(const Settings& s) {
  if (s.buffer.hybrid.auto_flush_interval > s.buffer.force_flush_timeout) {
    return permanent(
        "buffer.hybrid_buffer.auto_flush_interval must not be longer than "
        "buffer.performance.force_flush_timeout");
  }
  if (s.buffer.flush_interval > s.buffer.force_flush_timeout) {
    return permanent(
        "buffer.performance.flush_interval must not be longer than "
        "buffer.performance.force_flush_timeout");
  }
  if (2 * s.journal.segment_bytes > s.journal.max_bytes) {
    return permanent("journal.max_bytes must be at least twice journal.segment_size");
  }
  if (s.drain_delay + s.drain_timeout > std::chrono::seconds(24)) {
    return permanent("server.drain_delay and server.drain_timeout together must not exceed 24s");
  }
  if (s.tls_certificate.empty() != s.tls_key.empty()) {
    return permanent("server.tls.cert and server.tls.key must be given together");
  }
  if (s.auth_enabled && s.keys_file.empty()) {
    return permanent("auth.enabled needs auth.keys_file: make a key with holdfastd new-key NAME");
  }
  if (s.limits.inflight_bytes < s.limits.bulk_body_bytes) {
    return permanent("server.limits.inflight_bytes must not be smaller than server.limits.bulk_body_bytes");
  }
  if (s.metrics.collection_interval > s.metrics.aggregation_window) {
    return permanent(
        "buffer.monitoring.collection_interval must not be longer than "
        "buffer.monitoring.aggregation_window");
  }
  return {};
}

// Of every key, in the table's order; every value is one that take() has let pass.
Result<LoadedSettings> from_values(std::vector<EffectiveValue> values) {
  LoadedSettings loaded;
  for (std::size_t i = 0; i < values.size(); ++i) {
    keys()[i].apply(values[i].value, loaded.settings);
    if (values[i].key == "profile") loaded.settings.profile = values[i].value;
  }
  loaded.values = std::move(values);
  if (auto done = check_together(loaded.settings); !done) return done.error();
  return loaded;
}

// Whoever names a profile beside a file that sets all its keys, as config/balanced.yaml does, means the
// profile.
std::string warning_of_hidden_profile(const LoadedSettings& loaded, const Values& profile) {
  const EffectiveValue* hiding = nullptr;
  for (const auto& value : loaded.values) {
    const auto wanted = profile.find(value.key);
    if (wanted == profile.end() || value.key == "profile") continue;
    if (value.origin == wanted->second.origin) return {};
    if (value.value != wanted->second.text) hiding = &value;
  }
  if (!hiding) return {};
  return fmt::format(
      "profile {} has no effect: every key it sets is given elsewhere (for one {} by {}); remove those, or "
      "use its own file in config/",
      loaded.settings.profile, hiding->key, hiding->origin);
}

// As it is where that can mean nothing else in YAML, else in double quotes.
std::string as_yaml(const std::string& value) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_./-").find(c) != std::string_view::npos;
  };
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), is_plain) &&
                     value.front() != '-' && value.front() != '.' && value != "null" && value != "Null" &&
                     value != "NULL";
  if (plain) return value;
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

Result<LoadedSettings> load(const Sources& sources) {
  auto file = read_file(sources);
  if (!file) return file.error();
  auto environment = read_environment(sources.environment);
  if (!environment) return environment.error();
  auto overrides = read_overrides(sources.overrides);
  if (!overrides) return overrides.error();

  // The profile lies under the file, but any of the three may name it.
  Values profile;
  const auto given = [&](std::string_view path) -> const Value* {
    for (const auto* values : {&*overrides, &*environment, &*file, &profile}) {
      if (const auto found = values->find(path); found != values->end()) return &found->second;
    }
    return nullptr;
  };
  if (const auto* chosen = given("profile")) {
    auto read = read_profile(chosen->text);
    if (!read) return read.error();
    profile = std::move(*read);
  }

  std::vector<EffectiveValue> values;
  values.reserve(keys().size());
  for (const auto& key : keys()) {
    const auto* value = given(key.path);
    values.push_back({std::string(key.path), value ? value->text : std::string(key.default_value),
                      value ? value->origin : "default"});
  }
  auto loaded = from_values(std::move(values));
  if (loaded) loaded->warning = warning_of_hidden_profile(*loaded, profile);
  return loaded;
}

Result<Reloaded> reload(const LoadedSettings& current, const Sources& sources) {
  const auto fresh = load(sources);
  if (!fresh) return fresh.error();
  Reloaded reloaded;
  std::vector<EffectiveValue> values;
  for (std::size_t i = 0; i < current.values.size(); ++i) {
    const auto& now = current.values[i];
    const auto& then = fresh->values[i];
    const bool differs = now.value != then.value;
    const bool taken = !differs || is_live(then.key);
    if (differs) (taken ? reloaded.changed : reloaded.needs_restart).push_back(then.key);
    values.push_back(taken ? then : now);
  }
  auto loaded = from_values(std::move(values));
  if (!loaded) return loaded.error();
  reloaded.loaded = std::move(*loaded);
  reloaded.loaded.warning = fresh->warning;
  return reloaded;
}

std::string print(const LoadedSettings& loaded) {
  std::string out;
  std::vector<std::string> open;  // the sections we are in
  for (const auto& value : loaded.values) {
    std::vector<std::string> sections;
    std::istringstream path(value.key);
    for (std::string part; std::getline(path, part, '.');) sections.push_back(part);
    const auto name = sections.back();
    sections.pop_back();
    const auto common =
        std::mismatch(open.begin(), open.end(), sections.begin(), sections.end()).first - open.begin();
    open.resize(static_cast<std::size_t>(common));
    while (open.size() < sections.size()) {
      out += std::string(2 * open.size(), ' ') + sections[open.size()] + ":\n";
      open.push_back(sections[open.size()]);
    }
    out += fmt::format("{}{}: {}  # {}\n", std::string(2 * open.size(), ' '), name, as_yaml(value.value),
                       value.origin);
  }
  return out;
}

}  // namespace holdfast::settings
