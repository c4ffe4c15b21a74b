// How the kernel shares a core among our threads.
#pragma once

namespace holdfast {

// The calling thread has little to do at a time and somebody waits for it, or it gives way: it asks for
// slices of 0.1 ms instead of 1 to 3, by which Linux from 6.12 on lets it go before a thread of long slices
// without giving it more of the core. Earlier kernels ignore the wish; what refuses it is ignored.
// https://docs.kernel.org/scheduler/sched-eevdf.html
void ask_for_short_slices();

// For work that nobody waits for, every millisecond or so: a thread that is ready goes first. Otherwise such
// work keeps the core to the kernel's next tick (up to 4 ms). Linux 6.18 takes the rest of the slice for it,
// so only a thread that asked for short ones gives way.
void give_way();

}  // namespace holdfast
