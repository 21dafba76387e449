/* io_uring_queue_init_mem(), as liburing has it: see io-uring.h. */
#include "io-uring.h"
#include "state.h"

#include <errno.h>
#include <stddef.h>

struct io_uring;
struct io_uring_params;
TP_HOOK int io_uring_queue_init_mem(unsigned entries, struct io_uring *ring, struct io_uring_params *params, void *memory,
				    size_t size);

TP_HOOK int io_uring_queue_init_mem(unsigned entries, struct io_uring *ring, struct io_uring_params *params, void *memory,
				    size_t size)
{
	__typeof__(io_uring_queue_init_mem) *next =
		tp_io_uring_refused(tp_state()) ? NULL : tp_next_find("io_uring_queue_init_mem");
	return next ? next(entries, ring, params, memory, size) : -ENOSYS;
}
