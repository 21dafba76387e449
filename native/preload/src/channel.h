/*
 * The process's channel to the sidecar (docs/preload-protocol.md). Opened when it is first needed, anew in a forked child; its
 * descriptors are CLOEXEC, numbered high, and known again by their SO_COOKIE before each use. Lock-free and async-signal-safe.
 */
#ifndef TP_CHANNEL_H
#define TP_CHANNEL_H

#include "config.h"
#include "message.h"

/** What WELCOME said of the run; zeros before. */
struct tp_run {
	bool only_tailnet, asks;
	uint8_t udp; /* TP_UDP_… */
};
const struct tp_run *tp_channel_run(void);

/** At load, when there is a dial socket: makes the bootstrap, for as long as this process may. */
void tp_channel_init(const struct tp_config *config);

/** In the child of a fork(): closes what is left of the parent's channel, so that the parent's end is seen. */
void tp_channel_forked(void);

/**
 * Sees to it that there are a board and a channel, of a sidecar that lives. Returns 0, -ENOTSUP when this process was given no dial
 * socket (use SOCKS5), or -ENETDOWN when the session is away. A sidecar that does not know the run yet is given a quarter of a
 * second, once until it does.
 */
int tp_channel_open(const struct tp_config *config);

/**
 * Sends one message (header included) with at most two descriptors. Returns 0, -ENETDOWN, or -EBADF when one of them is none. Never
 * raises SIGPIPE.
 */
int tp_channel_send(const struct tp_config *config, const void *message, size_t size, const int *descriptors, size_t count);

/**
 * Sends a question with a reply socket of its own (and `descriptor` behind it, unless that is -1) and waits for the answer,
 * whatever signals come. Returns the answer's size, header included and checked to be of `type` and of that length, -EAGAIN when
 * none came in time or the sidecar would not say, -ENETDOWN when the session is away.
 */
long tp_channel_ask(const struct tp_config *config, const void *question, size_t size, int descriptor, uint8_t type,
		    void *answer, size_t room, int64_t limit_ns);

/** Whether `fd` is one of the library's own descriptors, by identity and not by number alone. */
bool tp_channel_owns(int fd);

#define TP_CHANNEL_DESCRIPTORS_MAX 5
/** The numbers of the library's own descriptors, in order. */
size_t tp_channel_descriptors(int out[TP_CHANNEL_DESCRIPTORS_MAX]);

/** Moves the library's own descriptor, if it is one, off a number that dup2() is about to give to the program. */
void tp_channel_yield(int fd);

#endif
