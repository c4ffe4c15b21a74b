// The kinds of configuration keys. initial, least and most are written as in the file, bounds included; store
// gets a value that is allowed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "keys.hpp"

namespace holdfast::settings {

Key whole(std::string_view path, std::string_view initial, std::int64_t least, std::int64_t most,
          std::function<void(Settings&, std::int64_t)> store);
Key decimal(std::string_view path, std::string_view initial, double least, double most,
            std::function<void(Settings&, double)> store);
Key boolean(std::string_view path, std::string_view initial, std::function<void(Settings&, bool)> store);
Key duration(std::string_view path, std::string_view initial, std::string_view least, std::string_view most,
             std::function<void(Settings&, std::chrono::milliseconds)> store);
Key size(std::string_view path, std::string_view initial, std::string_view least, std::string_view most,
         std::function<void(Settings&, std::uint64_t)> store);
// One of a few words; store gets the index.
Key choice(std::string_view path, std::string_view initial, std::vector<std::string_view> words,
           std::function<void(Settings&, std::size_t)> store);
Key text(std::string_view path, std::string_view initial, std::function<void(Settings&, std::string)> store);
// A text that may be left out: none, and store gets an empty one.
Key optional_text(std::string_view path, std::function<void(Settings&, std::string)> store);
// Only one value works in this version; the reason is part of the message.
Key only(std::string_view path, std::string_view value, std::string_view reason);

}  // namespace holdfast::settings
