/*
 * listen(2): what listens is kept to loopback, and told of to the exporter; when it returns, the tailnet can connect. A refusal is
 * said on stderr, and the program goes on, or listen() fails where TAILPROXY_EXPORT_STRICT says so.
 */
#include "confine.h"
#include "control.h"
#include "fail.h"
#include "line.h"
#include "socket.h"
#include "state.h"
#include "syscall.h"

TP_HOOK int listen(int fd, int backlog)
{
	const struct tp_config *config = tp_state();
	struct tp_socket socket;

	if (!config->export_listeners || tp_socket_read(&socket, fd) < 0 || !tp_socket_is_stream(&socket))
		return tp_next.listen(fd, backlog);
	int result = tp_confine_listener(fd);
	if (result < 0) {
		struct tp_line line = { 0 };
		tp_line_text(&line, "a listener is bound to a device, and cannot be kept to loopback; it is refused");
		tp_line_write(&line);
		return tp_fail(result);
	}
	if (tp_next.listen(fd, backlog) < 0)
		return -1;
	result = tp_control_listen(config, fd);
	if (result == 0 || !config->export_strict)
		return 0;
	/* It does not listen any more, and stays bound. */
	tp_syscall2(SYS_shutdown, fd, SHUT_RD);
	return tp_fail(result);
}
