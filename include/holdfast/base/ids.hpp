// Identifiers made here: UUID strings, 36 lower-case characters.
// Time-ordered version 7 (RFC 9562) for users, agents, messages and knowledge: neighbours in time are
// neighbours in the store's index. Sessions get version 8 with the route key of their user in front, so that
// the shard owning a session is known from its id alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "holdfast/base/clock.hpp"

namespace holdfast {

// 48 bits of hash(user id): owner shard = route key % shard count. Stable across releases and machines:
// XXH3-64 of the id's bytes, its upper 48 bits.
using RouteKey = std::uint64_t;
RouteKey route_key(std::string_view user_id);

// Thread-safe; random bits from the kernel-seeded generator of the calling thread.
std::string make_uuid_v7(Timestamp now);
std::string make_session_id(RouteKey user);

// The UUID (version 8) that these bytes always give, for what must get the same id when it comes again:
// XXH3-128 of them. Stable across releases and machines.
std::string derive_uuid(std::string_view bytes);

// The route key in a session id made by make_session_id; nothing for any other text.
std::optional<RouteKey> session_route_key(std::string_view session_id);

// n random lower-case hex digits (n <= 16), for names.
std::string random_hex(unsigned digits);

// True for 1…256 bytes of valid UTF-8 without control characters (NUL among them). What a client may choose
// as an id.
bool is_valid_id(std::string_view id);

}  // namespace holdfast
