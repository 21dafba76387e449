#include "host-entry.h"

#include <errno.h>
#include <string.h>

/* What the program asked for becomes an alias where it is not the canonical name, as with a CNAME or hosts(5). */
static const char *alias_of(const char *asked, const char *canonical)
{
	size_t length = 0;
	for (; asked[length] != '\0' && canonical[length] != '\0'; length++) {
		char a = asked[length], b = canonical[length];
		if (a != b && ((a | 0x20) != (b | 0x20) || (a | 0x20) < 'a' || (a | 0x20) > 'z'))
			return asked;
	}
	/* A dot at the end says that the name is whole; it is no part of it. */
	if (canonical[length] == '\0' && (asked[length] == '\0' || (asked[length] == '.' && asked[length + 1] == '\0')))
		return NULL;
	return asked;
}

int tp_host_entry_write(struct hostent *entry, char *buffer, size_t size, const char *name, int family,
			const struct tp_addresses *addresses)
{
	size_t address_size = family == AF_INET ? 4 : 16;
	const char *canonical = addresses->canonical[0] ? addresses->canonical : name;
	struct tp_aliases names = addresses->aliases;
	size_t name_size = strlen(canonical) + 1, skew = (uintptr_t)buffer % sizeof(char *), count = 0;
	size_t padding = skew ? sizeof(char *) - skew : 0;
	const char *asked = names.count == 0 ? alias_of(name, canonical) : NULL;
	if (asked)
		tp_aliases_add(&names, asked);
	/* Each of the two lists has its NULL. */
	size_t pointers = (names.count + addresses->count + 2) * sizeof(char *);
	if (padding + pointers + addresses->count * address_size + name_size + names.size > size)
		return -ERANGE;
	char **aliases = (char **)(void *)(buffer + padding);
	char **list = aliases + names.count + 1;
	char *bytes = buffer + padding + pointers;
	for (size_t i = 0; i < addresses->count; i++) {
		if (addresses->list[i].family != family)
			continue;
		memcpy(bytes, addresses->list[i].bytes, address_size);
		list[count++] = bytes;
		bytes += address_size;
	}
	list[count] = NULL;
	entry->h_name = memcpy(bytes, canonical, name_size);
	bytes += name_size;
	memcpy(bytes, names.text, names.size);
	for (size_t i = 0; i < names.count; i++) {
		aliases[i] = bytes;
		bytes += strlen(bytes) + 1;
	}
	aliases[names.count] = NULL;
	entry->h_aliases = aliases;
	entry->h_addrtype = family;
	entry->h_length = (int)address_size;
	entry->h_addr_list = list;
	return 0;
}

int tp_host_entry_error(int error)
{
	if (error == -ENODATA)
		return NO_DATA;
	return error == -ENOENT || error == -EINVAL ? HOST_NOT_FOUND : TRY_AGAIN;
}
