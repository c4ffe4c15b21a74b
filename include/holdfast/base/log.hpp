// The process's log: lines to standard error, as text or as one JSON object a line. Thread-safe. Message
// text, keys and secrets never go into it.
//   log::info("journal opened: {} segments", n);
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace holdfast::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

enum class Format { text, json };

// Call once from main before threads start. level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
void configure(Format format, std::string_view level);
// From now on. Any thread.
void set_level(std::string_view level);

}  // namespace holdfast::log
