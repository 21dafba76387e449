/* res_nquerydomain(3) */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_nquerydomain(struct __res_state *state, const char *name, const char *domain, int class, int type,
			     unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_nquerydomain) *next = (__typeof__(res_nquerydomain) *)tp_resolver_next("res_nquerydomain");
		return next ? next(state, name, domain, class, type, answer, room) : tp_resolver_missing(state);
	}
	return tp_resolver_query_domain(config, state, name, domain, class, type, answer, room);
}

TP_HOOK __typeof__(res_nquerydomain) __res_nquerydomain __attribute__((alias("res_nquerydomain")));
