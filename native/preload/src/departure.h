/* What others have to look at when a descriptor is closed: a dial that is under way, a listener that is exported. */
#ifndef TP_DEPARTURE_H
#define TP_DEPARTURE_H

#include "listener.h"

struct tp_departure {
	uint64_t dial; /* the SO_COOKIE of a socket whose dial is under way; 0: none */
	bool listens;
	struct tp_listener listener;
};

/** Before the descriptor is closed. A process that has neither dialled nor listened asks the kernel nothing. */
void tp_departure_look(int fd, struct tp_departure *out);

/** After it was closed: whether the socket is still somebody's, the sidecar and the exporter then find out. Keeps errno. */
void tp_departure_tell(const struct tp_departure *departure);

/** More listeners than this are closed at once by programs that are about to end. */
#define TP_DEPARTURES_MAX 16

/** The same for a range of descriptors. */
struct tp_departures {
	unsigned first, last;
	size_t count;
	struct tp_listener listeners[TP_DEPARTURES_MAX];
};
void tp_departures_look(unsigned first, unsigned last, struct tp_departures *out);
void tp_departures_tell(const struct tp_departures *departures);

#endif
