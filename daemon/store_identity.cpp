#include "store_identity.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace holdfast {
namespace {

constexpr const char* kName = "store-id";
constexpr std::size_t kMostBytes = 256;

Result<std::string> read_name(io::FileSystem& files, const io::Path& dir) {
  const auto names = files.list(dir);
  if (!names) return names.error();
  if (std::find(names->begin(), names->end(), kName) == names->end()) return std::string();
  const auto file = files.open(dir / kName, io::OpenMode::read);
  if (!file) return file.error();
  return (*file)->read_at(0, kMostBytes);
}

Result<void> write_name(io::FileSystem& files, const io::Path& dir, const std::string& store_id) {
  const auto partial = dir / (std::string(kName) + ".partial");
  (void)files.remove(partial);  // of a run that was killed
  {
    const auto file = files.open(partial, io::OpenMode::create_new);
    if (!file) return file.error();
    const std::string_view piece = store_id;
    if (auto done = (*file)->write_at(0, std::span(&piece, 1)); !done) return done;
    if (auto done = (*file)->sync_data(); !done) return done;
  }
  if (auto done = files.rename(partial, dir / kName); !done) return done;
  return files.sync_directory(dir);
}

}  // namespace

Result<void> keep_to_store(io::FileSystem& files, const io::Path& dir, const std::string& store_id,
                           std::uint64_t waiting) {
  const auto known = read_name(files, dir);
  if (!known) return known.error();
  if (*known == store_id) return {};
  if (!known->empty() && waiting > 0) {
    return permanent(
        "the journal in " + dir.string() + " holds " + std::to_string(waiting) +
        " operations for another store than this one, and would lose them: is the store's path wrong, "
        "its disk not mounted, its file a new one?");
  }
  return write_name(files, dir, store_id);
}

}  // namespace holdfast
