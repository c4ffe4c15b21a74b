#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "holdfast/io/file_system.hpp"

namespace holdfast::io {
namespace {

Error failure(const char* call, const Path& path, int code) {
  std::string message = path.string() + ": " + call + ": " + std::strerror(code);
  if (code == ENOSPC || code == EDQUOT) return overloaded(std::move(message));
  if (code == EACCES || code == EPERM || code == ENOENT || code == ENOTDIR || code == ELOOP ||
      code == EEXIST || code == EROFS) {
    return permanent(std::move(message));
  }
  return retryable(std::move(message));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, Path path) : fd_(fd), path_(std::move(path)) {}

  Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::vector<iovec> left;
    for (const auto piece : pieces) left.push_back({const_cast<char*>(piece.data()), piece.size()});
    std::size_t first = 0;
    while (first < left.size()) {
      const auto count = std::min<std::size_t>(left.size() - first, IOV_MAX);
      auto written =
          ::pwritev(fd_.get(), left.data() + first, static_cast<int>(count), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failure("write", path_, errno);
      offset += static_cast<std::uint64_t>(written);
      for (; first < left.size() && static_cast<std::size_t>(written) >= left[first].iov_len; ++first) {
        written -= static_cast<ssize_t>(left[first].iov_len);
      }
      if (written > 0) {
        left[first].iov_base = static_cast<char*>(left[first].iov_base) + written;
        left[first].iov_len -= static_cast<std::size_t>(written);
      }
    }
    return {};
  }

  Result<std::string> read_at(std::uint64_t offset, std::size_t size) override {
    std::string out(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const auto got =
          ::pread(fd_.get(), out.data() + filled, size - filled, static_cast<off_t>(offset + filled));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failure("read", path_, errno);
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    out.resize(filled);
    return out;
  }

  Result<void> sync_data() override {
    if (::fdatasync(fd_.get()) != 0) return failure("fdatasync", path_, errno);
    return {};
  }

  Result<void> preallocate(std::uint64_t size) override {
    // posix_fallocate returns the error instead of setting errno.
    const int code = ::posix_fallocate(fd_.get(), 0, static_cast<off_t>(size));
    if (code != 0) return failure("fallocate", path_, code);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return failure("truncate", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return failure("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::uint64_t> data_end() override {
    std::uint64_t end = 0;
    for (;;) {
      const auto begin = ::lseek(fd_.get(), static_cast<off_t>(end), SEEK_DATA);
      if (begin < 0 && errno == ENXIO) return end;  // a hole reaches the end of the file
      const auto next = begin < 0 ? begin : ::lseek(fd_.get(), begin, SEEK_HOLE);
      if (next < 0) return size();
      end = static_cast<std::uint64_t>(next);
    }
  }

  void drop_cache() override { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

 private:
  Descriptor fd_;
  Path path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override {
    int flags = O_CLOEXEC | O_NOFOLLOW;
    flags |= mode == OpenMode::read ? O_RDONLY : O_RDWR;
    if (mode == OpenMode::create_new) flags |= O_CREAT | O_EXCL;
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return failure("open", path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }

  Result<std::vector<std::string>> list(const Path& dir) override {
    std::error_code error;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator entry(dir, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error) return failure("list", dir, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> create_directories(const Path& dir) override {
    Path made;
    for (const auto& part : dir) {
      const auto parent = made.empty() ? Path(".") : made;
      made /= part;
      if (made.empty()) continue;
      if (::mkdir(made.c_str(), 0700) != 0) {
        if (errno == EEXIST) continue;
        return failure("mkdir", made, errno);
      }
      if (auto done = sync_directory(parent); !done) return done;
    }
    return {};
  }

  Result<void> sync_directory(const Path& dir) override {
    const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failure("open", dir, errno);
    const Descriptor held(fd);
    if (::fsync(fd) != 0) return failure("fsync", dir, errno);
    return {};
  }

  Result<void> remove(const Path& path) override {
    if (::unlink(path.c_str()) != 0) return failure("unlink", path, errno);
    return {};
  }

  Result<void> rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failure("rename", from, errno);
    return {};
  }

  Result<std::shared_ptr<void>> lock_directory(const Path& dir) override {
    const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return failure("open", dir, errno);
    auto held = std::make_shared<Descriptor>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return permanent(dir.string() + ": in use by another process");
      return failure("lock", dir, errno);
    }
    if (::access(dir.c_str(), W_OK | X_OK) != 0) return failure("write to", dir, errno);
    return std::shared_ptr<void>(held);
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

}  // namespace holdfast::io
