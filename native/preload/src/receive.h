/* One datagram of a socket of the library's own, with the one descriptor that may come with it. */
#ifndef TP_RECEIVE_H
#define TP_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

/** Waits until there is something to read, whatever signals come. Returns 0 or -EAGAIN. */
int tp_receive_await(int fd, int64_t deadline);

/**
 * Reads what is there. Returns its whole length, also of what does not fit, or -EAGAIN. `*descriptor` is -1 when none came;
 * when more than one came all are closed and it is -EAGAIN.
 */
long tp_receive(int fd, void *message, size_t room, int *descriptor);

#endif
