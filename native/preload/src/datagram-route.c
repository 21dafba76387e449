#include "datagram-route.h"

#include "board.h"
#include "channel.h"
#include "stand-in.h"

#include <errno.h>
#include <string.h>

enum { NOT_OURS, OURS, OURS_BY_RULE, RESOLVER };

/** Addresses of more than one: no flow carries them, and no exit node takes them. */
static bool is_group(const struct tp_address *address)
{
	static const uint8_t everyone[4] = { 255, 255, 255, 255 };
	if (address->family == AF_INET)
		return (address->bytes[0] & 0xf0) == 0xe0 || memcmp(address->bytes, everyone, 4) == 0;
	return address->bytes[0] == 0xff;
}

/** In the order of the document. Returns whose it is, or a negative errno when nobody can say: then it goes nowhere. */
static int whose(const struct tp_config *config, const struct tp_address *address)
{
	const struct tp_run *run = tp_channel_run();
	bool here = tp_address_is_loopback(address) || tp_config_bypasses(config, address);
	if (here && address->port != 53)
		return NOT_OURS;
	if (!tp_board_is()) {
		int opened = tp_channel_open(config);
		/* Queries to a resolver on loopback are the tailnet's names, most of them. */
		if (opened < 0)
			return here && opened == -ENOTSUP ? NOT_OURS : opened;
	}
	if (tp_board_is_resolver(address))
		return RESOLVER;
	if (here)
		return NOT_OURS;
	if (config->strict || run->only_tailnet || tp_address_is_tailnet(address) || tp_stand_in_is(address) ||
	    tp_board_routes(address))
		return OURS;
	return run->asks ? OURS_BY_RULE : NOT_OURS;
}

int tp_datagram_route(const struct tp_config *config, const struct tp_address *address)
{
	const struct tp_run *run = tp_channel_run();
	if (config->mode != TP_MODE_ACTIVE || !config->dial_socket)
		return tp_route_other(config, address);
	int owner = whose(config, address);
	if (owner < 0)
		return owner == -ENOTSUP ? tp_route_other(config, address) : owner;
	if (owner == RESOLVER)
		return TP_ROUTE_DIAL;
	if (run->udp == TP_UDP_DIRECT)
		return owner == OURS ? -ENETUNREACH : TP_ROUTE_PASS;
	if (owner == NOT_OURS)
		return run->udp == TP_UDP_BLOCK && !tp_address_is_loopback(address) && !tp_config_bypasses(config, address) ?
			-ENETUNREACH : TP_ROUTE_PASS;
	/* Not EPERM, a firewall's answer: programs that try one address after the other take it for the end of all. */
	return run->udp == TP_UDP_BLOCK || is_group(address) ? -ENETUNREACH : TP_ROUTE_DIAL;
}

int tp_datagram_route_other(const struct tp_config *config, const struct tp_address *address)
{
	if (config->mode != TP_MODE_ACTIVE || !config->dial_socket)
		return tp_route_other(config, address);
	int owner = whose(config, address);
	if (owner < 0)
		return owner == -ENOTSUP ? tp_route_other(config, address) : owner;
	return owner == NOT_OURS ? TP_ROUTE_PASS : -ENETUNREACH;
}

int tp_datagram_route_stream(const struct tp_config *config, const struct tp_address *address)
{
	if (config->mode != TP_MODE_ACTIVE || !config->dial_socket)
		return tp_route_stream(config, address);
	int owner = whose(config, address);
	if (owner == -ENOTSUP)
		return tp_route_stream(config, address);
	return owner == NOT_OURS ? TP_ROUTE_PASS : TP_ROUTE_DIAL;
}
