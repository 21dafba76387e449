#include "memory.h"

#include "syscall.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_SIZE 65536u

struct arena {
	_Atomic size_t used;
	char bytes[ARENA_SIZE - sizeof(size_t)];
};

static _Atomic(struct arena *) newest;

void *tp_memory_map(size_t size)
{
	long start = tp_syscall6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return start < 0 && start > -4096 ? NULL : (void *)start;
}

void tp_memory_unmap(void *start, size_t size)
{
	tp_syscall2(SYS_munmap, start, size);
}

void *tp_memory_keep(const void *bytes, size_t size)
{
	if (size > 4096)
		return NULL;
	for (;;) {
		struct arena *arena = atomic_load_explicit(&newest, memory_order_acquire);
		if (arena) {
			size_t at = atomic_fetch_add_explicit(&arena->used, size, memory_order_relaxed);
			if (at + size <= sizeof arena->bytes)
				return memcpy(arena->bytes + at, bytes, size);
		}
		struct arena *fresh = tp_memory_map(sizeof *fresh);
		if (!fresh)
			return NULL;
		if (!atomic_compare_exchange_strong(&newest, &arena, fresh))
			tp_memory_unmap(fresh, sizeof *fresh);
	}
}

static bool eight_bytes_readable(const void *start)
{
	/* With no such `how` the kernel copies the set in, changes nothing and says EINVAL; EFAULT when it cannot copy. NULL
	 * would mean no set at all. */
	return start && tp_syscall4(SYS_rt_sigprocmask, -1, start, 0, 8) != -EFAULT;
}

bool tp_memory_readable(const void *start, size_t size)
{
	volatile char here = 0;
	uintptr_t stack = (uintptr_t)&here & ~(uintptr_t)4095;
	uintptr_t first = (uintptr_t)start;
	uintptr_t last = first + size - 8;
	/* What shares a page with this very frame needs no system call: addresses mostly lie on the stack. */
	if (first >= stack && first < stack + 4096 && size <= stack + 4096 - first)
		return true;
	if (size < 8)
		return eight_bytes_readable((const void *)((first + size - 1) & ~(uintptr_t)7)) &&
		       eight_bytes_readable((const void *)(first & ~(uintptr_t)7));
	if (last < first || !eight_bytes_readable(start))
		return false;
	return (first & ~(uintptr_t)4095) == ((last + 7) & ~(uintptr_t)4095) || eight_bytes_readable((const void *)last);
}
