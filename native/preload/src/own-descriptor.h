/*
 * A descriptor of the library's own: CLOEXEC, numbered high, out of the way of programs that count on low numbers. Number and
 * identity are one word, so that threads exchange both at once; the program may have closed it and got the number for itself.
 */
#ifndef TP_OWN_DESCRIPTOR_H
#define TP_OWN_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** 24 bits of the number above the low 40 of SO_COOKIE, which no kernel uses up; 0: none. */
typedef uint64_t tp_own;

static inline int tp_own_number(tp_own own)
{
	return own == 0 ? -1 : (int)(own >> 40);
}

/** The word for a socket where it is; 0 when the kernel has no SO_COOKIE. */
tp_own tp_own_read(int fd);

/** Moves a socket up and closes `fd`. 0 when that cannot be done; `fd` is then closed too. */
tp_own tp_own_place(int fd);

/** A duplicate at another number; 0 when there is no room. */
tp_own tp_own_copy(tp_own own);

/** Whether the number still is that socket. */
bool tp_own_is(tp_own own);

/** Closes it, unless the number has become another's. */
void tp_own_close(tp_own own);

/**
 * Sends one datagram with descriptors. Returns 0, -EPIPE when the other side is away, -EBADF when one of the descriptors is
 * none, or -EAGAIN when it could not be sent within a second.
 */
int tp_own_send(tp_own own, const void *message, size_t size, const int *descriptors, size_t count);

#endif
