/* io_uring does what system calls do without one being made: what a program does by it passes every hook by. */
#ifndef TP_IO_URING_H
#define TP_IO_URING_H

#include "config.h"

/**
 * Whether a program may have no ring, because nothing must get past the session (an exit node is set, only the tailnet is
 * allowed). It is then told ENOSYS, since programs do without it on older kernels. Else verbose says so, once.
 */
bool tp_io_uring_refused(const struct tp_config *config);

#endif
