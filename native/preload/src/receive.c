#include "receive.h"

#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/** More than one is wrong; those are closed. */
#define DESCRIPTORS_MAX 8

int tp_receive_await(int fd, int64_t deadline)
{
	int waited;
	do
		waited = tp_wait(fd, POLLIN, deadline);
	while (waited == -EINTR);
	return waited < 0 ? -EAGAIN : 0;
}

long tp_receive(int fd, void *message, size_t room, int *descriptor)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = message, .iov_len = room };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int descriptors[DESCRIPTORS_MAX];
	size_t count = 0;
	*descriptor = -1;
	long size = tp_syscall3(SYS_recvmsg, fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	if (size < 0)
		return -EAGAIN;
	if (header.msg_controllen >= sizeof control.head && control.head.cmsg_level == SOL_SOCKET &&
	    control.head.cmsg_type == SCM_RIGHTS && control.head.cmsg_len <= header.msg_controllen) {
		count = (control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(descriptors, CMSG_DATA(&control.head), count * sizeof(int));
	}
	if (count == 1)
		*descriptor = descriptors[0];
	if (count <= 1)
		return size;
	while (count > 0)
		tp_syscall1(SYS_close, descriptors[--count]);
	return -EAGAIN;
}
