/* res_query(3) */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_query(const char *name, int class, int type, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_query) *next = (__typeof__(res_query) *)tp_resolver_next("res_query");
		return next ? next(name, class, type, answer, room) : tp_resolver_missing(NULL);
	}
	return tp_resolver_query(config, NULL, name, class, type, answer, room);
}

TP_HOOK __typeof__(res_query) __res_query __attribute__((alias("res_query")));
