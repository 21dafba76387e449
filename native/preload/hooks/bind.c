/*
 * bind(2): on a kernel that lets only root bind to a device, a TCP socket of a program whose listeners are exported is bound to
 * loopback instead of the address that was asked for. Elsewhere the kernel's, untouched.
 */
#include "confine.h"
#include "memory.h"
#include "socket.h"
#include "state.h"

TP_HOOK int bind(int fd, const struct sockaddr *address, socklen_t length)
{
	const struct tp_config *config = tp_state();
	struct tp_address asked, instead;
	struct tp_socket socket;
	struct sockaddr_storage name;

	if (!config->export_listeners || tp_confine_by_device() || length > sizeof name ||
	    !tp_memory_readable(address, length) || tp_address_read(&asked, address, length) < 0 ||
	    tp_socket_read(&socket, fd) < 0 || !tp_socket_is_stream(&socket) || !tp_confine_address(&asked, &instead))
		return tp_next.bind(fd, address, length);
	socklen_t size = tp_address_write(&instead, socket.domain, &name);
	int result = tp_next.bind(fd, (struct sockaddr *)&name, size);
	if (result == 0)
		tp_confine_remember(tp_socket_identity(fd));
	return result;
}
