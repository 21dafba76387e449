#include "departure.h"

#include "control.h"
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
