#include "holdfast/http/access_keys.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace holdfast::http {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kHex = "0123456789abcdef";

std::string sha256(std::string_view text) {
  std::string hash(kHashBytes, '\0');
  if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(hash.data()), nullptr,
                 EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return hash;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    hex += kHex[static_cast<unsigned char>(c) >> 4];
    hex += kHex[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() != 2 * kHashBytes) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = kHex.find(hex[i]), low = kHex.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace

Result<std::shared_ptr<const AccessKeys>> AccessKeys::read(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0)
    return permanent("auth.keys_file " + file.string() + " cannot be read");
  if ((status.st_mode & 0077) != 0) {
    return permanent("auth.keys_file " + file.string() + " may be read or written by others: chmod 600 it");
  }
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return permanent("auth.keys_file " + file.string() + " cannot be read");
  return parse(text.str(), file.string());
}

Result<std::shared_ptr<const AccessKeys>> AccessKeys::parse(std::string_view text,
                                                            const std::string& origin) {
  auto keys = std::make_shared<AccessKeys>();
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    const auto wrong = [&](const std::string& what) {
      return permanent(origin + ":" + std::to_string(number) + ": " + what);
    };
    Entry entry;
    std::string hash, word;
    if (!(words >> entry.principal.name)) continue;
    const auto bytes = words >> hash ? from_hex(hash) : std::nullopt;
    if (!bytes) return wrong("after the name must come a SHA-256 hash in 64 lower-case hex digits");
    entry.hash = *bytes;
    while (words >> word) {
      if (word == "admin") {
        entry.principal.admin = true;
      } else if (word.starts_with("users=")) {
        auto& users = entry.principal.users.emplace();
        std::istringstream ids(word.substr(6));
        for (std::string id; std::getline(ids, id, ',');) {
          if (!id.empty()) users.push_back(id);
        }
      } else {
        return wrong("\"" + word + "\" is not known: must be admin or users=ID,ID");
      }
    }
    if (entry.principal.admin && entry.principal.users)
      return wrong("an admin key cannot be limited to users");
    for (const auto& other : keys->entries_) {
      if (other.hash == entry.hash) return wrong("the same key as " + other.principal.name + "'s");
    }
    keys->entries_.push_back(std::move(entry));
  }
  if (keys->entries_.empty()) return permanent(origin + ": has no keys, so nobody could get in");
  return std::shared_ptr<const AccessKeys>(std::move(keys));
}

const Principal* AccessKeys::find(std::string_view key) const {
  const auto hash = sha256(key);
  const Principal* found = nullptr;
  for (const auto& entry : entries_) {
    if (CRYPTO_memcmp(entry.hash.data(), hash.data(), kHashBytes) == 0) found = &entry.principal;
  }
  return found;
}

NewKey make_key(const std::string& name) {
  std::array<unsigned char, kKeyBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("no random numbers are available");
  }
  const std::string key = "hf_" + to_hex({reinterpret_cast<const char*>(random.data()), random.size()});
  return {key, name + " " + to_hex(sha256(key))};
}

}  // namespace holdfast::http
