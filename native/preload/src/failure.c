#include "failure.h"

#include "board.h"
#include "channel.h"
#include "socket.h"
#include "state.h"
#include "syscall.h"

#include <errno.h>
#include <netinet/in.h>

/** Whether its last connect() was to the tarpit. SO_PEERNAME, unlike getpeername(), still tells when that has failed. */
static bool was_to_tarpit(int fd)
{
	int domain = tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN);
	struct sockaddr_storage name;
	struct tp_address peer;
	/* It refuses to be asked for more than there is. */
	socklen_t length = domain == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	return tp_syscall5(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERNAME, &name, &length) == 0 &&
	       tp_address_read(&peer, &name, length) == 0 && tp_board_is_tarpit(&peer) &&
	       tp_socket_option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;
}

int tp_failure_of(int fd, int error)
{
	const struct tp_config *config = tp_state();
	if ((error != ECONNRESET && error != ECONNREFUSED) || !config->dial_socket)
		return 0;
	if (error == ECONNREFUSED)
		return was_to_tarpit(fd) ? ENETDOWN : 0; /* a tarpit refuses nobody: the sidecar is gone */
	uint64_t cookie = tp_socket_identity(fd);
	int failure = tp_board_failure(cookie);
	/* What was dialled by another process may end here: after an exec, or by SCM_RIGHTS. */
	if (failure == 0 && !tp_board_is() && tp_channel_open(config) == 0)
		failure = tp_board_failure(cookie);
	return failure;
}

void tp_failure_show(int fd)
{
	int failure = tp_failure_of(fd, errno);
	if (failure > 0)
		errno = failure;
}
