/* dup2(2): what it puts in the place of `to` may be the end of a dial; a descriptor of the library's own moves out of its way. */
#include "channel.h"
#include "departure.h"
#include "state.h"

#include <unistd.h>

TP_HOOK int dup2(int from, int to)
{
	tp_state();
	if (from == to)
		return tp_next.dup2(from, to);
	if (tp_channel_owns(to))
		tp_channel_yield(to);
	struct tp_departure departure;
	tp_departure_look(to, &departure);
	int result = tp_next.dup2(from, to);
	if (result >= 0)
		tp_departure_tell(&departure);
	return result;
}
