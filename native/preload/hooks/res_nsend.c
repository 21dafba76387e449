/* res_nsend(3): a message that the program has made itself. */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_nsend(struct __res_state *state, const unsigned char *message, int size, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_nsend) *next = (__typeof__(res_nsend) *)tp_resolver_next("res_nsend");
		return next ? next(state, message, size, answer, room) : tp_resolver_missing(state);
	}
	return tp_resolver_send(config, state, message, size, answer, room);
}

TP_HOOK __typeof__(res_nsend) __res_nsend __attribute__((alias("res_nsend")));
