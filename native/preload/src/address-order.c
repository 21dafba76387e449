#include "address-order.h"

#include "board.h"
#include "channel.h"
#include "syscall.h"

#define RANKS 3

/*
 * IPv4 first for what the sidecar carries: tailnet IPv6 addresses are unique local ones, which RFC 6724 §2.1 puts behind
 * IPv4 (so does musl; glibc's table is older, but without IPv6 routes its order is the same), and an exit node need not
 * have IPv6 at all. For what the host itself connects to the RFC prefers ::1 and global IPv6. Unreachable addresses come
 * last (rule 1).
 */
static int rank(const struct tp_address *address, enum tp_reach reach)
{
	bool global = address->family == AF_INET6 && (address->bytes[0] & 0xe0) == 0x20;
	int family = address->family == AF_INET ? 1 : 2;
	if (reach != TP_REACH_CARRIED && (global || (family == 2 && tp_address_is_loopback(address))))
		family = 0;
	return reach == TP_REACH_NONE ? family + RANKS : family;
}

void tp_address_order(struct tp_addresses *all, enum tp_reach (*reach)(const struct tp_address *))
{
	struct tp_addresses sorted = { 0 };
	int ranks[TP_LOOKUP_MAX];
	bool four = false, six = false;
	for (size_t i = 0; i < all->count; i++) {
		four |= all->list[i].family == AF_INET;
		six |= all->list[i].family == AF_INET6;
	}
	if (!four || !six)
		return;
	for (size_t i = 0; i < all->count; i++)
		ranks[i] = rank(&all->list[i], reach(&all->list[i]));
	for (int wanted = 0; wanted < 2 * RANKS; wanted++)
		for (size_t i = 0; i < all->count; i++)
			if (ranks[i] == wanted)
				tp_addresses_add(&sorted, &all->list[i]);
	for (size_t i = 0; i < sorted.count; i++)
		all->list[i] = sorted.list[i];
}

enum tp_reach tp_address_reach(const struct tp_address *address)
{
	struct sockaddr_storage there;
	const struct tp_run *run = tp_channel_run();
	struct tp_address probe = *address;
	if (tp_address_is_loopback(address))
		return TP_REACH_HOST;
	if (run->only_tailnet || run->asks || tp_address_is_tailnet(address) || tp_board_routes(address))
		return TP_REACH_CARRIED;
	/* connect() of a datagram socket asks for a route and sends nothing; the C libraries find out in this way too. */
	probe.port = 9;
	socklen_t length = tp_address_write(&probe, address->family, &there);
	long fd = tp_syscall3(SYS_socket, address->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return TP_REACH_NONE;
	long result = tp_syscall3(SYS_connect, fd, &there, length);
	tp_syscall1(SYS_close, fd);
	return result < 0 ? TP_REACH_NONE : TP_REACH_HOST;
}
