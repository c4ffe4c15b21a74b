#include "key_kinds.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "values.hpp"

namespace holdfast::settings {

using std::chrono::milliseconds;

Key whole(std::string_view path, std::string_view initial, std::int64_t least, std::int64_t most,
          std::function<void(Settings&, std::int64_t)> store) {
  return {path, initial, fmt::format("a whole number from {} to {}", least, most),
          [=](std::string_view text, Settings& settings) {
            const auto value = parse_integer(text);
            if (!value || *value < least || *value > most) return false;
            store(settings, *value);
            return true;
          }};
}

Key decimal(std::string_view path, std::string_view initial, double least, double most,
            std::function<void(Settings&, double)> store) {
  return {path, initial, fmt::format("a number from {} to {}", least, most),
          [=](std::string_view text, Settings& settings) {
            const auto value = parse_decimal(text);
            if (!value || *value < least || *value > most) return false;
            store(settings, *value);
            return true;
          }};
}

Key boolean(std::string_view path, std::string_view initial, std::function<void(Settings&, bool)> store) {
  return {path, initial, "true or false", [=](std::string_view text, Settings& settings) {
            const auto value = parse_boolean(text);
            if (value) store(settings, *value);
            return value.has_value();
          }};
}

Key duration(std::string_view path, std::string_view initial, std::string_view least, std::string_view most,
             std::function<void(Settings&, milliseconds)> store) {
  const auto from = *parse_duration(least), to = *parse_duration(most);
  return {path, initial,
          fmt::format("a time from {} to {} (250ms, 5s, 1h; a plain number is seconds)", least, most),
          [=](std::string_view text, Settings& settings) {
            const auto value = parse_duration(text);
            if (!value || *value < from || *value > to) return false;
            store(settings, *value);
            return true;
          }};
}

Key size(std::string_view path, std::string_view initial, std::string_view least, std::string_view most,
         std::function<void(Settings&, std::uint64_t)> store) {
  const auto from = *parse_size(least), to = *parse_size(most);
  return {path, initial,
          fmt::format("a size from {} to {} (512KiB, 64MiB, 8GiB; a plain number is bytes)", least, most),
          [=](std::string_view text, Settings& settings) {
            const auto value = parse_size(text);
            if (!value || *value < from || *value > to) return false;
            store(settings, *value);
            return true;
          }};
}

Key choice(std::string_view path, std::string_view initial, std::vector<std::string_view> words,
           std::function<void(Settings&, std::size_t)> store) {
  std::string allowed;
  for (const auto word : words) allowed += (allowed.empty() ? "" : " or ") + std::string(word);
  return {path, initial, allowed, [=](std::string_view text, Settings& settings) {
            const auto found = std::find(words.begin(), words.end(), text);
            if (found == words.end()) return false;
            store(settings, static_cast<std::size_t>(found - words.begin()));
            return true;
          }};
}

Key text(std::string_view path, std::string_view initial, std::function<void(Settings&, std::string)> store) {
  return {path, initial, "a text that is not empty", [=](std::string_view value, Settings& settings) {
            if (value.empty()) return false;
            store(settings, std::string(value));
            return true;
          }};
}

Key only(std::string_view path, std::string_view value, std::string_view reason) {
  return {path, value, fmt::format("{} ({})", value, reason),
          [=](std::string_view given, Settings&) { return given == value; }};
}

Key optional_text(std::string_view path, std::function<void(Settings&, std::string)> store) {
  return {path, "none", "none or a text", [=](std::string_view given, Settings& settings) {
            store(settings, given == "none" ? std::string() : std::string(given));
            return !given.empty();
          }};
}

}  // namespace holdfast::settings
