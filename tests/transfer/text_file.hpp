// A file with a given text that is there as long as this, open for reading.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace holdfast::transfer {

class TextFile {
 public:
  explicit TextFile(std::string_view text) {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-lines-XXXXXX").string();
    descriptor_ = ::mkstemp(name.data());
    path_ = name;
    append(text);
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() {
    ::close(descriptor_);
    std::filesystem::remove(path_);
  }
  void append(std::string_view text) {
    const auto size = ::lseek(descriptor_, 0, SEEK_END);
    if (::pwrite(descriptor_, text.data(), text.size(), size) != static_cast<ssize_t>(text.size()))
      std::abort();
  }
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

}  // namespace holdfast::transfer
