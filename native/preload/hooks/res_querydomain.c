/* res_querydomain(3) */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_querydomain(const char *name, const char *domain, int class, int type, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_querydomain) *next = (__typeof__(res_querydomain) *)tp_resolver_next("res_querydomain");
		return next ? next(name, domain, class, type, answer, room) : tp_resolver_missing(NULL);
	}
	return tp_resolver_query_domain(config, NULL, name, domain, class, type, answer, room);
}

TP_HOOK __typeof__(res_querydomain) __res_querydomain __attribute__((alias("res_querydomain")));
