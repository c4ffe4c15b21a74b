// A holdfastd of the run's own: started with the scenario's settings, its data in a new directory that goes
// with it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "http_client.hpp"
#include "scenario.hpp"

namespace loadtest {

class DaemonProcess {
 public:
  // Returns when it is ready. `data_parent` is where its directory is made: the disk that is measured. Throws
  // std::runtime_error with the end of its log when it does not start.
  DaemonProcess(const std::string& program, const Scenario& scenario,
                const std::filesystem::path& data_parent);
  // Stops it as a service manager would (SIGTERM, and SIGKILL after a minute) and removes its data.
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  pid_t pid() const { return pid_; }
  const Address& address() const { return address_; }

 private:
  void wait_until_ready();

  std::filesystem::path directory_;
  pid_t pid_ = 0;
  Address address_;
};

// Keeps the calling thread, and what it starts meanwhile, on these cores (as taskset -c takes them) while it
// lives.
class PinnedThread {
 public:
  // An empty list leaves everything as it is. Throws BadInput.
  explicit PinnedThread(const std::string& cores);
  ~PinnedThread();
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace loadtest
