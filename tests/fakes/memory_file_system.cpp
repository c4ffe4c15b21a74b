#include "memory_file_system.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

namespace holdfast::io {
namespace {

constexpr std::size_t kBlockBytes = 512;

void put(std::string& data, std::uint64_t offset, std::string_view bytes) {
  if (data.size() < offset + bytes.size()) data.resize(offset + bytes.size());
  data.replace(offset, bytes.size(), bytes);
}

// Without making paths of them: a fuzzer asks this millions of times.
std::string_view folder_of(std::string_view name) {
  const auto slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{}
                                         : name.substr(0, std::max<std::size_t>(slash, 1));
}

// Each block as it was synced or as it was last written; the size is one of the two.
std::string surviving(const std::string& synced, const std::string& data, std::mt19937& random) {
  const bool written_first = random() % 2;
  auto left = written_first ? data : synced;
  const auto& other = written_first ? synced : data;
  const auto both = std::min(left.size(), other.size());
  for (std::size_t at = 0; at < both; at += kBlockBytes) {
    const auto size = std::min(kBlockBytes, both - at);
    if (random() % 2) left.replace(at, size, other, at, size);
  }
  return left;
}

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& files, std::shared_ptr<MemoryFileSystem::Node> node)
      : files_(files), node_(std::move(node)) {}

  Result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    const std::lock_guard lock(files_.mutex_);
    const auto done = files_.admit(Call::write);
    std::size_t bytes = 0;
    for (const auto piece : pieces) bytes += piece.size();
    for (auto left = done ? bytes : bytes / 2; const auto piece : pieces) {
      const auto written = piece.substr(0, left);
      put(node_->data, offset, written);
      offset += written.size();
      left -= written.size();
    }
    return done;
  }
  Result<std::string> read_at(std::uint64_t offset, std::size_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto done = files_.admit(Call::read); !done) return done.error();
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
  Result<std::uint64_t> data_end() override {
    const std::lock_guard lock(files_.mutex_);
    constexpr std::size_t kBlock = 4096;
    const auto last = node_->data.find_last_not_of('\0');
    if (last == std::string::npos) return std::uint64_t{0};
    const auto end = files_.hides_data ? kBlock : (last / kBlock + 1) * kBlock;
    return std::uint64_t{std::min(node_->data.size(), end)};
  }
  void drop_cache() override {}

 private:
  MemoryFileSystem& files_;
  std::shared_ptr<MemoryFileSystem::Node> node_;
};

Result<void> MemoryFileSystem::admit(Call call) {
  const auto kind = static_cast<std::size_t>(call);
  ++calls_[kind];
  auto& failure = failures_[kind];
  if (failure.nth == 0 || --failure.nth > 0) return {};
  if (failure.for_ever) failure.nth = 1;
  return failure.error;
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const Path& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::open); !done) return done.error();
  auto& node = names_[path.native()];
  if (mode == OpenMode::create_new) {
    if (node) return permanent(path.native() + ": exists");
    node = std::make_shared<Node>();
  } else if (!node) {
    names_.erase(path.native());
    return permanent(path.native() + ": does not exist");
  }
  return std::unique_ptr<File>(std::make_unique<MemoryFile>(*this, node));
}

Result<std::vector<std::string>> MemoryFileSystem::list(const Path& dir) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::list); !done) return done.error();
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (folder_of(name) == dir.native()) found.push_back(name.substr(name.rfind('/') + 1));
  }
  return found;
}

Result<void> MemoryFileSystem::create_directories(const Path&) {
  return {};
}

Result<void> MemoryFileSystem::sync_directory(const Path& dir) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::sync_directory); !done) return done;
  std::erase_if(synced_names_, [&](const auto& entry) {
    return !names_.contains(entry.first) && folder_of(entry.first) == dir.native();
  });
  for (const auto& [name, node] : names_) {
    if (folder_of(name) == dir.native()) synced_names_[name] = node;
  }
  return {};
}

Result<void> MemoryFileSystem::remove(const Path& path) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::remove); !done) return done;
  if (names_.erase(path.native()) == 0) return permanent(path.native() + ": does not exist");
  return {};
}

Result<void> MemoryFileSystem::rename(const Path& from, const Path& to) {
  const std::lock_guard lock(mutex_);
  if (auto done = admit(Call::rename); !done) return done;
  const auto found = names_.find(from.native());
  if (found == names_.end()) return permanent(from.native() + ": does not exist");
  names_[to.native()] = found->second;
  names_.erase(from.native());
  return {};
}

Result<std::shared_ptr<void>> MemoryFileSystem::lock_directory(const Path& dir) {
  const std::lock_guard lock(mutex_);
  auto& held = locks_[dir.native()];
  if (!held.expired()) return permanent(dir.native() + ": in use by another process");
  std::shared_ptr<void> taken = std::make_shared<int>(0);
  held = taken;
  return taken;
}

void MemoryFileSystem::crash() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> left;
  for (const auto& [name, node] : synced_names_) left[name] = node->synced;
  restart_with(left);
}

void MemoryFileSystem::crash_keeping_some(std::uint32_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed);
  std::set<std::string> all;
  for (const auto* names : {&names_, &synced_names_}) {
    for (const auto& entry : *names) all.insert(entry.first);
  }
  std::map<std::string, std::string> left;
  for (const auto& name : all) {
    const auto& names = random() % 2 ? names_ : synced_names_;
    const auto found = names.find(name);
    if (found != names.end()) left[name] = surviving(found->second->synced, found->second->data, random);
  }
  restart_with(left);
}

void MemoryFileSystem::restart_with(const std::map<std::string, std::string>& contents) {
  names_.clear();
  for (const auto& [name, content] : contents) names_[name] = std::make_shared<Node>(Node{content, content});
  synced_names_ = names_;
  locks_.clear();
}

void MemoryFileSystem::clear() {
  const std::lock_guard lock(mutex_);
  names_.clear();
  synced_names_.clear();
}

void MemoryFileSystem::fail(Call call, int nth, Error error, bool for_ever) {
  const std::lock_guard lock(mutex_);
  failures_[static_cast<std::size_t>(call)] = {nth, for_ever, std::move(error)};
}

std::uint64_t MemoryFileSystem::calls(Call call) const {
  const std::lock_guard lock(mutex_);
  return calls_[static_cast<std::size_t>(call)];
}

std::string MemoryFileSystem::content(const Path& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path.native())->data;
}

void MemoryFileSystem::set_content(const Path& path, std::string content) {
  const std::lock_guard lock(mutex_);
  auto node = std::make_shared<Node>();
  node->data = node->synced = std::move(content);
  names_[path.native()] = synced_names_[path.native()] = node;
}

}  // namespace holdfast::io
