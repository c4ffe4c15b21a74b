// Places where a test build can kill the process as if by `kill -9`: HOLDFAST_FAILPOINT=NAME:N in the
// environment kills it when NAME is passed for the Nth time. Only the sanitizer presets have them; elsewhere
// they are nothing. tests/fault/run knows the names.
#pragma once

#ifdef HOLDFAST_FAILPOINTS
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

namespace holdfast {

inline void pass_failpoint(std::string_view name) {
  static const std::string chosen = [] {
    const char* value = std::getenv("HOLDFAST_FAILPOINT");
    return std::string(value ? value : "");
  }();
  if (!std::string_view(chosen).starts_with(name) || chosen.size() <= name.size() ||
      chosen[name.size()] != ':')
    return;
  static std::atomic<int> left = std::atoi(chosen.c_str() + name.size() + 1);
  if (--left == 0) std::raise(SIGKILL);
}

}  // namespace holdfast
#define HOLDFAST_PASS(NAME) ::holdfast::pass_failpoint(NAME)
#else
#define HOLDFAST_PASS(NAME) static_cast<void>(0)
#endif
