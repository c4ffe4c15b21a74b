// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected, as in RFC 3720 appendix B.4). Uses the SSE 4.2
// instruction where the machine has it.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

// CRC of data continuing from a previous CRC (0 to begin).
std::uint32_t crc32c(std::string_view data, std::uint32_t previous = 0);

}  // namespace holdfast
