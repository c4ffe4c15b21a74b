#include "holdfast/transfer/export.hpp"

#include <optional>
#include <utility>

#include "holdfast/transfer/message_line.hpp"

namespace holdfast::transfer {
namespace {

Result<std::uint64_t> export_scan(store::MemoryStore& store, std::optional<std::string> user,
                                  const Options& options, const Sink& sink) {
  std::uint64_t count = 0;
  std::string lines;
  store::MessageScan scan{std::move(user), 0, options.chunk_size, options.buffer_size};
  for (;;) {
    const auto page = store.scan_messages(scan);
    if (!page) return page.error();
    for (const auto& named : page->messages) append_message_line(lines, named);
    const bool at_end = page->messages.empty();
    if (lines.size() >= options.buffer_size || at_end) {
      if (auto taken = sink(lines); !taken) return taken.error();
      lines.clear();
    }
    if (at_end) return count;
    count += page->messages.size();
    scan.after = page->last;
  }
}

}  // namespace

Result<std::uint64_t> export_messages(store::MemoryStore& store, const std::vector<std::string>& users,
                                      const Options& options, const Sink& sink) {
  if (users.empty()) return export_scan(store, std::nullopt, options, sink);
  std::uint64_t count = 0;
  for (const auto& user : users) {
    const auto exported = export_scan(store, user, options, sink);
    if (!exported) return exported.error();
    count += *exported;
  }
  return count;
}

}  // namespace holdfast::transfer
