#include "daemon_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

extern char** environ;

namespace loadtest {
namespace {

using std::chrono::steady_clock;

constexpr auto kStartTime = std::chrono::seconds(60), kStopTime = std::chrono::seconds(60);
constexpr auto kPollTime = std::chrono::milliseconds(5);

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (const auto& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw BadInput(command[0] + " cannot be started: " + std::strerror(failed));
  return pid;
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& program, const Scenario& scenario,
                             const std::filesystem::path& data_parent) {
  if (access(program.c_str(), X_OK) != 0) throw BadInput("--daemon: " + program + " is no program");
  auto name = (data_parent / "holdfast-loadtest-XXXXXX").string();
  if (!mkdtemp(name.data())) throw BadInput("--data: no directory can be made in " + data_parent.string());
  directory_ = name;
  std::vector<std::string> command;
  if (!scenario.daemon_cores.empty()) command = {"taskset", "-c", scenario.daemon_cores};
  command.push_back(program);
  const auto set = [&](const std::string& key, const std::string& value) {
    command.push_back("--set");
    command.push_back(key + "=" + value);
  };
  set("profile", scenario.profile);
  set("server.port", "0");
  set("journal.dir", (directory_ / "journal").string());
  set("store.sqlite.path", (directory_ / "holdfast.db").string());
  if (scenario.bypass) set("buffer.enabled", "false");
  for (const auto& [key, value] : scenario.settings) set(key, value);
  pid_ = spawn(command, directory_ / "log");
  try {
    wait_until_ready();
  } catch (...) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
    throw;
  }
}

void DaemonProcess::wait_until_ready() {
  const std::string mark = "ready on http://";
  for (const auto deadline = steady_clock::now() + kStartTime; steady_clock::now() < deadline;) {
    const auto log = read_text(directory_ / "log");
    if (const auto at = log.find(mark); at != std::string::npos) {
      std::istringstream rest(log.substr(at + mark.size()));
      std::string where;
      if (rest >> where && !rest.eof()) {
        address_ = parse_url("http://" + where);
        return;
      }
    }
    siginfo_t ended{};
    if (waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        ended.si_pid == pid_) {
      break;
    }
    std::this_thread::sleep_for(kPollTime);
  }
  auto log = read_text(directory_ / "log");
  while (!log.empty() && log.back() == '\n') log.pop_back();
  throw std::runtime_error("the daemon did not start: " + log.substr(log.rfind('\n') + 1));
}

DaemonProcess::~DaemonProcess() {
  kill(pid_, SIGTERM);
  const auto deadline = steady_clock::now() + kStopTime;
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (steady_clock::now() > deadline) kill(pid_, SIGKILL);
    std::this_thread::sleep_for(kPollTime);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

PinnedThread::PinnedThread(const std::string& cores) {
  CPU_ZERO(&before_);
  sched_getaffinity(0, sizeof before_, &before_);
  if (cores.empty()) return;
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  std::istringstream list(cores);
  for (std::string part; std::getline(list, part, ',');) {
    const auto dash = part.find('-');
    unsigned first = 0, last = 0;
    const auto number = [&](std::string_view text, unsigned& value) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc() && end == text.data() + text.size() && value < CPU_SETSIZE;
    };
    const std::string_view view(part);
    const bool good = dash == std::string::npos
                          ? number(view, first) && number(view, last)
                          : number(view.substr(0, dash), first) && number(view.substr(dash + 1), last);
    if (!good) throw BadInput("cores: " + cores + " is not a list like 0 or 0,2-3");
    for (auto core = first; core <= last; ++core) CPU_SET(core, &wanted);
  }
  if (sched_setaffinity(0, sizeof wanted, &wanted) != 0)
    throw BadInput("cores: this machine has no " + cores);
}

PinnedThread::~PinnedThread() {
  sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace loadtest
