// The real file system behind the seam: private, exclusive, and never through a symlink.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "fakes/temporary_directory.hpp"
#include "holdfast/io/file_system.hpp"

namespace holdfast::io {
namespace {

using testing::ElementsAre;

class PosixFileSystemTest : public testing::Test {
 protected:
  static unsigned mode_of(const Path& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0);
    return status.st_mode & 0777u;
  }

  std::unique_ptr<File> make(const Path& path, std::string_view content) {
    auto file = files.open(path, OpenMode::create_new);
    EXPECT_TRUE(file);
    const std::array<std::string_view, 1> pieces{content};
    EXPECT_TRUE((*file)->write_at(0, pieces));
    return std::move(*file);
  }

  FileSystem& files = posix_file_system();
  const TemporaryDirectory folder;
  const Path dir = folder.path();
};

TEST_F(PosixFileSystemTest, KnowsWhereNothingButZerosFollows) {
  constexpr std::uint64_t kMiB = 1u << 20;
  auto file = make(dir / "a", "begin");
  ASSERT_TRUE(file->preallocate(10 * kMiB));
  const std::array<std::string_view, 1> pieces{"end"};
  ASSERT_TRUE(file->write_at(3 * kMiB, pieces));
  for (const bool synced : {false, true}) {
    if (synced) {
      ASSERT_TRUE(file->sync_data());
    }
    const auto end = file->data_end();
    ASSERT_TRUE(end);
    EXPECT_GE(*end, 3 * kMiB + 3);
    EXPECT_LT(*end, 10 * kMiB);
  }
  ASSERT_TRUE(file->truncate(0));
  EXPECT_EQ(*file->data_end(), 0u);
}

TEST_F(PosixFileSystemTest, PiecesAreWrittenOneAfterAnotherAndReadBack) {
  auto file = files.open(dir / "a", OpenMode::create_new);
  ASSERT_TRUE(file);
  std::vector<std::string> parts;  // more than one system call takes
  std::string all;
  for (std::size_t i = 0; i < 3'000; ++i) parts.push_back(i % 7 ? std::to_string(i) : "");
  for (const auto& part : parts) all += part;
  const std::vector<std::string_view> pieces(parts.begin(), parts.end());
  ASSERT_TRUE((*file)->write_at(7, pieces));
  ASSERT_TRUE((*file)->sync_data());
  EXPECT_EQ(*(*file)->size(), all.size() + 7);
  EXPECT_EQ(*(*file)->read_at(7, all.size()), all);
  EXPECT_EQ(*(*file)->read_at(0, 7), std::string(7, '\0'));
  EXPECT_EQ(*(*file)->read_at(all.size(), 100), all.substr(all.size() - 7));  // fewer only at the end
  EXPECT_EQ(*(*file)->read_at(1 << 20, 100), "");
}

TEST_F(PosixFileSystemTest, PreallocatedBytesAreThereAndZero) {
  const auto file = make(dir / "a", "x");
  ASSERT_TRUE(file->preallocate(100'000));
  EXPECT_EQ(*file->size(), 100'000u);
  file->drop_cache();
  EXPECT_EQ(*file->read_at(1, 99'999), std::string(99'999, '\0'));
  ASSERT_TRUE(file->truncate(1));
  EXPECT_EQ(*file->read_at(0, 10), "x");
}

TEST_F(PosixFileSystemTest, OpenModes) {
  EXPECT_FALSE(files.open(dir / "a", OpenMode::read));
  EXPECT_FALSE(files.open(dir / "a", OpenMode::read_write));
  make(dir / "a", "x");
  EXPECT_FALSE(files.open(dir / "a", OpenMode::create_new));
  ASSERT_TRUE(files.open(dir / "a", OpenMode::read));
  const std::array<std::string_view, 1> pieces{"y"};
  EXPECT_FALSE((*files.open(dir / "a", OpenMode::read))->write_at(0, pieces));
  EXPECT_TRUE((*files.open(dir / "a", OpenMode::read_write))->write_at(0, pieces));
}

TEST_F(PosixFileSystemTest, FilesAndDirectoriesArePrivateWhateverTheUmask) {
  const auto before = ::umask(0);
  ASSERT_TRUE(files.create_directories(dir / "one" / "two"));
  make(dir / "one" / "file", "x");
  ::umask(before);
  EXPECT_EQ(mode_of(dir / "one"), 0700u);
  EXPECT_EQ(mode_of(dir / "one" / "two"), 0700u);
  EXPECT_EQ(mode_of(dir / "one" / "file"), 0600u);
  EXPECT_TRUE(files.create_directories(dir / "one" / "two")) << "they exist already";
}

TEST_F(PosixFileSystemTest, SymlinksAreNotFollowed) {
  make(dir / "target", "secret");
  std::filesystem::create_symlink(dir / "target", dir / "link");
  std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
  std::filesystem::create_directory(dir / "real");
  std::filesystem::create_directory_symlink(dir / "real", dir / "linked");
  for (const auto mode : {OpenMode::read, OpenMode::read_write, OpenMode::create_new}) {
    EXPECT_FALSE(files.open(dir / "link", mode));
    EXPECT_FALSE(files.open(dir / "dangling", mode));
  }
  EXPECT_FALSE(files.lock_directory(dir / "linked"));
  EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
}

TEST_F(PosixFileSystemTest, ALockedDirectoryIsLockedUntilTheLockIsGone) {
  auto lock = files.lock_directory(dir);
  ASSERT_TRUE(lock);
  const auto second = files.lock_directory(dir);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::permanent);
  lock->reset();
  EXPECT_TRUE(files.lock_directory(dir));
  EXPECT_FALSE(files.lock_directory(dir / "missing"));
}

TEST_F(PosixFileSystemTest, NamesAreListedSortedAndCanBeMovedAndRemoved) {
  make(dir / "b", "x");
  make(dir / "a", "x");
  EXPECT_THAT(*files.list(dir), ElementsAre("a", "b"));
  ASSERT_TRUE(files.rename(dir / "a", dir / "c"));
  ASSERT_TRUE(files.remove(dir / "b"));
  EXPECT_TRUE(files.sync_directory(dir));
  EXPECT_THAT(*files.list(dir), ElementsAre("c"));
  EXPECT_FALSE(files.remove(dir / "b"));
  EXPECT_FALSE(files.rename(dir / "a", dir / "b"));
  EXPECT_FALSE(files.list(dir / "missing"));
  EXPECT_FALSE(files.sync_directory(dir / "missing"));
}

// The kind decides what the client is told: a full disk is not a broken one.
TEST_F(PosixFileSystemTest, AFullDiskIsOverload) {
  const auto full = files.open("/dev/full", OpenMode::read_write);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const std::array<std::string_view, 1> pieces{"x"};
  const auto written = (*full)->write_at(0, pieces);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::overloaded);
}

}  // namespace
}  // namespace holdfast::io
