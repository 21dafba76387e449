/* res_search(3): by the thread's own search list. */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_search(const char *name, int class, int type, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_search) *next = (__typeof__(res_search) *)tp_resolver_next("res_search");
		return next ? next(name, class, type, answer, room) : tp_resolver_missing(NULL);
	}
	return tp_resolver_search(config, NULL, name, class, type, answer, room);
}

TP_HOOK __typeof__(res_search) __res_search __attribute__((alias("res_search")));
