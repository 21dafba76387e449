/* dup3(2): as dup2(). */
#include "channel.h"
#include "departure.h"
#include "state.h"

#include <unistd.h>

TP_HOOK int dup3(int from, int to, int flags)
{
	tp_state();
	if (tp_channel_owns(to) && from != to)
		tp_channel_yield(to);
	struct tp_departure departure;
	tp_departure_look(to, &departure);
	int result = tp_next.dup3(from, to, flags);
	if (result >= 0)
		tp_departure_tell(&departure);
	return result;
}
