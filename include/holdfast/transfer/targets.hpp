// What messages can be imported into.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "holdfast/base/clock.hpp"
#include "holdfast/transfer/import.hpp"

namespace holdfast::transfer {

// The store itself, while no daemon uses it.
std::unique_ptr<Target> make_store_target(store::MemoryStore& store, const Clock& clock, Lsn lsn);

// Nothing at all: for a dry run.
std::unique_ptr<Target> make_dry_target();

struct Server {  // http only
  std::string host;
  std::uint16_t port = 8000;
  std::string api_key;                 // empty: none is sent
  std::chrono::seconds timeout{60};    // of one request
  std::chrono::seconds patience{120};  // how long a server that is down or overloaded is asked again
};
// "http://HOST[:PORT]" with nothing behind. Error (permanent): it is something else.
Result<Server> parse_server(std::string_view url);

// A running daemon through its HTTP interface: names are looked up and made, messages go through
// POST /api/v1/messages/batch.
std::unique_ptr<Target> make_server_target(Server server);

}  // namespace holdfast::transfer
