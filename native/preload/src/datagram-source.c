#include "datagram-source.h"

#include "board.h"
#include "channel.h"
#include "msghdr.h"
#include "wait.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/** Family and port: with less than that nothing would be shown of the destination either. */
#define ROOM_MIN 4u
/** Between two attempts to find a sidecar, each of which costs a datagram some system calls. */
#define PAUSE_NS 1000000000LL

/* A socket that was inherited or received may have flows before this process has asked for any. */
static bool has_board(const struct tp_config *config)
{
	static _Atomic int64_t next;
	if (tp_board_is())
		return true;
	if (config->mode != TP_MODE_ACTIVE || !config->dial_socket || tp_wait_now() < atomic_load(&next))
		return false;
	atomic_store(&next, tp_wait_now() + PAUSE_NS);
	return tp_channel_open(config) == 0;
}

/** Finds the flow socket that is written there, of whose address only the first `size` bytes may be to be seen. */
static bool find_flow(const struct sockaddr *name, size_t size, int domain, struct tp_address *destination)
{
	static const struct tp_address loopbacks[] = {
		{ .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
		{ .family = AF_INET6, .bytes = { [15] = 1 } },
	};
	in_port_t port;
	memcpy(&port, (const char *)name + offsetof(struct sockaddr_in, sin_port), sizeof port);
	for (size_t i = 0; i < sizeof loopbacks / sizeof loopbacks[0]; i++) {
		struct tp_address flow = loopbacks[i];
		struct sockaddr_storage whole;
		flow.port = ntohs(port);
		if (tp_address_write(&flow, domain, &whole) != 0 && memcmp(&whole, name, size) == 0 &&
		    tp_board_udp_peer(&flow, 0, destination))
			return true;
	}
	return false;
}

/** The domain of a source address, 0 when it cannot be a flow socket's. */
static int domain_of(const struct sockaddr *name, socklen_t room, socklen_t length)
{
	if (room < ROOM_MIN || (length != sizeof(struct sockaddr_in) && length != sizeof(struct sockaddr_in6)))
		return 0;
	sa_family_t family;
	memcpy(&family, name, sizeof family);
	return family == (length == sizeof(struct sockaddr_in) ? AF_INET : AF_INET6) ? family : 0;
}

static bool mend(const struct tp_config *config, struct sockaddr *name, socklen_t room, socklen_t length,
		 struct tp_address *destination)
{
	struct sockaddr_storage shown;
	int domain = domain_of(name, room, length);
	size_t size = room < length ? room : length;
	if (domain == 0 || !has_board(config) || !find_flow(name, size, domain, destination))
		return false;
	if (tp_address_write(destination, domain, &shown) != length)
		return false;
	memcpy(name, &shown, size);
	return true;
}

void tp_datagram_source(const struct tp_config *config, struct sockaddr *name, socklen_t room, socklen_t length)
{
	struct tp_address destination;
	mend(config, name, room, length, &destination);
}

/* An ICMP error comes from loopback as the flow socket does, and never has a port. */
static void mend_offender(struct msghdr *message, struct tp_address destination)
{
	struct sockaddr_storage shown;
	struct tp_address offender;
	socklen_t room;
	struct sockaddr *name = tp_msghdr_offender(message, &room);
	if (!name || tp_address_read(&offender, name, room) < 0 || !tp_address_is_loopback(&offender))
		return;
	destination.port = 0;
	socklen_t length = tp_address_write(&destination, name->sa_family, &shown);
	if (length != 0 && length <= room)
		memcpy(name, &shown, length);
}

void tp_datagram_received(const struct tp_config *config, struct msghdr *message, socklen_t room)
{
	struct tp_address destination;
	if (message->msg_name && mend(config, message->msg_name, room, message->msg_namelen, &destination) &&
	    (message->msg_flags & MSG_ERRQUEUE))
		mend_offender(message, destination);
}
