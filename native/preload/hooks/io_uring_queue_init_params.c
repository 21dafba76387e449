/* io_uring_queue_init_params(), as liburing has it: see io-uring.h. */
#include "io-uring.h"
#include "state.h"

#include <errno.h>

struct io_uring;
struct io_uring_params;
TP_HOOK int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params);

TP_HOOK int io_uring_queue_init_params(unsigned entries, struct io_uring *ring, struct io_uring_params *params)
{
	__typeof__(io_uring_queue_init_params) *next =
		tp_io_uring_refused(tp_state()) ? NULL : tp_next_find("io_uring_queue_init_params");
	return next ? next(entries, ring, params) : -ENOSYS;
}
