// The small files of a deployment: dead letters and the access keys.
//
// Input: a byte that chooses. 0: the rest is a letter's file. 1: the body of one, behind a valid header and
// CRC. 2: the same under a name that is the input's (a byte size, the name, the body). Else: access keys.
#include <memory>
#include <string>
#include <string_view>

#include "fakes/memory_file_system.hpp"
#include "holdfast/base/bytes.hpp"
#include "holdfast/base/crc32c.hpp"
#include "holdfast/base/log.hpp"
#include "holdfast/flush/dead_letters.hpp"
#include "holdfast/http/access_keys.hpp"
#include "require.hpp"

namespace holdfast {
namespace {

using fuzz::require;

std::string with_header(std::string_view body) {
  Bytes bytes("HOLDDEAD");
  ByteWriter head(bytes);
  head.integer(std::uint32_t{1});
  head.integer(crc32c(body));
  return bytes + std::string(body);
}

void read_letter(const std::string& id, const std::string& content) {
  io::MemoryFileSystem files;
  const io::Path file = io::Path("/d") / (id + ".letter");
  files.set_content(file, content);
  const auto letters = flush::DeadLetters::open(files, "/d");
  require(letters.has_value(), "the folder opens whatever is in it");
  require((*letters)->count() <= 1, "a file is one letter");
  for (const auto& listed : (*letters)->list(10)) {
    require(!to_iso8601(listed.died_at).empty(), "a letter's time can be shown");
    const auto found = (*letters)->find(listed.id);
    require(found && *found, "what is listed can be found");
    require((*found)->message_id == listed.message_id, "what is found is what was listed");
    require((*letters)->put(**found).has_value(), "what was found can be put again");
    require(files.content(file) == content, "a letter is written as it was read");
    const auto removed = (*letters)->remove(listed.id);
    require(removed && *removed && (*letters)->count() == 0, "what is listed can be removed");
  }
}

void read_keys(std::string_view text) {
  // Of the key "key".
  constexpr std::string_view kHash = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
  const auto keys = http::AccessKeys::parse(text, "keys");
  if (!keys) {
    require(keys.error().message.starts_with("keys:"), "a refusal says where");
    return;
  }
  if ((*keys)->find("key")) return;  // a second line for it is refused
  const auto more =
      http::AccessKeys::parse(std::string(text) + "\nfuzz " + std::string(kHash) + " users=u,v\n", "k");
  require(more.has_value(), "a line more can be read");
  const auto* principal = (*more)->find("key");
  require(principal && principal->name == "fuzz" && !principal->admin, "a key opens what its line says");
  require(principal->may_see("v") && !principal->may_see("w"), "and for whom it says");
}

void run(fuzz::Input input) {
  static const bool quiet = (log::configure(log::Format::text, "CRITICAL"), true);
  (void)quiet;
  const auto choice = input.byte();
  const std::string id = "0000000000000001-0123456789abcdef";
  if (choice == 0) return read_letter(id, std::string(input.rest()));
  if (choice == 1) return read_letter(id, with_header(input.rest()));
  if (choice > 2) return read_keys(input.rest());
  std::string name(input.take(input.byte() % 40));
  for (char& c : name) c = c == '/' || c == '\0' ? '_' : c;
  read_letter(name, with_header(input.rest()));
}

}  // namespace
}  // namespace holdfast

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  holdfast::run({data, size});
  return 0;
}
