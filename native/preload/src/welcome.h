/* The one message that is read from a channel: WELCOME, with the board and what holds for the run. */
#ifndef TP_WELCOME_H
#define TP_WELCOME_H

/**
 * Waits for it, 5 s at most and whatever signals come, and takes the board over. Returns 0, -EAGAIN when the sidecar has closed
 * the channel instead, or -ENETDOWN.
 */
int tp_welcome_await(int channel);

#endif
