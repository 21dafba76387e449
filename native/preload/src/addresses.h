/* The addresses of one name, and the names that they are known by. */
#ifndef TP_ADDRESSES_H
#define TP_ADDRESSES_H

#include "address.h"
#include "stand-in.h"

#include <string.h>

/** More than any name has that a program can make use of; the rest is left out. */
#define TP_LOOKUP_MAX 64

/** Other names of a host: at most so many, in so many bytes. The rest is left out. */
#define TP_ALIASES_MAX 16
#define TP_ALIASES_SIZE 512

struct tp_aliases {
	size_t count, size;
	char text[TP_ALIASES_SIZE]; /* one behind the other, each with its NUL */
};

struct tp_addresses {
	size_t count;
	struct tp_address list[TP_LOOKUP_MAX];
	char canonical[TP_NAME_MAX + 1]; /* empty: the name that was asked for */
	struct tp_aliases aliases;
};

/** Empty: what a lookup begins with. */
static inline void tp_addresses_clear(struct tp_addresses *all)
{
	all->count = all->aliases.count = all->aliases.size = 0;
	all->canonical[0] = '\0';
}

static inline void tp_aliases_add(struct tp_aliases *aliases, const char *name)
{
	size_t size = strlen(name) + 1;
	if (size == 1 || aliases->count == TP_ALIASES_MAX || size > sizeof aliases->text - aliases->size)
		return;
	memcpy(aliases->text + aliases->size, name, size);
	aliases->size += size;
	aliases->count++;
}

static inline void tp_addresses_add(struct tp_addresses *all, const struct tp_address *address)
{
	if (all->count < TP_LOOKUP_MAX)
		all->list[all->count++] = *address;
}

/** Whether an address belongs into an answer of `family`, AF_UNSPEC being both. */
static inline bool tp_addresses_fit(int family, const struct tp_address *address)
{
	return family == AF_UNSPEC || address->family == family;
}

#endif
