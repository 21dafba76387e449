/* The address a socket call shows the program, where the kernel's own would show the proxy. */
#ifndef TP_SHOWN_NAME_H
#define TP_SHOWN_NAME_H

#include "address.h"

/**
 * Answers getpeername() or getsockname() with `shown`, by the kernel's rules: at most *length bytes are written, and *length
 * becomes the whole length. `ask` is the real call; it also finds out whether the program's pointers can be written to.
 */
int tp_shown_name(int (*ask)(int, struct sockaddr *, socklen_t *), int fd, struct sockaddr *out, socklen_t *length,
		  const struct tp_address *shown);

/** The same after a call that has filled in the kernel's own answer: `length` is what it said, `room` what it was given. */
void tp_shown_write(struct sockaddr *out, const socklen_t *length, socklen_t room, const struct tp_address *shown);

#endif
