// What is in a journal directory, told without changing it: also while a daemon is using it (then the last
// segment may change under the reading, and shows as torn). For people.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "holdfast/base/result.hpp"
#include "holdfast/io/file_system.hpp"
#include "holdfast/model/types.hpp"

namespace holdfast::journal {

struct InspectedDamage {
  std::uint64_t begin = 0, end = 0;   // bytes
  Lsn first_lost = 0, last_lost = 0;  // may be lost; last_lost 0: not known
};

struct InspectedSegment {
  std::string name;
  std::string problem;  // not empty: it cannot be read, and why; the rest is not set then
  std::uint64_t bytes = 0;
  Lsn base_lsn = 0, first_lsn = 0, last_lsn = 0;  // first and last are 0 where it has no records
  std::uint64_t appends = 0, updates = 0, erasures = 0, acknowledgements = 0;  // records
  std::uint64_t messages = 0;                                                  // in the appends
  std::uint64_t unacknowledged = 0;                                            // records
  std::vector<InspectedDamage> damage;
};

struct Inspection {
  std::vector<InspectedSegment> segments;  // oldest first; without empty files
  std::vector<std::string> set_aside;      // names of copies that recoveries made of damaged bytes
};

Result<Inspection> inspect(io::FileSystem& files, const io::Path& dir);
std::string to_text(const Inspection& inspection);
// Something in a segment cannot be read. A torn end of the last one is no damage.
bool damaged(const Inspection& inspection);

}  // namespace holdfast::journal
