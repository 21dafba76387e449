/* What glibc's _FORTIFY_SOURCE makes of recvfrom(). */
#include "datagram-source.h"
#include "failure.h"
#include "memory.h"
#include "state.h"

TP_HOOK ssize_t __recvfrom_chk(int fd, void *restrict bytes, size_t size, size_t whole, int flags,
			       struct sockaddr *restrict address, socklen_t *restrict length);

TP_HOOK ssize_t __recvfrom_chk(int fd, void *restrict bytes, size_t size, size_t whole, int flags,
			       struct sockaddr *restrict address, socklen_t *restrict length)
{
	const struct tp_config *config = tp_state();
	socklen_t room = 0;
	if (address && config->dial_socket && tp_memory_readable(length, sizeof *length))
		room = tp_memory_length(length);
	ssize_t result = tp_next.__recvfrom_chk(fd, bytes, size, whole, flags, address, length);
	if (result < 0)
		tp_failure_show(fd);
	else if (room > 0)
		tp_datagram_source(config, address, room, tp_memory_length(length));
	return result;
}
