/*
 * The true errno of a failed dial. The sidecar ends one by shutdown(), which the kernel shows as ECONNRESET; why it did is on the
 * board, under the socket's SO_COOKIE.
 */
#ifndef TP_FAILURE_H
#define TP_FAILURE_H

/** The errno, positive, with which the last dial of this socket failed; 0 when none is known. */
int tp_failure_of(int fd);

/** After a call on `fd` failed: an ECONNRESET that was the end of a dial becomes its errno. */
void tp_failure_show(int fd);

#endif
