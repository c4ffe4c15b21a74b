// What the C library's malloc cannot be asked for portably.
#pragma once

namespace holdfast {

// Memory that was freed goes back to the system. Under jemalloc, which holdfastd is linked with, or under
// glibc's allocator. Some milliseconds; any thread.
void give_freed_memory_back();

// The calling thread takes its memory where the program's first one does, so that less is kept for each; they
// wait for each other now and then. Under jemalloc; nothing elsewhere.
void share_first_arena();

}  // namespace holdfast
