/* An allocator that opens and reads files when it is first called, as jemalloc does: by whoever calls it first. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

static _Alignas(16) char arena[16 << 20];
static size_t used;

static void start(void)
{
	char byte;
	int fd = open("/dev/null", O_RDONLY);
	if (fd < 0 || read(fd, &byte, 1) != 0 || close(fd) != 0)
		__builtin_trap();
}

void *malloc(size_t size)
{
	/* Before it counts as started: a start that never ends shows as one. */
	if (used == 0) {
		used = 16;
		start();
	}
	size_t whole = (size + 31) & ~(size_t)15;
	size_t at = __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED);
	if (whole < size || at + whole > sizeof arena)
		return NULL;
	*(size_t *)(arena + at) = size;
	return arena + at + 16;
}

void *calloc(size_t count, size_t size)
{
	size_t whole;
	return __builtin_mul_overflow(count, size, &whole) ? NULL : malloc(whole);
}

void *realloc(void *old, size_t size)
{
	char *made = malloc(size), *from = old;
	size_t had = old ? *(size_t *)(from - 16) : 0;
	for (size_t i = 0; made && i < had && i < size; i++)
		made[i] = from[i];
	return made;
}

void free(void *memory)
{
	(void)memory;
}
