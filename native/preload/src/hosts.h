/*
 * hosts(5), as the program sees it: in a chroot or a mount namespace that is not the session's own file. Read anew for each
 * question, as the C libraries do. No allocation, no limit to a line; of a file only the first 16 MB.
 */
#ifndef TP_HOSTS_H
#define TP_HOSTS_H

#include "addresses.h"

/** One question to a hosts file, fed with the file in pieces of any size. */
struct tp_hosts_search {
	const char *name; /* looked for, unless NULL */
	int family;
	const struct tp_address *address; /* looked for if there is no name */
	struct tp_addresses *found;	  /* the first line's names, and for a name the addresses of all lines */
	bool done;

	bool comment, spoilt, valid, matches;
	size_t field, length;
	struct tp_address line_address;
	char token[TP_NAME_MAX + 1], canonical[TP_NAME_MAX + 1];
	struct tp_aliases aliases;
};

void tp_hosts_feed(struct tp_hosts_search *search, const char *bytes, size_t size);
/** The end of the file ends a line. Returns whether anything was found. */
bool tp_hosts_end(struct tp_hosts_search *search);

/** Whether /etc/hosts has addresses of `family` for a name; they are then in `out`. */
bool tp_hosts_name(const char *name, int family, struct tp_addresses *out);
/** Whether /etc/hosts has names for an address. */
bool tp_hosts_address(const struct tp_address *address, struct tp_addresses *out);

#endif
