// Any text as the configuration file: refused in one line, or taken; and what is taken is the same after
// printing it and reading that.
//
// Input: the YAML text.
#include "holdfast/settings/settings.hpp"

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "require.hpp"

namespace holdfast::settings {
namespace {

using fuzz::require;

std::string values_of(const LoadedSettings& loaded) {
  std::string all;
  for (const auto& value : loaded.values) all += value.value + '\0';
  return all;
}

void check_printed(const LoadedSettings& loaded, const std::string& values) {
  // Printing and reading is much slower than all the rest, and depends on the values alone.
  static std::unordered_set<std::size_t> printed;
  if (!printed.insert(std::hash<std::string>{}(values)).second) return;
  const auto again = load({std::nullopt, {}, {}, print(loaded)});
  require(again.has_value(), "what is printed can be loaded");
  require(values_of(*again) == values, "what is printed loads to the same values");
}

void run(fuzz::Input input) {
  const auto loaded = load({std::nullopt, {}, {}, std::string(input.rest())});
  if (!loaded) {
    require(!loaded.error().message.empty(), "a refusal says why");
    return;
  }
  check_printed(*loaded, values_of(*loaded));
}

}  // namespace
}  // namespace holdfast::settings

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::settings::run({data, size});
  return 0;
}
