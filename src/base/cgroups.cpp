#include "holdfast/base/cgroups.hpp"

#include <fstream>
#include <string>

namespace holdfast {
namespace {

// controllers: "cpu,cpuacct".
bool names(std::string_view controllers, std::string_view controller) {
  const auto in_commas = [](std::string_view text) { return "," + std::string(text) + ","; };
  return in_commas(controllers).find(in_commas(controller)) != std::string::npos;
}

}  // namespace

std::vector<Cgroup> cgroups_of(std::string_view controller, const std::filesystem::path& proc,
                               const std::filesystem::path& cgroups) {
  std::vector<Cgroup> found;
  // Lines "hierarchy:controllers:path"; v2's is "0::path".
  std::ifstream lines(proc / "self" / "cgroup");
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const auto name = std::filesystem::path(line.substr(second + 1)).relative_path();
    if (names(controllers, controller)) found.push_back({cgroups / controller, name, false});
    if (!controllers.empty()) continue;
    found.push_back({cgroups, name, true});
    found.push_back({cgroups / "unified", name, true});
  }
  return found;
}

}  // namespace holdfast
