#include "memory_file_system.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::io {

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& files, std::shared_ptr<MemoryFileSystem::Node> node)
      : files_(files), node_(std::move(node)) {}

  Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto done = files_.admit(Call::write); !done) return done;
    for (const auto piece : pieces) {
      if (node_->data.size() < offset + piece.size()) node_->data.resize(offset + piece.size());
      node_->data.replace(offset, piece.size(), piece);
      offset += piece.size();
    }
    return {};
  }
  Result<std::string> read_at(std::uint64_t offset, std::size_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (offset >= node_->data.size()) return std::string();
    return node_->data.substr(offset, size);
  }
  Result<void> sync_data() override {
    const std::lock_guard lock(files_.mutex_);
    if (auto done = files_.admit(Call::sync); !done) return done;
    node_->synced = node_->data;
    return {};
  }
  Result<void> preallocate(std::uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto done = files_.admit(Call::preallocate); !done) return done;
    if (node_->data.size() < size) node_->data.resize(size);
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto done = files_.admit(Call::truncate); !done) return done;
    node_->data.resize(size);
    return {};
  }
  Result<std::uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    return std::uint64_t{node_->data.size()};
  }
  void drop_cache() override {}

 private:
  MemoryFileSystem& files_;
  std::shared_ptr<MemoryFileSystem::Node> node_;
};

Result<void> MemoryFileSystem::admit(Call call) {
  ++calls_[call];
  auto& failure = failures_[call];
  if (failure.nth == 0 || --failure.nth > 0) return {};
  if (failure.for_ever) failure.nth = 1;
  return failure.error;
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const Path& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::open); !done) return done.error();
  auto& node = names_[path.string()];
  if (mode == OpenMode::create_new) {
    if (node) return permanent(path.string() + ": exists");
    node = std::make_shared<Node>();
  } else if (!node) {
    names_.erase(path.string());
    return permanent(path.string() + ": does not exist");
  }
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, node));
}

Result<std::vector<std::string>> MemoryFileSystem::list(const Path& dir) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (Path(name).parent_path() == dir) found.push_back(Path(name).filename().string());
  }
  return found;
}

Result<void> MemoryFileSystem::create_directories(const Path&) {
  return {};
}

Result<void> MemoryFileSystem::sync_directory(const Path& dir) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::sync_directory); !done) return done;
  std::erase_if(synced_names_, [&](const auto& entry) { return Path(entry.first).parent_path() == dir; });
  for (const auto& entry : names_) {
    if (Path(entry.first).parent_path() == dir) synced_names_.insert(entry);
  }
  return {};
}

Result<void> MemoryFileSystem::remove(const Path& path) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::remove); !done) return done;
  if (names_.erase(path.string()) == 0) return permanent(path.string() + ": does not exist");
  return {};
}

Result<void> MemoryFileSystem::rename(const Path& from, const Path& to) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(from.string());
  if (found == names_.end()) return permanent(from.string() + ": does not exist");
  names_[to.string()] = found->second;
  names_.erase(from.string());
  return {};
}

Result<std::shared_ptr<void>> MemoryFileSystem::lock_directory(const Path& dir) {
  const std::lock_guard lock(mutex_);
  auto& held = locks_[dir.string()];
  if (!held.expired()) return permanent(dir.string() + ": in use by another process");
  std::shared_ptr<void> taken = std::make_shared<int>(0);
  held = taken;
  return taken;
}

void MemoryFileSystem::crash() {
  const std::lock_guard lock(mutex_);
  names_.clear();
  for (const auto& [name, node] : synced_names_) {
    auto left = std::make_shared<Node>();
    left->data = left->synced = node->synced;
    names_[name] = left;
  }
  synced_names_ = names_;
  locks_.clear();
}

void MemoryFileSystem::fail(Call call, int nth, Error error, bool for_ever) {
  const std::lock_guard lock(mutex_);
  failures_[call] = {nth, for_ever, std::move(error)};
}

std::uint64_t MemoryFileSystem::calls(Call call) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

std::string MemoryFileSystem::content(const Path& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path.string())->data;
}

void MemoryFileSystem::set_content(const Path& path, std::string content) {
  const std::lock_guard lock(mutex_);
  auto node = std::make_shared<Node>();
  node->data = node->synced = std::move(content);
  names_[path.string()] = synced_names_[path.string()] = node;
}

}  // namespace holdfast::io
