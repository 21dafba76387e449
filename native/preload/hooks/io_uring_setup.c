/* io_uring_setup(), as liburing has it: see io-uring.h. */
#include "io-uring.h"
#include "state.h"

#include <errno.h>

struct io_uring_params;
TP_HOOK int io_uring_setup(unsigned entries, struct io_uring_params *params);

TP_HOOK int io_uring_setup(unsigned entries, struct io_uring_params *params)
{
	__typeof__(io_uring_setup) *next = tp_io_uring_refused(tp_state()) ? NULL : tp_next_find("io_uring_setup");
	return next ? next(entries, params) : -ENOSYS;
}
