/* io_uring_queue_init(), as liburing has it: see io-uring.h. */
#include "io-uring.h"
#include "state.h"

#include <errno.h>

struct io_uring;
TP_HOOK int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);

TP_HOOK int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	__typeof__(io_uring_queue_init) *next = tp_io_uring_refused(tp_state()) ? NULL : tp_next_find("io_uring_queue_init");
	return next ? next(entries, ring, flags) : -ENOSYS;
}
