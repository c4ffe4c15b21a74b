// What the kernel says of a process and of the machine (proc(5)).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

namespace loadtest {

struct ProcessUsage {
  double resident_mb = 0;  // MiB
  double cpu_seconds = 0;  // user and system, all threads, since it began
};

// Nothing when there is no such process.
std::optional<ProcessUsage> read_usage(pid_t pid);

// {cpu, cores, memory_mb, kernel, filesystem of `data`, load_average of the last minute: above 0.5 before a
// run, others take part in what is measured}
nlohmann::json describe_machine(const std::filesystem::path& data);

}  // namespace loadtest
