// Who may do what: the API keys, kept as SHA-256 hashes (keys are random, so no slow hash is needed), and
// what each is for. Immutable once read; a reload makes another one.
//
// The file: a key a line, "NAME HASH [admin] [users=ID,ID…]"; # begins a comment. `holdfastd new-key NAME`
// prints a fresh key and its line. Without users= a key is good for all users; admin adds the operational
// routes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/base/result.hpp"

namespace holdfast::http {

struct Principal {
  std::string name;
  bool admin = false;
  std::optional<std::vector<std::string>> users;  // nothing: all

  bool scoped() const { return users.has_value(); }
  bool may_see(std::string_view user_id) const {
    return !users || std::find(users->begin(), users->end(), user_id) != users->end();
  }
};

class AccessKeys {
 public:
  // Errors: permanent, with the line. A file that others may read is refused.
  static Result<std::shared_ptr<const AccessKeys>> read(const std::filesystem::path& file);
  static Result<std::shared_ptr<const AccessKeys>> parse(std::string_view text, const std::string& origin);

  // Compares with all of them, in constant time. nullptr: none has it.
  const Principal* find(std::string_view key) const;

 private:
  struct Entry {
    std::string hash;  // 32 bytes
    Principal principal;
  };
  std::vector<Entry> entries_;
};

struct NewKey {
  std::string key;   // to be shown once
  std::string line;  // for the file
};
NewKey make_key(const std::string& name);

}  // namespace holdfast::http
