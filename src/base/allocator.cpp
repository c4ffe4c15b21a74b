#include "holdfast/base/allocator.hpp"

#include <malloc.h>

#include <cstddef>

extern "C" {
// jemalloc's own interface; null where another allocator is linked (tests, sanitizers).
[[gnu::weak]] int mallctl(const char* name, void* old, std::size_t* old_size, void* value,
                          std::size_t value_size);
}

namespace holdfast {

void give_freed_memory_back() {
  if (mallctl) {
    mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // 4096 is MALLCTL_ARENAS_ALL
  } else {
    ::malloc_trim(0);
  }
}

void share_first_arena() {
  if (!mallctl) return;
  unsigned first = 0;
  mallctl("thread.arena", nullptr, nullptr, &first, sizeof(first));
}

}  // namespace holdfast
