// The configuration: one YAML file refined by environment and command line, as one checked value. Knows every
// module's Options; no module knows it.
//
// Precedence: --set > environment > file > profile > default. The table of keys (src/settings/keys.cpp) is
// the only place that names them; config/balanced.yaml shows each with its default and one line of why.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "holdfast/base/log.hpp"
#include "holdfast/base/result.hpp"
#include "holdfast/buffer/options.hpp"
#include "holdfast/cache/options.hpp"
#include "holdfast/embedding/options.hpp"
#include "holdfast/flush/options.hpp"
#include "holdfast/http/options.hpp"
#include "holdfast/journal/journal.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/metrics/options.hpp"
#include "holdfast/store/sqlite_store.hpp"
#include "holdfast/transfer/options.hpp"

namespace holdfast::settings {

enum class SortResults { by_score, by_timestamp };

struct Settings {
  std::string profile;
  bool buffer_enabled = true;
  buffer::Options buffer;
  flush::Options flush;
  cache::Options cache;
  cache::SpeculationOptions speculation;
  http::Endpoint listen;
  std::optional<http::Endpoint> admin;  // a listener of its own for the operational routes
  http::Limits limits;
  std::filesystem::path tls_certificate, tls_key;  // both or neither
  std::filesystem::path keys_file;
  bool auth_enabled = false;
  metrics::Options metrics;
  bool auto_tune = false;  // batch size and working flush workers follow the load
  journal::Options journal;
  store::SqliteOptions sqlite;
  transfer::Options transfer;
  embedding::Options embedding;
  text::ChunkStrategy chunk_strategy = text::ChunkStrategy::message;
  std::string token_model;
  double token_fallback_multiplier = 1.3;
  SortResults sort_results = SortResults::by_score;
  bool results_descending = true;
  bool session_queries = true;
  unsigned shards = 0;  // 0: as many as CPUs
  std::chrono::milliseconds drain_delay{0};
  std::chrono::milliseconds drain_timeout{20'000};
  memory::WatchOptions memory;
  double user_share = 0.25;
  log::Format log_format = log::Format::text;
  std::string log_level = "INFO";
};

struct Sources {
  std::optional<std::string> file;
  std::vector<std::string> overrides;              // "a.b=c", as given to --set
  std::map<std::string, std::string> environment;  // all of it; other names are ignored
  std::optional<std::string> text;  // what is in the file, for who has it already: not read then
};

struct EffectiveValue {
  std::string key;
  std::string value;   // as written where it came from
  std::string origin;  // "default", "profile balanced", "FILE:12", "environment NAME" or "--set"
};

struct LoadedSettings {
  Settings settings;
  std::vector<EffectiveValue> values;  // every key, in the table's order
  std::string warning;                 // what is allowed but hardly meant, a line; empty: nothing
};

// Errors (permanent) are one line: where, which key, what was given, what is allowed.
Result<LoadedSettings> load(const Sources& sources);

// The same sources again, for a running daemon: keys that cannot change while it runs keep their value.
struct Reloaded {
  LoadedSettings loaded;
  std::vector<std::string> changed;        // keys with another value now
  std::vector<std::string> needs_restart;  // keys whose new value waits for the next start
};
Result<Reloaded> reload(const LoadedSettings& current, const Sources& sources);

// The effective values as YAML, each with its origin as a comment. Loading it gives the same settings.
std::string print(const LoadedSettings& loaded);

}  // namespace holdfast::settings
