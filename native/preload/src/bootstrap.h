/*
 * The connection to the dial socket by which every process of a run makes its channel. It is made early, while this process still
 * has the user and the root directory that it was started with, and inherited by what it forks and executes.
 */
#ifndef TP_BOOTSTRAP_H
#define TP_BOOTSTRAP_H

#include "config.h"
#include "own-descriptor.h"

/** At load: takes over what TAILPROXY_FD names, or connects. The latter has to be told whose it is: true. */
bool tp_bootstrap_init(const struct tp_config *config);

/** Sends HELLO with a channel's other end, if there is one (-1), through a new connection if need be. 0 or -ENETDOWN. */
int tp_bootstrap_send(const struct tp_config *config, const void *hello, size_t size, int channel);

tp_own tp_bootstrap_own(void);

/** Moves it off its number, which the program wants. */
void tp_bootstrap_move(void);

/** Before and after a call that executes in this process: only then is it inherited. */
void tp_bootstrap_offer(void);
void tp_bootstrap_withdraw(void);

/** The same for calls that start a child and return; others may be under way in other threads. */
void tp_bootstrap_offer_child(void);
void tp_bootstrap_withdraw_child(void);

#endif
