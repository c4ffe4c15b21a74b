// holdfastd: the command line.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "daemon.hpp"
#include "holdfast/http/access_keys.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/inspect.hpp"
#include "signals.hpp"
#include "transfer_commands.hpp"

extern char** environ;

// Read by jemalloc when it starts: what was freed goes back to the system within a second or so, by a thread
// of its own, and its addresses, too, which a limit of the address space counts. A thread keeps but pieces up
// to 2^11 bytes for itself: larger ones, which it keeps however long it idles, made no add faster.
extern "C" {
const char* malloc_conf =
    "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,retain:false,lg_tcache_max:11";
}

namespace {

using namespace holdfast;

constexpr int kDamaged = 1;
constexpr int kRefused = 2;

int refuse(const std::string& message) {
  std::fprintf(stderr, "holdfastd: %s\n", message.c_str());
  return kRefused;
}

std::map<std::string, std::string> read_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

int serve(const settings::LoadedSettings& loaded, const settings::Sources& sources) {
  block_signals();
  if (!loaded.warning.empty()) log::warn("{}", loaded.warning);
  Daemon daemon(loaded, sources);
  bool ended = false;
  const auto end = [&ended] { return ended = ended || ended_within(std::chrono::milliseconds(0)); };
  if (const auto started = daemon.start(end); !started) {
    if (!ended) return refuse(started.error().message);
    log::info("stopped while starting; nothing that was acknowledged has left the journal");
    return 0;
  }
  while (wait_for_signal() == Signal::reload) (void)daemon.reload();
  daemon.stop([] { return ended_within(std::chrono::milliseconds(1)); });
  return 0;
}

void warn_of(const settings::LoadedSettings& loaded) {
  if (!loaded.warning.empty()) std::fprintf(stderr, "holdfastd: warning: %s\n", loaded.warning.c_str());
}

int check_files(const settings::LoadedSettings& loaded, const std::string& checked) {
  if (const auto right = Daemon::check_files(loaded.settings); !right) return refuse(right.error().message);
  warn_of(loaded);
  std::printf("%s: ok\n", checked.c_str());
  return 0;
}

int print_new_key(const std::string& name) {
  // A word of a line in which # begins a comment (http/access_keys.hpp).
  const auto space = [](unsigned char c) { return std::isspace(c) != 0; };
  if (name.empty() || name.front() == '#' || std::any_of(name.begin(), name.end(), space))
    return refuse("the name of a key is a word that does not begin with #");
  const auto made = http::make_key(name);
  std::printf("key (keep it, it is not shown again): %s\nline for auth.keys_file: %s\n", made.key.c_str(),
              made.line.c_str());
  return 0;
}

int inspect_journal(const std::string& dir) {
  const auto inspection = journal::inspect(io::posix_file_system(), dir);
  if (!inspection) return refuse(inspection.error().message);
  if (inspection->segments.empty() && inspection->set_aside.empty())
    return refuse(dir + ": no journal is there");
  std::fputs(journal::to_text(*inspection).c_str(), stdout);
  return journal::damaged(*inspection) ? kDamaged : 0;
}

int count_tokens(const std::string& model, const std::string& file) {
  const text::TokenCounter counter(model);
  if (!counter.exact()) return refuse("the encoding of model " + model + " is not known");
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    std::error_code unknown;  // said by opening it
    if (std::filesystem::is_directory(file, unknown)) return refuse(file + ": is a directory, not a file");
    if (!opened) return refuse(file + ": cannot be read");
  }
  std::istream& in = file == "-" ? std::cin : opened;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::printf("%zu\n", counter.count(text));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"holdfastd: a durable buffer between LLM agents and their memory store"};
  app.set_version_flag("--version", "holdfastd " HOLDFAST_VERSION " (" HOLDFAST_COMMIT ")");
  settings::Sources sources;
  sources.environment = read_environment();
  std::string checked_file, journal_dir, key_name, model = "gpt-4o-mini", token_file;
  std::vector<std::string> set_after_command;
  const auto add_sources = [&](CLI::App& command, std::vector<std::string>& overrides) {
    command.add_option("--config", sources.file, "YAML file; without it the balanced profile");
    command.add_option("--set", overrides, "KEY=VALUE, over file and environment; may be repeated")
        ->allow_extra_args(false);
  };
  add_sources(app, sources.overrides);
  auto* check = app.add_subcommand(
      "check-config", "say whether a configuration file is right, with the keys and certificates it names");
  check->add_option("FILE", checked_file, "the file")->required();
  auto* print = app.add_subcommand("print-config", "print the effective values and where each came from");
  add_sources(*print, set_after_command);
  auto* journal = app.add_subcommand("journal", "look into a journal");
  auto* inspected =
      journal->add_subcommand("inspect", "print segments, LSN ranges, what waits for the store, damage");
  inspected->add_option("DIR", journal_dir, "the journal's directory")->required();
  inspected->footer(
      "Exit codes: 0 nothing is damaged (the last write may be cut short); 1 something is; 2 no journal is "
      "there.");
  journal->require_subcommand(1);
  auto* tokens = app.add_subcommand("tokens", "print the number of tokens in a file");
  tokens->add_option("--model", model, "an OpenAI model or encoding")->capture_default_str();
  tokens->add_option("FILE", token_file, "the file, - for standard input")->required();
  auto* new_key = app.add_subcommand("new-key", "make an API key and its line for auth.keys_file");
  new_key->add_option("NAME", key_name, "who it is for")->required();
  ImportArguments import_arguments;
  auto* import = add_import_command(app, import_arguments);
  add_sources(*import, set_after_command);
  ExportArguments export_arguments;
  auto* exported = add_export_command(app, export_arguments);
  add_sources(*exported, set_after_command);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : refuse(std::string(error.what()) + " (see --help)");
  }
  sources.overrides.insert(sources.overrides.end(), set_after_command.begin(), set_after_command.end());
  if (*new_key) return print_new_key(key_name);
  if (*inspected) return inspect_journal(journal_dir);
  if (*tokens) return count_tokens(model, token_file);
  if (*check) sources = {checked_file, {}, {}};
  const auto loaded = settings::load(sources);
  if (!loaded) return refuse(loaded.error().message);
  log::configure(loaded->settings.log_format, loaded->settings.log_level);
  if (*import) return run_import(loaded->settings, import_arguments);
  if (*exported) return run_export(loaded->settings, export_arguments);
  if (*check) return check_files(*loaded, checked_file);
  if (!*print) return serve(*loaded, sources);
  warn_of(*loaded);
  std::fputs(settings::print(*loaded).c_str(), stdout);
  return 0;
}
