/*
 * The connection over which this process's listeners are told of (docs/control-protocol.md), and which owns them. A forked child
 * shares it, as it shares the sockets; one that has listeners of its own makes its own and tells of all.
 */
#ifndef TP_CONTROL_H
#define TP_CONTROL_H

#include "listener.h"
#include "own-descriptor.h"

/** At load: tells of the listeners this process was started with. Nothing where listeners are not exported. */
void tp_control_init(const struct tp_config *config);

/**
 * Tells of a socket that listens and waits for the answer, 5 s at most, with all signals blocked. Returns 0 when it is exported or
 * is not meant to be, or a negative errno, which stderr was told of.
 */
int tp_control_listen(const struct tp_config *config, int fd);

/** Before the first accept(): a process that has no connection tells of the listeners it was handed. */
void tp_control_adopt(const struct tp_config *config);

/** Whether this process, or the one it was forked from, has told of listeners. */
bool tp_control_is(void);

/** Says that a descriptor of a listener was closed. A hint: it is not waited for. Async-signal-safe, keeps errno. */
void tp_control_closed(const struct tp_listener *listener);

/** The connection, among the library's own descriptors; 0: none. */
tp_own tp_control_own(void);

/** Moves it off a number that dup2() is about to give to the program. */
void tp_control_move(void);

#endif
