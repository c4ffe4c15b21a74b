#include "metrics/export_groups.hpp"

namespace holdfast::metrics {

namespace {

using prometheus::MetricType;

std::optional<double> as_double(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

void add_disks(const std::vector<DiskUsage>& disks, Families& families) {
  Family free("holdfast_disk_free_bytes", "Bytes free to the process on a directory's file system.",
              MetricType::Gauge);
  Family size("holdfast_disk_size_bytes", "Bytes of a directory's file system.", MetricType::Gauge);
  for (const auto& disk : disks) {
    free.add(static_cast<double>(disk.free_bytes), {{"directory", disk.name}});
    size.add(static_cast<double>(disk.total_bytes), {{"directory", disk.name}});
  }
  families.add(std::move(free));
  families.add(std::move(size));
}

}  // namespace

void add_process(const ProcessUsage& usage, Families& families) {
  families.gauge("holdfast_memory_usage_bytes", "Resident memory of the process.",
                 as_double(usage.resident_bytes));
  families.gauge("holdfast_memory_limit_bytes",
                 "The least of RAM and the limits of the cgroups around the process.",
                 as_double(usage.memory_limit_bytes));
  families.gauge("holdfast_process_virtual_memory_bytes", "Virtual memory of the process.",
                 as_double(usage.virtual_bytes));
  Family cpu("holdfast_process_cpu_seconds_total", "CPU time of the process, all threads.",
             MetricType::Counter);
  cpu.add(usage.user_cpu_seconds, {{"mode", "user"}});
  cpu.add(usage.system_cpu_seconds, {{"mode", "system"}});
  families.add(std::move(cpu));
  families.counter("holdfast_process_io_read_bytes_total", "Bytes the process had read from block devices.",
                   as_double(usage.io_read_bytes));
  families.counter("holdfast_process_io_written_bytes_total",
                   "Bytes the process had written to block devices.", as_double(usage.io_written_bytes));
  families.counter("holdfast_process_io_wait_seconds_total",
                   "Time the process' threads waited for block devices (with kernel.task_delayacct alone).",
                   usage.io_delay_seconds);
  families.counter("holdfast_machine_io_wait_seconds_total", "Idle CPU time with I/O outstanding, all CPUs.",
                   usage.machine_io_wait_seconds);
  families.counter("holdfast_machine_cpu_seconds_total", "CPU time in any state, idle too, all CPUs.",
                   usage.machine_cpu_seconds);
  families.gauge("holdfast_process_open_files", "File descriptors open now.", as_double(usage.open_files));
  add_disks(usage.disks, families);
}

}  // namespace holdfast::metrics
