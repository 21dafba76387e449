#include "datagram.h"

#include "board.h"
#include "channel.h"
#include "datagram-route.h"
#include "dial-protocol.h"
#include "flow.h"
#include "state.h"
#include "syscall.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#ifndef IP_UNICAST_IF
#define IP_UNICAST_IF 50
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef IPV6_DONTFRAG
#define IPV6_DONTFRAG 62
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/** Nobody waits long for a datagram to leave; a verdict that takes longer finds the next one. */
#define FLOW_LIMIT_NS (5LL * 1000000000)

/** IPv4 and UDP, IPv6 and UDP. */
enum { HEADERS4 = 28, HEADERS6 = 48 };

static bool connected_any;

static bool is_udp(const struct tp_socket *socket)
{
	return socket->type == SOCK_DGRAM && socket->protocol == IPPROTO_UDP &&
	       (socket->domain == AF_INET || socket->domain == AF_INET6);
}

/** Asks for the flow of a socket and a destination. Returns 0 or a negative errno. */
static int ask_flow(const struct tp_config *config, int fd, const struct tp_address *wanted, struct tp_address *flow)
{
	uint8_t question[TP_HEADER_SIZE + TP_WIRE_ADDRESS_SIZE];
	uint8_t answer[TP_HEADER_SIZE + 4 + TP_WIRE_ADDRESS_SIZE];
	uint32_t error;
	tp_message_head(question, TP_FLOW, sizeof question);
	tp_message_address(question + TP_HEADER_SIZE, wanted);
	long size = tp_channel_ask(config, question, sizeof question, fd, TP_FLOWED, answer, sizeof answer, FLOW_LIMIT_NS);
	/* EAGAIN would have the program wait for its socket, which is writable all the while. */
	if (size != (long)sizeof answer)
		return -ENETDOWN;
	memcpy(&error, answer + TP_HEADER_SIZE, sizeof error);
	if (error != 0)
		return error < 4096 ? -(int)error : -ENETDOWN;
	/* Anything else there would lead the datagram to the host's network. */
	if (!tp_message_read_address(answer + TP_HEADER_SIZE + 4, flow) || !tp_address_is_loopback(flow) || flow->port == 0)
		return -ENETDOWN;
	return 0;
}

/** The flow of a socket that is known to be UDP. Returns 0 or a negative errno. */
static int find_flow(const struct tp_config *config, int fd, int domain, const struct tp_address *wanted,
		     struct tp_address *flow)
{
	/* They look for loopback behind that device, in vain. */
	if (tp_socket_on_device(fd) || tp_socket_option(fd, IPPROTO_IP, IP_UNICAST_IF) > 0 ||
	    (domain == AF_INET6 && tp_socket_option(fd, IPPROTO_IPV6, IPV6_UNICAST_IF) > 0))
		return -ENETUNREACH;
	/* As the kernel answers. */
	if (domain == AF_INET6 && wanted->family == AF_INET && tp_socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1)
		return -ENETUNREACH;
	return ask_flow(config, fd, wanted, flow);
}

int tp_datagram_send(const struct tp_config *config, int fd, uint64_t *cookie, int family, const struct tp_address *wanted,
		     struct sockaddr_storage *instead, socklen_t *length)
{
	struct tp_address flow;
	struct tp_socket socket;
	int route = tp_datagram_route(config, wanted);
	if (route == TP_ROUTE_DIAL && tp_board_is()) {
		if (*cookie == 0)
			*cookie = tp_socket_identity(fd);
		/* Only UDP sockets have flows: nothing else need be asked of this one. */
		if (family != AF_UNSPEC && tp_board_udp_flow(*cookie, wanted, &flow)) {
			*length = tp_address_write(&flow, family, instead);
			return *length ? 1 : -ENETUNREACH;
		}
	}
	/* A UDP policy of "direct" is none for other sockets. */
	if (route == TP_ROUTE_PASS &&
	    (tp_channel_run()->udp != TP_UDP_DIRECT || tp_datagram_route_other(config, wanted) == TP_ROUTE_PASS))
		return TP_ROUTE_PASS;
	if (tp_socket_read(&socket, fd) < 0)
		return TP_ROUTE_PASS;
	/* Unix, netlink and packet sockets have other addresses: these bytes only look like an IP address. */
	if (socket.domain != AF_INET && socket.domain != AF_INET6)
		return TP_ROUTE_PASS;
	if (tp_socket_is_stream(&socket))
		return TP_ROUTE_PASS; /* TCP takes no notice of a destination */
	if (!is_udp(&socket))
		return tp_datagram_route_other(config, wanted);
	if (route <= 0)
		return route;
	/* To IPv6 sockets AF_UNSPEC is no address at all; port 0 is refused, with an errno of the kernel's own. */
	if ((family == AF_UNSPEC && socket.domain == AF_INET6) || wanted->port == 0)
		return TP_ROUTE_PASS;
	int found = find_flow(config, fd, socket.domain, wanted, &flow);
	if (found < 0)
		return found;
	*length = tp_address_write(&flow, family == AF_INET6 ? AF_INET6 : AF_INET, instead);
	return *length ? 1 : -ENETUNREACH;
}

/** So that it is known what for when the sidecar dies, and its board with it. */
static void remember(int fd, uint64_t cookie, const struct tp_address *wanted, const struct tp_address *flow)
{
	struct tp_flow record = { .asked = *wanted, .fd = fd, .sent = flow->port };
	__atomic_store_n(&connected_any, true, __ATOMIC_RELAXED);
	if (tp_flow_begin(cookie, &record, tp_socket_identity) == TP_FLOW_NONE)
		tp_flow_settle(cookie, &record, TP_FLOW_CONNECTED);
}

enum { NO_FLOW, FLOW, LOST_FLOW };

static int flow_at(int fd, const struct tp_address *peer, struct tp_address *destination)
{
	struct tp_flow record;
	uint64_t cookie = tp_socket_identity(fd);
	if (tp_board_udp_peer(peer, cookie, destination))
		return FLOW;
	if (!tp_datagram_any() || tp_flow_find(cookie, &record) != TP_FLOW_CONNECTED || record.sent != peer->port)
		return NO_FLOW;
	*destination = record.asked;
	return LOST_FLOW;
}

/** Whether the socket is connected to a flow socket, also of a sidecar that has died, and whom that stands for. */
static int connected_flow(int fd, struct tp_address *destination)
{
	struct tp_address peer;
	if (tp_socket_option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP || tp_socket_name(fd, true, &peer) < 0 ||
	    !tp_address_is_loopback(&peer))
		return NO_FLOW;
	return flow_at(fd, &peer, destination);
}

bool tp_datagram_peer(int fd, const struct tp_address *peer, struct tp_address *out)
{
	return flow_at(fd, peer, out) != NO_FLOW;
}

int tp_datagram_disconnect(int (*next)(int, const struct sockaddr *, socklen_t), int fd, const struct sockaddr *address,
			   socklen_t length)
{
	struct tp_address destination, local;
	struct sockaddr_storage any;
	bool carried = connected_flow(fd, &destination) != NO_FLOW && tp_socket_name(fd, false, &local) == 0;
	int result = next(fd, address, length);
	if (result < 0 || !carried)
		return result;
	/* A port that was not bound for is gone with the connection. When it was, this is refused and does no harm. */
	int domain = tp_socket_option(fd, SOL_SOCKET, SO_DOMAIN);
	struct tp_address everywhere = { .family = (uint8_t)domain, .port = local.port };
	socklen_t size = tp_address_write(&everywhere, domain, &any);
	tp_syscall3(SYS_bind, fd, &any, size);
	return result;
}

static int raw_connect(int fd, const struct sockaddr *address, socklen_t length)
{
	return (int)tp_syscall3(SYS_connect, fd, address, length);
}

int tp_datagram_connect(const struct tp_config *config, int fd, const struct tp_socket *socket,
			const struct tp_address *wanted, struct sockaddr_storage *instead, socklen_t *length)
{
	struct tp_address flow, before;
	if (!is_udp(socket))
		return tp_datagram_route_other(config, wanted);
	int route = tp_datagram_route(config, wanted);
	if (route < 0)
		return route;
	if (route == TP_ROUTE_PASS) {
		/* Bound to loopback by its connection to a flow, the kernel would let it go nowhere else. */
		static const struct sockaddr none = { .sa_family = AF_UNSPEC };
		if (!tp_address_is_loopback(wanted) && connected_flow(fd, &before) != NO_FLOW)
			tp_datagram_disconnect(raw_connect, fd, &none, sizeof none);
		return TP_ROUTE_PASS;
	}
	uint64_t cookie = tp_socket_identity(fd);
	if (!tp_board_udp_flow(cookie, wanted, &flow)) {
		int found = find_flow(config, fd, socket->domain, wanted, &flow);
		if (found < 0)
			return found;
	}
	remember(fd, cookie, wanted, &flow);
	*length = tp_address_write(&flow, socket->domain, instead);
	return *length ? 1 : -ENETUNREACH;
}

/** Whether a socket has forbidden fragments on the way to an address of this family. */
static bool forbids_fragments(int fd, int family)
{
	int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int mode = tp_socket_option(fd, level, family == AF_INET ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER);
	/* IP_PMTUDISC_DO, _PROBE and _INTERFACE; the others, IPV6_PMTUDISC_… alike, cut what is too big into pieces. */
	if (mode >= IP_PMTUDISC_DO && mode <= IP_PMTUDISC_INTERFACE)
		return true;
	return family == AF_INET6 && tp_socket_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG) == 1;
}

int tp_datagram_fit(int fd, const struct tp_address *wanted, size_t size, size_t segment)
{
	unsigned headers = wanted->family == AF_INET ? HEADERS4 : HEADERS6, mtu = tp_board_mtu();
	if (size <= TP_DATAGRAM_FITS || mtu <= headers || size <= mtu - headers || !forbids_fragments(fd, wanted->family))
		return 0;
	if (segment == 0) {
		int option = tp_socket_option(fd, SOL_UDP, UDP_SEGMENT);
		segment = option > 0 ? (size_t)option : 0;
	}
	return (segment ? segment : size) > mtu - headers ? -EMSGSIZE : 0;
}

bool tp_datagram_any(void)
{
	return __atomic_load_n(&connected_any, __ATOMIC_RELAXED);
}

/** Connects a socket to a flow of the sidecar that there is now. */
static int reconnect(int fd, const struct tp_address *wanted)
{
	struct tp_socket socket;
	struct sockaddr_storage instead;
	socklen_t length;
	int result = tp_socket_read(&socket, fd);
	if (result == 0)
		result = tp_datagram_connect(tp_state(), fd, &socket, wanted, &instead, &length);
	if (result <= 0)
		return result < 0 ? result : -ENETUNREACH;
	/* What the dead one's port has refused since. */
	tp_socket_option(fd, SOL_SOCKET, SO_ERROR);
	return raw_connect(fd, (const struct sockaddr *)&instead, length);
}

int tp_datagram_check(int fd, size_t size, size_t segment)
{
	struct tp_address destination;
	if (!tp_datagram_any() || (size <= TP_DATAGRAM_FITS && !tp_board_has_died()))
		return 0;
	int found = connected_flow(fd, &destination);
	if (found == NO_FLOW)
		return 0;
	int result = found == LOST_FLOW && tp_board_has_died() ? reconnect(fd, &destination) : 0;
	return result < 0 ? result : tp_datagram_fit(fd, &destination, size, segment);
}

int tp_datagram_path_mtu(int fd)
{
	struct tp_address destination;
	if (connected_flow(fd, &destination) == NO_FLOW)
		return 0;
	return (int)tp_board_mtu();
}
