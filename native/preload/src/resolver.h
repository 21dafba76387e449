/*
 * resolver(3) over the session: messages are asked by QUERY, search lists are walked here. Each function takes the
 * resolver's state, whose options and domains are the program's, or NULL for the thread's own, and sets h_errno.
 */
#ifndef TP_RESOLVER_H
#define TP_RESOLVER_H

#include "config.h"

#include <stddef.h>

struct __res_state;

/**
 * Whether the C library asks the host's resolver for the program: without a dial socket there is no other to ask. A broken
 * configuration, an exit node and "only the tailnet" leave it no way out either.
 */
bool tp_resolver_is_theirs(const struct tp_config *config);

/**
 * The next function of a name, which glibc before 2.34 has with "__" in front, or NULL. Looked up when it is called: a
 * lookup that fails allocates, which is not to be done while the program's own allocator starts.
 */
void *tp_resolver_next(const char *name);
/** What a call comes to that no library has. Returns -1. */
int tp_resolver_missing(struct __res_state *state);

/** The four calls. Each returns -1 or the answer's length, which for a long answer (as over TCP) may be more than `room`. */
int tp_resolver_send(const struct tp_config *config, struct __res_state *state, const unsigned char *message, int size,
		     unsigned char *answer, int room);
int tp_resolver_query(const struct tp_config *config, struct __res_state *state, const char *name, int class, int type,
		      unsigned char *answer, int room);
int tp_resolver_query_domain(const struct tp_config *config, struct __res_state *state, const char *name, const char *domain,
			     int class, int type, unsigned char *answer, int room);
int tp_resolver_search(const struct tp_config *config, struct __res_state *state, const char *name, int class, int type,
		       unsigned char *answer, int room);

#endif
