/*
 * What a sidecar welcomes with, whatever it is and whatever descriptors come with it: nothing that is not a board is taken for
 * one, and no descriptor is left. The first byte of the input says what comes along.
 */
#include "board.h"
#include "message.h"
#include "welcome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DESCRIPTORS = 3 };

static int make_file(unsigned kind)
{
	if (kind == 0)
		return dup(STDERR_FILENO);
	int fd = memfd_create("board", MFD_ALLOW_SEALING);
	if (ftruncate(fd, kind == 1 ? 4096 : TP_BOARD_SIZE) < 0)
		abort();
	if (kind != 2)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void send_along(int channel, const uint8_t *bytes, size_t size, const int *descriptors, size_t count)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int)) } };
	struct iovec part = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (count > 0) {
		memcpy(CMSG_DATA(&control.head), descriptors, count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	if (sendmsg(channel, &message, 0) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t welcome[] = { TP_PROTOCOL_VERSION, TP_WELCOME, TP_HEADER_SIZE + 2, 0, 0, 0 };
	int pair[2], descriptors[DESCRIPTORS], first = dup(STDERR_FILENO);
	if (size < 2)
		goto done;
	size_t count = data[0] % (DESCRIPTORS + 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		abort();
	for (size_t i = 0; i < count; i++)
		descriptors[i] = make_file((data[0] >> (2 + 2 * i)) & 3);
	if (data[1] & 1)
		send_along(pair[1], data + 2, size - 2, descriptors, count);
	else
		send_along(pair[1], welcome, sizeof welcome, descriptors, count);
	for (size_t i = 0; i < count; i++)
		close(descriptors[i]);
	close(pair[1]);
	/* None of these files says that it is a board. */
	int result = tp_welcome_await(pair[0]);
	if ((result != -ENETDOWN && result != -EAGAIN) || tp_board_is())
		abort();
	close(pair[0]);
done:
	close(first);
	int again = dup(STDERR_FILENO);
	if (again != first)
		abort();
	close(again);
	return 0;
}
