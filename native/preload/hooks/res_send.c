/* res_send(3): a message that the program has made itself. */
#include "resolver-calls.h"
#include "resolver.h"
#include "state.h"

TP_HOOK int res_send(const unsigned char *message, int size, unsigned char *answer, int room)
{
	const struct tp_config *config = tp_state();
	if (tp_resolver_is_theirs(config)) {
		__typeof__(res_send) *next = (__typeof__(res_send) *)tp_resolver_next("res_send");
		return next ? next(message, size, answer, room) : tp_resolver_missing(NULL);
	}
	return tp_resolver_send(config, NULL, message, size, answer, room);
}

TP_HOOK __typeof__(res_send) __res_send __attribute__((alias("res_send")));
