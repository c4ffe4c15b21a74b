// The table of configuration keys.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "holdfast/settings/settings.hpp"

namespace holdfast::settings {

struct Key {
  std::string_view path;           // "buffer.round_buffer.max_tokens"
  std::string_view default_value;  // as it would be written in the file
  std::string allowed;             // for messages: "a whole number from 100 to 5000"
  std::function<bool(std::string_view text, Settings& settings)> apply;  // false: not allowed
};

std::span<const Key> keys();
const Key* find_key(std::string_view path);
bool is_section(std::string_view path);  // "buffer.round_buffer": keys lie below it

bool is_live(std::string_view path);  // may change while the daemon runs

// Keys of the product's configuration that this version cannot honour yet: named so, instead of "unknown".
bool is_planned(std::string_view path);

// The known key with the smallest edit distance, the first of several.
std::string_view nearest_key(std::string_view path);

}  // namespace holdfast::settings
