/* dup3(2): as dup2(). */
#include "channel.h"
#include "state.h"
#include "tarpit.h"

#include <unistd.h>

TP_HOOK int dup3(int from, int to, int flags)
{
	tp_state();
	if (tp_channel_owns(to) && from != to)
		tp_channel_yield(to);
	uint64_t pending = tp_tarpit_pending(to);
	int result = tp_next.dup3(from, to, flags);
	if (result >= 0)
		tp_tarpit_cancel(pending);
	return result;
}
