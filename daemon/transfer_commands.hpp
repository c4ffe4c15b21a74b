// The subcommands import and export.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "holdfast/settings/settings.hpp"
#include "holdfast/transfer/import.hpp"

namespace holdfast {

struct ImportArguments {
  std::string file, url, source, on_error = "stop";
  bool resume = false, dry_run = false;
  std::size_t micro_batch = transfer::Options{}.micro_batch;
};
struct ExportArguments {
  std::string file = "-";
  std::vector<std::string> users;
  bool stored_only = false;
};

CLI::App* add_import_command(CLI::App& app, ImportArguments& arguments);
CLI::App* add_export_command(CLI::App& app, ExportArguments& arguments);

// These answer the process's exit code: 0 all is done; 1 done, but wrong lines were skipped; 2 refused,
// nothing was done; 3 stopped at a wrong line; 4 the file, the store or the server failed on the way.
int run_import(const settings::Settings& settings, const ImportArguments& arguments);
int run_export(const settings::Settings& settings, const ExportArguments& arguments);

}  // namespace holdfast
