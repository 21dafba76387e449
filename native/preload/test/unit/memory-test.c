#include "line.h"
#include "memory.h"
#include "tap.h"

#include <stdint.h>
#include <sys/mman.h>

int main(void)
{
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = pages + 4096;
	struct tp_line line = { 0 };
	munmap(end, 4096);
	ok(tp_memory_readable(pages, 16), "a mapped page can be read");
	ok(tp_memory_readable(end - 16, 16), "to its last byte");
	ok(!tp_memory_readable(end - 15, 16), "but not past it");
	ok(!tp_memory_readable(end, 16), "nor behind it");
	ok(!tp_memory_readable(end + 4096 - 8, 16), "nor from before a page that can");
	ok(tp_memory_readable(end - 3, 3), "less than eight bytes at the end of a page");
	ok(!tp_memory_readable(end - 2, 3), "and one too many");
	ok(tp_memory_readable(pages, 2), "two bytes at its start");
	ok(!tp_memory_readable(NULL, 16), "NULL cannot be read");
	ok(!tp_memory_readable((void *)(UINTPTR_MAX - 4), 16), "nor the end of the address space");
	mprotect(pages, 4096, PROT_NONE);
	ok(!tp_memory_readable(pages, 16), "nor a page without permission");

	int bad = 0;
	const char *kept[3000];
	for (int i = 0; i < 3000; i++) {
		char text[64];
		int size = snprintf(text, sizeof text, "%d and some more to fill the arena", i) + 1;
		kept[i] = tp_memory_keep(text, (size_t)size);
	}
	for (int i = 0; i < 3000; i++) {
		char text[64];
		snprintf(text, sizeof text, "%d and some more to fill the arena", i);
		bad += !kept[i] || strcmp(kept[i], text) != 0;
	}
	is(bad, 0, "what is kept stays, over several arenas");

	struct tp_address six = { .family = AF_INET6, .port = 443, .bytes = { 0xfd, 0x7a, [15] = 1 } };
	tp_line_address(&line, &six);
	tp_line_text(&line, " ");
	tp_line_number(&line, -12);
	ok(line.length == 17 && memcmp(line.text, "[fd7a::1]:443 -12", 17) == 0, "a line is put together");
	for (int i = 0; i < 100; i++)
		tp_line_text(&line, "filling it up");
	is(line.length, sizeof line.text - 1, "a line that is full stays so");
	return tap_end();
}
