/* Memory that is never given back, and the question whether the program's memory can be read at all. */
#ifndef TP_MEMORY_H
#define TP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

/** Zeroed pages straight from the kernel: not malloc, which a signal handler or a forked child may not call. */
void *tp_memory_map(size_t size);
void tp_memory_unmap(void *start, size_t size);

/** A copy of at most 4096 bytes that lasts as long as the process, or NULL. */
void *tp_memory_keep(const void *bytes, size_t size);

/** Whether all of it can be read, found without touching it; `size` at most a page. */
bool tp_memory_readable(const void *start, size_t size);

/** The program's length of an address or a value: the kernel takes one at any address. */
static inline socklen_t tp_memory_length(const void *at)
{
	socklen_t length;
	memcpy(&length, at, sizeof length);
	return length;
}

#endif
