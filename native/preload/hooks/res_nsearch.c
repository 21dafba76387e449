/* res_nsearch(3) */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_nsearch(struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_nsearch) *next = (__typeof__(res_nsearch) *)tp_resolver_next("res_nsearch");
		return next ? next(state, name, class, type, answer, room) : tp_resolver_missing(state);
	}
	return tp_resolver_search(config, state, name, class, type, answer, room);
}

TP_HOOK __typeof__(res_nsearch) __res_nsearch __attribute__((alias("res_nsearch")));
