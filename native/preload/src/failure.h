/*
 * The true errno of a failed dial. The sidecar ends one by shutdown(), which the kernel shows as ECONNRESET; why it did is on the
 * board, under the socket's SO_COOKIE. ECONNREFUSED by the tarpit is the end of the sidecar.
 */
#ifndef TP_FAILURE_H
#define TP_FAILURE_H

/** The errno, positive, that `error` of this socket stands for; 0 when that is the kernel's own. */
int tp_failure_of(int fd, int error);

/** After a call on `fd` failed: an errno that was the end of a dial becomes the dial's. */
void tp_failure_show(int fd);

#endif
