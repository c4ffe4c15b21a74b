// The profiles: config/*.yaml as they were when the binary was built.
#pragma once

#include <optional>
#include <string_view>

namespace holdfast::settings {

std::optional<std::string_view> profile_yaml(std::string_view name);

}  // namespace holdfast::settings
