#include "transfer_commands.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "holdfast/embedding/remote_embedder.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/journal/inspect.hpp"
#include "holdfast/memory/watch.hpp"
#include "holdfast/store/sqlite_store.hpp"
#include "holdfast/transfer/export.hpp"
#include "holdfast/transfer/resume_point.hpp"
#include "holdfast/transfer/targets.hpp"
#include "transfer_progress.hpp"

namespace holdfast {
namespace {

namespace fs = std::filesystem;

// A larger one fills up as the store grows; this one is full at once, so that memory is the same for a
// thousand messages and for ten million (tests/memory_report).
constexpr std::size_t kPageCacheBytes = 500 << 10;
constexpr std::uint64_t kUsualLineBytes = 256;  // to guess the messages of a file

enum ExitCode { kDone = 0, kSkipped = 1, kRefused = 2, kStopped = 3, kFailed = 4 };

constexpr const char* kExitCodes =
    "Exit codes: 0 all is done; 1 done, but wrong lines were skipped; 2 refused, nothing was done; 3 stopped "
    "at a wrong line; 4 the file, the store or the server failed on the way. A repeated import adds nothing "
    "twice.";

int fail(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "holdfastd: %s\n", message.c_str());
  return code;
}

// A descriptor, closed with this unless it is one of the process's own streams.
class Descriptor {
 public:
  Descriptor(const std::string& file, int flags, int standard)
      : number_(file == "-" ? standard : ::open(file.c_str(), flags | O_CLOEXEC, 0600)),
        owned_(file != "-") {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (owned_ && number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  const int number_;
  const bool owned_;
};

// The configured store, for this process alone unless it is shared.
struct OpenedStore {
  std::shared_ptr<void> lock;  // null: a daemon may be using it
  Lsn last_lsn = 0;            // of the journal; where it is locked
  std::unique_ptr<text::Embedder> remote_model;
  std::unique_ptr<store::MemoryStore> store;

  const text::Embedder& embedder() const { return remote_model ? *remote_model : text::builtin_embedder(); }
};

// The store is ours, and nothing in the journal waits for it.
Result<void> lock_for_us(const fs::path& journal_dir, OpenedStore& opened) {
  auto& files = io::posix_file_system();
  if (auto made = files.create_directories(journal_dir); !made) return made;
  auto lock = files.lock_directory(journal_dir);
  if (!lock) return lock.error();
  const auto inspection = journal::inspect(files, journal_dir);
  if (!inspection) return inspection.error();
  std::uint64_t waiting = 0;
  for (const auto& segment : inspection->segments) {
    waiting += segment.unacknowledged;
    opened.last_lsn = std::max({opened.last_lsn, segment.base_lsn, segment.last_lsn});
  }
  if (waiting > 0) {
    return permanent(std::to_string(waiting) + " operations in " + journal_dir.string() +
                     " are not in the store yet: start the daemon and stop it again first");
  }
  opened.lock = std::move(*lock);
  return {};
}

Result<OpenedStore> open_store(const settings::Settings& settings, bool shared) {
  OpenedStore opened;
  if (!shared) {
    if (const auto locked = lock_for_us(settings.journal.dir, opened); !locked) return locked.error();
  }
  if (settings.embedding.remote) {
    opened.remote_model = std::make_unique<embedding::RemoteModel>(settings.embedding);
  }
  auto sqlite = settings.sqlite;
  sqlite.shared = shared;
  sqlite.busy_timeout = settings.flush.flush_timeout;
  sqlite.page_cache_bytes = kPageCacheBytes;
  auto store = store::open_sqlite_store(sqlite, opened.embedder());
  if (!store) return store.error();
  opened.store = std::move(*store);
  return opened;
}

// The store's file itself: a new one at the same path is another target.
std::string name_of_store(const fs::path& path) {
  struct stat info {};
  (void)::stat(path.c_str(), &info);
  std::error_code ignored;
  return fs::weakly_canonical(path, ignored).string() + " " + std::to_string(info.st_ino);
}

std::uint64_t size_of(int descriptor) {
  struct stat info {};
  const bool known = ::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode);
  return known ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::string source_of(const ImportArguments& arguments) {
  if (!arguments.source.empty() || arguments.file == "-") return arguments.source;
  std::error_code ignored;
  return fs::canonical(arguments.file, ignored).string();
}

struct Destination {
  OpenedStore opened;  // of the store, unless it is a server or a dry run
  std::unique_ptr<transfer::Target> target;
  std::string name;
};

Result<Destination> open_destination(const settings::Settings& settings, const ImportArguments& arguments) {
  Destination destination;
  if (arguments.dry_run) {
    destination.target = transfer::make_dry_target();
    return destination;
  }
  if (!arguments.url.empty()) {
    auto server = transfer::parse_server(arguments.url);
    if (!server) return server.error();
    if (const char* key = std::getenv("HOLDFAST_API_KEY")) server->api_key = key;
    destination.target = transfer::make_server_target(std::move(*server));
    destination.name = arguments.url;
    return destination;
  }
  auto opened = open_store(settings, false);
  if (!opened) return opened.error();
  destination.opened = std::move(*opened);
  destination.target =
      transfer::make_store_target(*destination.opened.store, system_clock(), destination.opened.last_lsn);
  destination.name = name_of_store(settings.sqlite.path);
  return destination;
}

// A JSON text escapes a byte with at most six; names and numbers stand beside the message.
std::size_t max_line_bytes(const transfer::Options& options) {
  return 6 * options.max_message_bytes + (64u << 10);
}

Result<void> write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return permanent(std::string("the output cannot be written: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

CLI::App* add_import_command(CLI::App& app, ImportArguments& arguments) {
  auto* command = app.add_subcommand("import",
                                     "read messages as lines of JSON: user, agent, session, role, content; "
                                     "optional id, created_at, metadata");
  command->add_option("FILE", arguments.file, "the file, - for standard input")->required();
  auto* url =
      command->add_option("--url", arguments.url,
                          "into a running daemon, http://HOST:PORT (HOLDFAST_API_KEY holds its key), instead "
                          "of the store of the configuration");
  command->add_flag("--dry-run", arguments.dry_run, "check every line, write nothing")->excludes(url);
  command->add_flag("--resume", arguments.resume,
                    "note in FILE.holdfast-import how far it has come, and go on from there");
  command->add_option("--on-error", arguments.on_error, "at a wrong line: stop or skip")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->capture_default_str();
  command->add_option("--source", arguments.source,
                      "the name that lines without an id get theirs from; without it FILE's full path");
  command->add_option("--micro-batch", arguments.micro_batch, "messages a thread takes at a time")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->footer(kExitCodes);
  return command;
}

CLI::App* add_export_command(CLI::App& app, ExportArguments& arguments) {
  auto* command = app.add_subcommand("export", "write messages as the lines that import reads");
  command->add_option("FILE", arguments.file, "the file, which must not exist; - for standard output")
      ->capture_default_str();
  command->add_option("--user", arguments.users, "only this user's, by name; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--stored-only", arguments.stored_only,
                    "leave out what is still in the journal; allowed while the daemon runs");
  command->footer(kExitCodes);
  return command;
}

// The level of a process that has no monitor thread. It is asked for by steps, and the kernel no more often
// than a monitor would ask.
class OwnMemory {
 public:
  explicit OwnMemory(memory::WatchOptions options)
      : watch_(
            without_purges(options), {}, [] { return std::uint64_t{0}; }, pressure_) {}
  bool is_short() {
    const auto now = std::chrono::steady_clock::now();
    if (!checked_ || now - *checked_ >= watch_.next_interval()) {
      watch_.check(now);
      checked_ = now;
    }
    return pressure_.level() != memory::Level::normal;
  }

 private:
  // Nothing is accounted for here, so that everything would look like fragments.
  static memory::WatchOptions without_purges(memory::WatchOptions options) {
    options.defrag_threshold = 1;
    return options;
  }

  memory::Pressure pressure_;
  memory::Watch watch_;
  std::optional<SteadyTime> checked_;
};

int run_import(const settings::Settings& settings, const ImportArguments& arguments) {
  const bool from_file = arguments.file != "-";
  const bool resume = arguments.resume && !arguments.dry_run;
  if (arguments.resume && !from_file) return fail(kRefused, "--resume needs a file");
  const Descriptor input(arguments.file, O_RDONLY, STDIN_FILENO);
  if (input.number() < 0) return fail(kRefused, arguments.file + ": " + std::strerror(errno));
  std::error_code unknown;
  if (from_file && fs::is_directory(arguments.file, unknown))
    return fail(kRefused, arguments.file + ": is a directory, not a file");
  auto destination = open_destination(settings, arguments);
  if (!destination) return fail(kRefused, destination.error().message);

  transfer::Import job;
  job.options = settings.transfer;
  job.options.max_message_bytes = settings.limits.message_bytes;
  job.options.micro_batch = arguments.micro_batch;
  job.on_error = arguments.on_error == "skip" ? transfer::OnError::skip : transfer::OnError::stop;
  job.source = source_of(arguments);
  job.now = system_clock().now();
  job.embedder = &destination->opened.embedder();
  job.chunking = settings.sqlite.chunking;
  OwnMemory own_memory(settings.memory);
  job.memory_is_short = [&] { return own_memory.is_short(); };
  job.steps_between_checks =
      memory::steps_between_checks(settings.memory.mode, size_of(input.number()) / kUsualLineBytes);
  const transfer::ResumePoint point(arguments.file + ".holdfast-import", input.number(), destination->name);
  if (resume) job.begin = point.read().value_or(transfer::LinePosition{});
  if (from_file && ::lseek(input.number(), static_cast<off_t>(job.begin.offset), SEEK_SET) < 0 &&
      errno != ESPIPE) {
    return fail(kRefused, arguments.file + ": " + std::strerror(errno));
  }
  TransferProgress progress(size_of(input.number()), job.begin, arguments.dry_run ? "right" : "added");
  job.on_wrong_line = [&](std::uint64_t line, const std::string& why) { progress.wrong_line(line, why); };
  job.on_chunk = [&](const transfer::ImportCounts& counts) {
    progress.show(counts);
    if (!resume) return;
    if (const auto noted = point.write(counts.position); !noted) fail(kFailed, noted.error().message);
  };
  transfer::LineReader reader(input.number(), job.begin, job.options.buffer_size,
                              max_line_bytes(job.options));
  const auto summary = transfer::import_lines(reader, *destination->target, job);
  if (!summary) return fail(kFailed, summary.error().message);
  const char* outcome = arguments.dry_run ? "checked, nothing written" : "imported";
  progress.finish(summary->counts, summary->stopped ? "stopped at a wrong line" : outcome);
  if (summary->pressure_event_rate > 0) {
    std::fprintf(stderr,
                 "memory was short at %.2f %% of the messages (looked at after %.2f %%): smaller chunks\n",
                 100 * summary->pressure_event_rate, 100 * summary->check_rate);
  }
  if (summary->stopped) return kStopped;
  return summary->counts.wrong > 0 ? kSkipped : kDone;
}

int run_export(const settings::Settings& settings, const ExportArguments& arguments) {
  std::error_code unknown;  // said by opening it
  if (!fs::exists(settings.sqlite.path, unknown) && !unknown) {
    return fail(kRefused, "there is no store at " + settings.sqlite.path.string());
  }
  auto opened = open_store(settings, arguments.stored_only);
  if (!opened) return fail(kRefused, opened.error().message);
  const Descriptor output(arguments.file, O_WRONLY | O_CREAT | O_EXCL, STDOUT_FILENO);
  if (output.number() < 0) return fail(kRefused, arguments.file + ": " + std::strerror(errno));
  const auto exported =
      transfer::export_messages(*opened->store, arguments.users, settings.transfer,
                                [&](std::string_view lines) { return write_all(output.number(), lines); });
  if (!exported) {
    if (arguments.file != "-") (void)::unlink(arguments.file.c_str());  // ours, and not whole
    return fail(kFailed, exported.error().message);
  }
  if (arguments.file != "-" && ::fsync(output.number()) != 0) {
    return fail(kFailed, arguments.file + ": " + std::strerror(errno));
  }
  std::fprintf(stderr, "exported %llu messages\n", static_cast<unsigned long long>(*exported));
  return kDone;
}

}  // namespace holdfast
