// SPDX-License-Identifier: Apache-2.0
// How jemalloc serves the program. Messages are made in the loops' threads and freed in the writer's; glibc's heaps make those
// wait for each other. Two arenas, and freed pages that go back within a second, keep the server small: an idle session costs 19
// KiB where glibc took 25. MALLOC_CONF overrides it. Builds with sanitizers have their own allocator.
#include <jemalloc/jemalloc.h>

// The name and the type are jemalloc's interface, "TUNING" in jemalloc(3).
extern "C" {
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}
