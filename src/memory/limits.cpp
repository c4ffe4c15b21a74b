#include "holdfast/memory/limits.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast::memory {
namespace {

constexpr std::uint64_t kMiB = 1u << 20, kGiB = 1u << 30;

struct Figures {
  std::uint64_t buffers, process, available;  // MiB
};

constexpr Figures figures_of(Sizing sizing) {
  switch (sizing) {
    case Sizing::data_pipeline:
      return {2048, 4096, 1024};
    case Sizing::ml_training:
      return {4096, 8192, 2048};
    case Sizing::analytics:
    case Sizing::batch_processing:
    case Sizing::automatic:
      break;
  }
  return {1024, 2048, 512};
}

struct Wanted {
  Figures figures;
  std::string origin;
};

Wanted figures_of_machine(const Readings& readings) {
  const auto ram = readings.ram_bytes.value_or(readings.limit_bytes.value_or(0));
  Wanted wanted{{4096, 8192, 2048}, "a machine with 16 GiB or more"};
  if (ram < 4 * kGiB) {
    wanted = {{512, 1024, 256}, "a machine with less than 4 GiB"};
  } else if (ram < 8 * kGiB) {
    wanted = {{1024, 2048, 512}, "a machine with less than 8 GiB"};
  } else if (ram < 16 * kGiB) {
    wanted = {{2048, 4096, 1024}, "a machine with less than 16 GiB"};
  }
  auto& [buffers, process, available] = wanted.figures;
  if (readings.ram_available_bytes && *readings.ram_available_bytes < 2 * available * kMiB) {
    buffers = buffers * 5 / 10;
    process = process * 7 / 10;
    wanted.origin += ", little of it available";
  }
  return wanted;
}

Limit choose(std::uint64_t given, const char* key, std::uint64_t wanted_mib, const std::string& origin,
             const Readings& readings, std::uint64_t percent) {
  if (given > 0) return {given, key};
  const auto wanted = wanted_mib * kMiB;
  if (readings.limit_bytes && *readings.limit_bytes / 100 * percent < wanted) {
    return {*readings.limit_bytes / 100 * percent,
            std::to_string(percent) + " % of " + readings.limit_origin};
  }
  return {wanted, origin};
}

}  // namespace

std::string_view to_string(Sizing sizing) {
  constexpr std::array<std::string_view, 5> kNames{"automatic", "data_pipeline", "analytics", "ml_training",
                                                   "batch_processing"};
  return kNames[static_cast<std::size_t>(sizing)];
}

std::string_view to_string(Mode mode) {
  constexpr std::array<std::string_view, 3> kNames{"performance", "balanced", "safety"};
  return kNames[static_cast<std::size_t>(mode)];
}

Limits choose_limits(const GivenLimits& given, const Readings& readings) {
  const auto wanted =
      given.sizing == Sizing::automatic
          ? figures_of_machine(readings)
          : Wanted{figures_of(given.sizing), "memory.sizing " + std::string(to_string(given.sizing))};
  const auto& [figures, origin] = wanted;
  return {choose(given.buffer_bytes, "memory.max_buffer_mb", figures.buffers, origin, readings, 40),
          choose(given.process_bytes, "memory.max_process_mb", figures.process, origin, readings, 70),
          choose(given.available_bytes, "memory.min_system_available_mb", figures.available, origin, readings,
                 10)};
}

std::uint64_t steps_between_checks(Mode mode, std::uint64_t rows) {
  const std::uint64_t interval = mode == Mode::performance ? 50 : mode == Mode::balanced ? 20 : 5;
  return interval * (rows > 1'000'000 ? 5 : rows > 100'000 ? 2 : 1);
}

}  // namespace holdfast::memory
