#include "departure.h"

#include "control.h"
#include "state.h"
#include "tarpit.h"

void tp_departure_look(int fd, struct tp_departure *out)
{
	out->dial = tp_tarpit_pending(fd);
	out->listens = tp_control_is() && tp_listener_read(fd, &out->listener);
}

void tp_departure_tell(const struct tp_departure *departure)
{
	tp_tarpit_cancel(departure->dial);
	if (departure->listens)
		tp_control_closed(&departure->listener);
}

static void collect(int fd, const struct tp_listener *listener, void *argument)
{
	struct tp_departures *departures = argument;
	if ((unsigned)fd >= departures->first && (unsigned)fd <= departures->last && departures->count < TP_DEPARTURES_MAX)
		departures->listeners[departures->count++] = *listener;
}

void tp_departures_look(unsigned first, unsigned last, struct tp_departures *out)
{
	out->first = first;
	out->last = last;
	out->count = 0;
	if (tp_control_is())
		tp_listener_scan(tp_state(), collect, out);
}

void tp_departures_tell(const struct tp_departures *departures)
{
	tp_tarpit_cancel_all();
	for (size_t i = 0; i < departures->count; i++)
		tp_control_closed(&departures->listeners[i]);
}
