/* close_range(2): what lies between the library's own descriptors. */
#include "channel.h"
#include "departure.h"
#include "state.h"

#include <unistd.h>

TP_HOOK int close_range(unsigned first, unsigned last, int flags)
{
	int own[TP_CHANNEL_DESCRIPTORS_MAX], result = 0;
	struct tp_departures departures;
	tp_state();
	tp_departures_look(first, last, &departures);
	size_t count = tp_channel_descriptors(own);
	for (size_t i = 0; i < count && result == 0; i++) {
		unsigned number = (unsigned)own[i];
		if (number < first || number > last)
			continue;
		if (number > first)
			result = tp_next.close_range(first, number - 1, flags);
		if (number == last)
			goto done;
		first = number + 1;
	}
	if (result == 0)
		result = tp_next.close_range(first, last, flags);
done:
	if (result == 0)
		tp_departures_tell(&departures);
	return result;
}
