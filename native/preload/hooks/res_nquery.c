/* res_nquery(3) */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_nquery(struct __res_state *state, const char *name, int class, int type, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_nquery) *next = (__typeof__(res_nquery) *)tp_resolver_next("res_nquery");
		return next ? next(state, name, class, type, answer, room) : tp_resolver_missing(state);
	}
	return tp_resolver_query(config, state, name, class, type, answer, room);
}

TP_HOOK __typeof__(res_nquery) __res_nquery __attribute__((alias("res_nquery")));
