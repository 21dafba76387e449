#include "control-connect.h"

#include "channel.h"
#include "receive.h"
#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>

/** u32 errno */
#define CONTROLLED_SIZE (TP_HEADER_SIZE + 4)
#define NANOSECONDS 1000000000

static int read_answer(int reply)
{
	uint8_t message[CONTROLLED_SIZE];
	uint32_t error;
	int fd;
	long size = tp_receive(reply, message, sizeof message, &fd);
	if (size == CONTROLLED_SIZE && tp_message_is(message, (size_t)size, TP_CONTROLLED)) {
		memcpy(&error, message + TP_HEADER_SIZE, sizeof error);
		if (error == 0 && fd >= 0)
			return fd;
	}
	if (fd >= 0)
		tp_syscall1(SYS_close, fd);
	return -ENETDOWN;
}

/* A program that has changed its user, or its root, cannot reach the path; the channel it has had all along. */
static int by_channel(const struct tp_config *config, int64_t deadline)
{
	uint8_t question[TP_HEADER_SIZE];
	int pair[2], result = -ENETDOWN;
	if (tp_syscall4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -ENETDOWN;
	tp_message_head(question, TP_CONTROL, sizeof question);
	int sent = tp_channel_send(config, question, sizeof question, &pair[1], 1);
	tp_syscall1(SYS_close, pair[1]);
	if (sent == 0 && tp_receive_await(pair[0], deadline) == 0)
		result = read_answer(pair[0]);
	tp_syscall1(SYS_close, pair[0]);
	return result;
}

static int by_path(const struct tp_config *config, int64_t deadline)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t left = deadline - tp_wait_now();
	struct timeval limit = { left / NANOSECONDS + 1, 0 };
	int fd = (int)tp_syscall3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long result;
	if (fd < 0)
		return -ENETDOWN;
	memcpy(address.sun_path, config->control_path, sizeof address.sun_path);
	tp_syscall5(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	do
		result = tp_syscall3(SYS_connect, fd, &address, sizeof address);
	while (result == -EINTR && tp_wait_now() < deadline);
	if (result == 0)
		return fd;
	tp_syscall1(SYS_close, fd);
	return -ENETDOWN;
}

int tp_control_connect(const struct tp_config *config, int64_t deadline)
{
	int fd = config->dial_socket ? by_channel(config, deadline) : -ENETDOWN;
	/* Who answers there lives on when a sidecar dies. */
	return fd >= 0 ? fd : by_path(config, deadline);
}
