#include "child-environment.h"

#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define PRELOAD "LD_PRELOAD="
#define PREFIX "TAILPROXY_"
/* No page starts at 1. */
#define NO_PAGE 1

enum { OTHER = -1, IS_SESSION = 8, IS_PRELOAD = TP_KEPT_COUNT };

static const struct {
	char name[24]; /* behind PREFIX, with its equals sign */
	bool leads_away; /* a value where there was none would send the child elsewhere: it is taken out */
} variables[TP_KEPT_COUNT] = {
	{ "HOST=", true },   { "PORT=", true }, { "PRELOAD_USER=", true },  { "PRELOAD_PASSWORD=", true }, { "BYPASS=", true },
	{ "VERBOSE=", false }, { "EXIT=", false }, { "ONLY_TAILNET=", false }, { "SESSION=", false },
	{ "SOCK=", true },   { "TOKEN=", true }, [TP_KEPT_BOOTSTRAP] = { "FD=", true },
	{ "EXPORT_LISTENERS=", true }, { "CONTROL_SOCK=", true }, { "EXPORT_LOOPBACK=", false }, { "EXPORT_STRICT=", false },
	{ "EXPORT_PEERS=", false },
};

/** The pages last found readable: an environment lies on few, and what the kernel would refuse must not crash here. */
struct reader {
	uintptr_t slots, text;
};

#define READER ((struct reader){ NO_PAGE, NO_PAGE })

static uintptr_t page_of(const void *at)
{
	return (uintptr_t)at & ~(uintptr_t)4095;
}

/** The character there, or -1. */
static int peek(struct reader *reader, const char *at)
{
	if (page_of(at) != reader->text) {
		if (!tp_memory_readable(at, 1))
			return -1;
		reader->text = page_of(at);
	}
	return (unsigned char)*at;
}

static bool next_slot(struct reader *reader, char *const *slot)
{
	if (page_of(slot) == reader->slots && page_of((const char *)(slot + 1) - 1) == reader->slots)
		return true;
	reader->slots = page_of(slot);
	return tp_memory_readable(slot, sizeof *slot);
}

static bool starts_with(struct reader *reader, const char *entry, const char *start)
{
	for (; *start != '\0'; entry++, start++)
		if (peek(reader, entry) != (unsigned char)*start)
			return false;
	return true;
}

/** Which of ours it is. */
static int identify(struct reader *reader, const char *entry)
{
	int first = peek(reader, entry);
	if (first == 'L')
		return starts_with(reader, entry, PRELOAD) ? IS_PRELOAD : OTHER;
	if (first != 'T' || !starts_with(reader, entry, PREFIX))
		return OTHER;
	for (int i = 0; i < TP_KEPT_COUNT; i++)
		if (starts_with(reader, entry + sizeof PREFIX - 1, variables[i].name))
			return i;
	return OTHER;
}

static bool ends_path(int character)
{
	return character == ':' || character == ' ' || character == '\t' || character == '\n' || character <= 0;
}

/** Whether the list has the path as it is; both loaders part it at colons and blanks. */
static bool lists(struct reader *reader, const char *list, const char *path)
{
	for (;;) {
		size_t same = 0;
		while (path[same] != '\0' && peek(reader, list + same) == (unsigned char)path[same])
			same++;
		if (path[same] == '\0' && ends_path(peek(reader, list + same)))
			return true;
		while (!ends_path(peek(reader, list)))
			list++;
		if (peek(reader, list) <= 0)
			return false;
		list++;
	}
}

/** Whether a variable of ours is as it has to be. */
static bool is_right(struct reader *reader, const struct tp_kept *kept, const char *entry, int which)
{
	if (which == IS_PRELOAD)
		return !kept->preload || lists(reader, entry + sizeof PRELOAD - 1, kept->preload + sizeof PRELOAD - 1);
	if (!kept->entries[which])
		return !variables[which].leads_away;
	const char *wanted = kept->entries[which];
	return starts_with(reader, entry, wanted) && peek(reader, entry + strlen(wanted)) == '\0';
}

static const char *kept_as(const struct tp_kept *kept, int which)
{
	return which == IS_PRELOAD ? kept->preload : kept->entries[which];
}

int tp_child_environment_measure(const struct tp_kept *kept, char *const *environment, struct tp_repair *repair)
{
	struct reader reader = READER;
	unsigned found = 0;
	bool complete = true;
	*repair = (struct tp_repair){ .slots = 1 };
	for (char *const *slot = environment; slot; slot++) {
		if (!next_slot(&reader, slot))
			return -EFAULT;
		if (!*slot)
			break;
		if (peek(&reader, *slot) < 0)
			return -EFAULT;
		repair->slots++;
		int which = identify(&reader, *slot);
		if (which == OTHER)
			continue;
		found |= 1u << which;
		if (is_right(&reader, kept, *slot, which) && !(which == IS_SESSION && !kept->entries[which]))
			continue;
		if (which == IS_SESSION && peek(&reader, *slot + sizeof PREFIX - 1 + strlen(variables[which].name)) > 0)
			return TP_OTHER_SESSION;
		if (which == IS_SESSION && !kept->entries[which])
			continue;
		complete = false;
		if (which != IS_PRELOAD)
			continue;
		const char *end = *slot;
		while (peek(&reader, end) > 0)
			end++;
		if (peek(&reader, end) < 0)
			return -EFAULT;
		repair->bytes += strlen(kept->preload) + 1 + (size_t)(end - *slot) - (sizeof PRELOAD - 1) + 1;
	}
	for (int which = 0; which <= IS_PRELOAD; which++) {
		if (!kept_as(kept, which) || (found & 1u << which))
			continue;
		complete = false;
		repair->slots++;
	}
	return complete ? 0 : 1;
}

/** The program's own list behind this library. */
static const char *joined(const struct tp_kept *kept, const char *entry, char **bytes, const char *end)
{
	const char *list = entry + sizeof PRELOAD - 1;
	size_t first = strlen(kept->preload), rest = strlen(list);
	char *text = *bytes;
	if (rest == 0 || first + 1 + rest + 1 > (size_t)(end - text))
		return kept->preload;
	memcpy(text, kept->preload, first);
	text[first] = ':';
	memcpy(text + first + 1, list, rest + 1);
	*bytes += first + 1 + rest + 1;
	return text;
}

char **tp_child_environment_build(const struct tp_kept *kept, char *const *environment, const struct tp_repair *repair,
				  char **slots, char *bytes)
{
	struct reader reader = READER;
	const char *end = bytes + repair->bytes;
	unsigned found = 0;
	size_t used = 0;
	size_t missing = 0; /* their room is kept, whatever another thread has added */
	for (char *const *slot = environment; slot && *slot; slot++) {
		int which = identify(&reader, *slot);
		found |= which == OTHER ? 0 : 1u << which;
	}
	for (int which = 0; which <= IS_PRELOAD; which++)
		missing += kept_as(kept, which) && !(found & 1u << which);
	for (char *const *slot = environment; slot && *slot && used + missing + 1 < repair->slots; slot++) {
		int which = identify(&reader, *slot);
		const char *entry = *slot;
		if (which != OTHER && !is_right(&reader, kept, entry, which))
			entry = which == IS_PRELOAD ? joined(kept, entry, &bytes, end) : kept->entries[which];
		if (entry)
			slots[used++] = (char *)entry;
	}
	for (int which = 0; which <= IS_PRELOAD; which++)
		if (kept_as(kept, which) && !(found & 1u << which) && used + 1 < repair->slots)
			slots[used++] = (char *)kept_as(kept, which);
	slots[used] = NULL;
	return slots;
}

void tp_child_environment_apply(const struct tp_kept *kept, char *const *repaired, int (*set)(const char *, const char *, int),
				int (*unset)(const char *))
{
	struct reader reader = READER;
	char name[sizeof PREFIX + sizeof variables[0].name];
	for (; *repaired; repaired++) {
		int which = identify(&reader, *repaired);
		if (which == OTHER || !kept_as(kept, which))
			continue;
		size_t length = (size_t)((const char *)memchr(*repaired, '=', sizeof name) - *repaired);
		memcpy(name, *repaired, length);
		name[length] = '\0';
		set(name, *repaired + length + 1, 1);
	}
	for (int which = 0; which < TP_KEPT_COUNT; which++) {
		if (kept->entries[which] || !variables[which].leads_away)
			continue;
		size_t length = strlen(variables[which].name) - 1;
		memcpy(name, PREFIX, sizeof PREFIX - 1);
		memcpy(name + sizeof PREFIX - 1, variables[which].name, length);
		name[sizeof PREFIX - 1 + length] = '\0';
		unset(name);
	}
}

void tp_kept_bootstrap(struct tp_kept *kept, int number)
{
	char text[sizeof "TAILPROXY_FD=" + 10] = "TAILPROXY_FD=", digits[10];
	size_t length = strlen(text), count = 0;
	if (number < 0) {
		__atomic_store_n(&kept->entries[TP_KEPT_BOOTSTRAP], NULL, __ATOMIC_RELEASE);
		return;
	}
	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	while (count > 0)
		text[length++] = digits[--count];
	/* A new string each time: another thread may be starting a program with the old one. */
	const char *entry = tp_memory_keep(text, length + 1);
	__atomic_store_n(&kept->entries[TP_KEPT_BOOTSTRAP], entry, __ATOMIC_RELEASE);
}

static const char *base_of(const char *path, size_t *length)
{
	const char *base = path;
	size_t all = *length;
	for (size_t i = 0; i < all; i++)
		if (path[i] == '/')
			base = path + i + 1;
	*length = all - (size_t)(base - path);
	return base;
}

/** The path in the list that is `loaded`, or at least has its file name: the loader has put something for $LIB or $ORIGIN. */
static const char *own_path(const char *list, const char *loaded, size_t *length)
{
	size_t wanted_length = strlen(loaded), base_length = wanted_length;
	const char *base = base_of(loaded, &base_length), *found = NULL;
	while (*list != '\0') {
		size_t size = 0;
		while (!ends_path((unsigned char)list[size]))
			size++;
		size_t own_length = size;
		const char *own = base_of(list, &own_length);
		bool same = size == wanted_length && memcmp(list, loaded, size) == 0;
		if (same || (!found && size > 0 && own_length == base_length && memcmp(own, base, base_length) == 0)) {
			found = list;
			*length = size;
		}
		if (same)
			break;
		list += size + (list[size] != '\0');
	}
	return found;
}

void tp_kept_read(struct tp_kept *kept, char *const *environment, const char *loaded)
{
	struct reader reader = READER;
	const char *library = NULL;
	size_t library_length = 0, size = 0;
	memset(kept, 0, sizeof *kept);
	for (char *const *slot = environment; slot && *slot; slot++) {
		int which = identify(&reader, *slot);
		/* The loaders take the last list, getenv() and this library the first of anything else. */
		if (which == IS_PRELOAD)
			library = own_path(*slot + sizeof PRELOAD - 1, loaded, &library_length);
		else if (which != OTHER && !kept->entries[which])
			kept->entries[which] = *slot;
	}
	for (int i = 0; i < TP_KEPT_COUNT; i++)
		size += kept->entries[i] ? strlen(kept->entries[i]) + 1 : 0;
	size += library ? sizeof PRELOAD + library_length : 0;
	char *memory = size > 0 ? tp_memory_map(size) : NULL;
	if (!memory)
		return; /* the program's own strings must do */
	for (int i = 0; i < TP_KEPT_COUNT; i++) {
		if (!kept->entries[i])
			continue;
		size_t length = strlen(kept->entries[i]) + 1;
		kept->entries[i] = memcpy(memory, kept->entries[i], length);
		memory += length;
	}
	if (library) {
		kept->preload = memory;
		memcpy(memory, PRELOAD, sizeof PRELOAD - 1);
		memcpy(memory + sizeof PRELOAD - 1, library, library_length); /* the zero behind it is the mapping's */
	}
}
