#include "msghdr.h"

#include "memory.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define PAGE 4096u
/** struct sock_extended_err of <linux/errqueue.h>; the offender's address follows it. */
#define EXTENDED_ERROR_SIZE 16u
/** The loopback device is the first of every network namespace. */
#define LOOPBACK_INDEX 1u
/** The kernel takes no more at once (UIO_MAXIOV). */
#define PARTS_MAX 1024u

static bool readable(const void *start, size_t size)
{
	const char *at = start;
	for (; size > PAGE; at += PAGE, size -= PAGE)
		if (!tp_memory_readable(at, PAGE))
			return false;
	return size == 0 || tp_memory_readable(at, size);
}

unsigned tp_msghdr_readable(const struct mmsghdr *messages, unsigned count)
{
	enum { TOGETHER = PAGE / sizeof *messages };
	unsigned good = 0;
	while (good < count) {
		unsigned next = count - good < TOGETHER ? count - good : TOGETHER;
		if (!tp_memory_readable(messages + good, next * sizeof *messages))
			break;
		good += next;
	}
	while (good < count && tp_memory_readable(messages + good, sizeof *messages))
		good++;
	return good;
}

size_t tp_msghdr_size(const struct msghdr *message)
{
	uint32_t count = (uint32_t)message->msg_iovlen;
	size_t size = 0;
	if (count > PARTS_MAX || !readable(message->msg_iov, count * sizeof *message->msg_iov))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		size += message->msg_iov[i].iov_len;
	return size;
}

struct control {
	int level, type;
	uint8_t *bytes;
	size_t size;
};

/** Gives the control message at *at and moves on; false when there is none. */
static bool next_control(const struct msghdr *message, size_t *at, struct control *out)
{
	size_t whole = (uint32_t)message->msg_controllen;
	struct cmsghdr header;
	if (!message->msg_control || whole < sizeof header || *at > whole - sizeof header)
		return false;
	uint8_t *start = (uint8_t *)message->msg_control + *at;
	memcpy(&header, start, sizeof header);
	size_t size = (uint32_t)header.cmsg_len;
	if (size < sizeof header || size > whole - *at)
		return false;
	*out = (struct control){ header.cmsg_level, header.cmsg_type, start + CMSG_LEN(0), size - CMSG_LEN(0) };
	*at += CMSG_ALIGN(size);
	return true;
}

static bool has_control(const struct msghdr *message)
{
	return message->msg_control && (uint32_t)message->msg_controllen != 0 &&
	       readable(message->msg_control, (uint32_t)message->msg_controllen);
}

size_t tp_msghdr_segment(const struct msghdr *message)
{
	struct control control;
	uint16_t segment = 0;
	size_t at = 0;
	if (!has_control(message))
		return 0;
	while (next_control(message, &at, &control))
		if (control.level == SOL_UDP && control.type == UDP_SEGMENT && control.size >= sizeof segment)
			memcpy(&segment, control.bytes, sizeof segment);
	return segment;
}

bool tp_msghdr_on_device(const struct msghdr *message)
{
	struct control control;
	size_t at = 0;
	if (!has_control(message))
		return false;
	while (next_control(message, &at, &control)) {
		struct in_pktinfo four = { 0 };
		struct in6_pktinfo six = { 0 };
		if (control.level == IPPROTO_IP && control.type == IP_PKTINFO && control.size >= sizeof four)
			memcpy(&four, control.bytes, sizeof four);
		if (control.level == IPPROTO_IPV6 && control.type == IPV6_PKTINFO && control.size >= sizeof six)
			memcpy(&six, control.bytes, sizeof six);
		if ((unsigned)four.ipi_ifindex > LOOPBACK_INDEX || six.ipi6_ifindex > LOOPBACK_INDEX)
			return true;
	}
	return false;
}

struct sockaddr *tp_msghdr_offender(struct msghdr *message, socklen_t *room)
{
	struct control control;
	size_t at = 0;
	while (next_control(message, &at, &control)) {
		bool four = control.level == IPPROTO_IP && control.type == IP_RECVERR;
		bool six = control.level == IPPROTO_IPV6 && control.type == IPV6_RECVERR;
		if ((four || six) && control.size > EXTENDED_ERROR_SIZE) {
			*room = (socklen_t)(control.size - EXTENDED_ERROR_SIZE);
			return (struct sockaddr *)(control.bytes + EXTENDED_ERROR_SIZE);
		}
	}
	return NULL;
}
