/* Waiting for a descriptor, by the rules of connect(2) and not of poll(2). */
#ifndef TP_WAIT_H
#define TP_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** CLOCK_MONOTONIC, nanoseconds. */
int64_t tp_wait_now(void);

/**
 * Waits for `events` of poll(2) until `deadline`; one in the past only looks. Returns 0, -ETIMEDOUT, or -EINTR when some
 * handler has run.
 */
int tp_wait(int fd, short events, int64_t deadline);

struct pollfd;
int tp_wait_any(struct pollfd *entries, size_t count, int64_t deadline);

/**
 * Whether the signal that ended a wait would have ended connect() too. poll(2) is never restarted, and does not tell which
 * handler ran: true when any installed handler lacks SA_RESTART.
 */
bool tp_wait_signal_shows(void);

#endif
