#include "holdfast/flush/dead_letters.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

#include "holdfast/base/crc32c.hpp"
#include "holdfast/base/log.hpp"

namespace holdfast::flush {
namespace {

// A letter's file, little-endian: magic, version u32, CRC-32C u32 of what follows, then texts (u32 length and
// bytes): user, session, message, operation, reason; attempts u64, died_at i64 µs, type u8, payload text.
constexpr std::string_view kMagic = "HOLDDEAD";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::string_view kSuffix = ".letter";
constexpr std::size_t kIdLength = 33;

Bytes encode(const DeadLetter& letter) {
  Bytes body;
  ByteWriter out(body);
  for (const auto* text :
       {&letter.user_id, &letter.session_id, &letter.message_id, &letter.operation, &letter.reason}) {
    out.text(*text);
  }
  out.integer(letter.attempts);
  out.integer<std::int64_t>(letter.died_at.time_since_epoch().count());
  out.integer(letter.type);
  out.text(letter.payload);
  Bytes bytes(kMagic);
  ByteWriter head(bytes);
  head.integer(kVersion);
  head.integer(crc32c(body));
  return bytes + body;
}

std::optional<DeadLetter> decode(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  ByteReader head(bytes.substr(kMagic.size()));
  const auto version = head.integer<std::uint32_t>();
  const auto crc = head.integer<std::uint32_t>();
  const auto body = bytes.substr(kHeaderBytes);
  if (version != kVersion || crc != crc32c(body)) return std::nullopt;
  ByteReader in(body);
  DeadLetter letter;
  for (auto* text :
       {&letter.user_id, &letter.session_id, &letter.message_id, &letter.operation, &letter.reason}) {
    *text = in.text();
  }
  letter.attempts = in.integer<std::uint64_t>();
  letter.died_at = Timestamp{std::chrono::microseconds{in.integer<std::int64_t>()}};
  letter.type = in.integer<std::uint8_t>();
  letter.payload = in.text();
  return in.ok() && in.at_end() ? std::optional(std::move(letter)) : std::nullopt;
}

// Ids come from requests too, and become file names.
bool is_letter_id(std::string_view id) {
  return id.size() == kIdLength && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

}  // namespace

std::string dead_letter_id(Lsn lsn, std::string_view message_id) {
  const auto low = crc32c(message_id);
  return fmt::format("{:016x}-{:08x}{:08x}", lsn, low, crc32c(message_id, low));
}

Result<std::unique_ptr<DeadLetters>> DeadLetters::open(io::FileSystem& files, io::Path dir) {
  if (auto made = files.create_directories(dir); !made) return permanent(made.error().message);
  std::unique_ptr<DeadLetters> letters(new DeadLetters(files, std::move(dir)));
  const auto names = files.list(letters->dir_);
  if (!names) return permanent(names.error().message);
  for (const auto& name : *names) {
    if (!name.ends_with(kSuffix)) continue;
    const auto id = name.substr(0, name.size() - kSuffix.size());
    // A name that find() and remove() would refuse must not be listed for ever.
    auto letter = is_letter_id(id) ? letters->read(id) : Result<DeadLetter>(permanent("its name is no id"));
    if (!letter) {
      log::error("dead letter {} cannot be read and is left alone: {}", name, letter.error().message);
      continue;
    }
    letter->payload = {};
    letters->letters_[id] = std::move(*letter);
  }
  letters->count_ = letters->letters_.size();
  return letters;
}

Result<DeadLetter> DeadLetters::read(const std::string& id) const {
  auto file = files_.open(dir_ / (id + std::string(kSuffix)), io::OpenMode::read);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  const auto bytes = (*file)->read_at(0, static_cast<std::size_t>(*size));
  if (!bytes) return bytes.error();
  auto letter = decode(*bytes);
  if (!letter) return permanent("damaged");
  letter->id = id;
  return std::move(*letter);
}

Result<void> DeadLetters::put(const DeadLetter& letter) {
  const std::lock_guard lock(mutex_);
  const auto final_name = dir_ / (letter.id + std::string(kSuffix));
  const auto partial = dir_ / (letter.id + ".partial");
  (void)files_.remove(partial);
  auto file = files_.open(partial, io::OpenMode::create_new);
  if (!file) return file.error();
  const auto bytes = encode(letter);
  const std::array<std::string_view, 1> pieces{bytes};
  if (auto done = (*file)->write_at(0, pieces); !done) return done;
  if (auto done = (*file)->sync_data(); !done) return done;
  if (auto done = files_.rename(partial, final_name); !done) return done;
  if (auto done = files_.sync_directory(dir_); !done) return done;
  auto entry = letter;
  entry.payload = {};
  letters_[letter.id] = std::move(entry);
  count_ = letters_.size();
  return {};
}

std::vector<DeadLetter> DeadLetters::list(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<DeadLetter> some;
  for (const auto& [id, letter] : letters_) {
    if (some.size() == limit) break;
    some.push_back(letter);
  }
  return some;
}

Result<std::optional<DeadLetter>> DeadLetters::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  if (!is_letter_id(id) || !letters_.contains(id)) return std::optional<DeadLetter>{};
  auto letter = read(id);
  if (!letter) return letter.error();
  return std::optional(std::move(*letter));
}

bool DeadLetters::contains(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return letters_.contains(id);
}

std::vector<std::string> DeadLetters::inserts_of(std::string_view user_id,
                                                 std::string_view message_id) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, letter] : letters_) {
    if (letter.message_id == message_id && letter.user_id == user_id && letter.operation == "insert")
      ids.push_back(id);
  }
  return ids;
}

Result<bool> DeadLetters::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (!is_letter_id(id) || !letters_.contains(id)) return false;
  if (auto done = files_.remove(dir_ / (id + std::string(kSuffix))); !done) return done.error();
  letters_.erase(id);
  count_ = letters_.size();
  if (auto done = files_.sync_directory(dir_); !done) return done.error();
  return true;
}

Result<void> DeadLetters::remove_of(std::string DeadLetter::*owner, std::string_view owner_id) {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, letter] : letters_) {
      if (letter.*owner == owner_id) ids.push_back(id);
    }
  }
  Result<void> first;
  for (const auto& id : ids) {
    if (const auto removed = remove(id); !removed && first) first = removed.error();
  }
  return first;
}

}  // namespace holdfast::flush
