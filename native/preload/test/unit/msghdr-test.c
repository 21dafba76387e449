#include "msghdr.h"
#include "tap.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>

/** Control data that holds at most two messages. */
struct control {
	union {
		struct cmsghdr head;
		char bytes[256];
	};
	size_t size;
};

static void add(struct control *control, int level, int type, const void *bytes, size_t size)
{
	struct cmsghdr head = { .cmsg_len = CMSG_LEN(size), .cmsg_level = level, .cmsg_type = type };
	memcpy(control->bytes + control->size, &head, sizeof head);
	memcpy(control->bytes + control->size + CMSG_LEN(0), bytes, size);
	control->size += CMSG_SPACE(size);
}

static struct msghdr message_with(struct control *control)
{
	return (struct msghdr){ .msg_control = control->bytes, .msg_controllen = control->size };
}

static void test_sizes(void)
{
	struct iovec parts[3] = { { NULL, 100 }, { NULL, 0 }, { NULL, 23 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	is(tp_msghdr_size(&message), 123, "the parts are added up, not looked into");
	message.msg_iovlen |= (size_t)1 << 40;
	is(tp_msghdr_size(&message), 123, "musl's padding behind their number does not count");
	message.msg_iovlen = 1025;
	is(tp_msghdr_size(&message), 0, "more parts than the kernel takes are none");
	message.msg_iovlen = 1;
	message.msg_iov = (struct iovec *)8;
	is(tp_msghdr_size(&message), 0, "nor are those that cannot be read");
	message.msg_iovlen = 0;
	is(tp_msghdr_size(&message), 0, "none at all");
}

static void test_control(void)
{
	struct control empty = { .size = 0 }, both = { .size = 0 }, loopback = { .size = 0 }, six = { .size = 0 };
	struct in_pktinfo on_lo = { .ipi_ifindex = 1 }, on_other = { .ipi_ifindex = 2 };
	struct in6_pktinfo on_six = { .ipi6_ifindex = 3 };
	uint16_t segment = 1200;
	int tos = 0x10;
	struct msghdr message = message_with(&empty);
	is(tp_msghdr_segment(&message), 0, "no control data, no segment");
	ok(!tp_msghdr_on_device(&message), "and no device");
	add(&both, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	add(&both, IPPROTO_UDP, 103, &segment, sizeof segment);
	message = message_with(&both);
	is(tp_msghdr_segment(&message), 1200, "UDP_SEGMENT is found behind another");
	ok(!tp_msghdr_on_device(&message), "neither names a device");
	message.msg_controllen -= CMSG_SPACE(sizeof segment) - CMSG_LEN(sizeof segment) + 1;
	is(tp_msghdr_segment(&message), 0, "one that is cut off is none");
	message.msg_controllen = CMSG_LEN(0) - 1;
	is(tp_msghdr_segment(&message), 0, "nor is half a header");
	add(&loopback, IPPROTO_IP, IP_PKTINFO, &on_lo, sizeof on_lo);
	message = message_with(&loopback);
	ok(!tp_msghdr_on_device(&message), "lo leads to loopback");
	add(&loopback, IPPROTO_IP, IP_PKTINFO, &on_other, sizeof on_other);
	message = message_with(&loopback);
	ok(tp_msghdr_on_device(&message), "another device does not");
	add(&six, IPPROTO_IPV6, IPV6_PKTINFO, &on_six, sizeof on_six);
	message = message_with(&six);
	ok(tp_msghdr_on_device(&message), "nor by IPv6");
	six.head.cmsg_len = 4;
	ok(!tp_msghdr_on_device(&message), "a length below its own header ends the walk");
	six.head.cmsg_len = (size_t)-1;
	ok(!tp_msghdr_on_device(&message), "and so does one that is too large");
	message.msg_control = (void *)8;
	ok(!tp_msghdr_on_device(&message), "what cannot be read says nothing");
}

static void test_offender(void)
{
	struct control none = { .size = 0 }, four = { .size = 0 };
	struct {
		char error[16];
		struct sockaddr_in offender;
	} received = { .offender = { .sin_family = AF_INET } };
	socklen_t room = 0;
	struct msghdr message = message_with(&none);
	ok(!tp_msghdr_offender(&message, &room), "no control data, no offender");
	add(&four, IPPROTO_IP, IP_RECVERR, &received, sizeof received);
	message = message_with(&four);
	struct sockaddr *found = tp_msghdr_offender(&message, &room);
	ok((char *)found == four.bytes + CMSG_LEN(16), "the offender lies behind the error");
	is(room, sizeof(struct sockaddr_in), "with room for its address");
	four.head.cmsg_len = CMSG_LEN(16);
	ok(!tp_msghdr_offender(&message, &room), "an error alone has none");
}

static void test_readable(void)
{
	enum { COUNT = 200 };
	size_t size = COUNT * sizeof(struct mmsghdr), whole = (size + 4095) / 4096 * 4096;
	char *pages = mmap(NULL, whole + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mmsghdr *messages = (struct mmsghdr *)(pages + whole - size);
	munmap(pages + whole, 4096);
	is(tp_msghdr_readable(messages, COUNT), COUNT, "all that are there");
	is(tp_msghdr_readable(messages, COUNT + 5), COUNT, "and not those behind");
	is(tp_msghdr_readable(messages + COUNT - 1, 3), 1, "the last alone");
	is(tp_msghdr_readable(messages, 0), 0, "none of none");
	is(tp_msghdr_readable(NULL, 3), 0, "none nowhere");
	munmap(pages, whole);
}

int main(void)
{
	test_sizes();
	test_control();
	test_offender();
	test_readable();
	return tap_end();
}
