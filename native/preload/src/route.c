#include "route.h"

#include "board.h"
#include "channel.h"
#include "stand-in.h"

#include <errno.h>

static bool is_untouched(const struct tp_config *config, const struct tp_address *address)
{
	return config->mode == TP_MODE_INERT || tp_address_is_loopback(address) || tp_config_bypasses(config, address);
}

bool tp_route_is_local(const struct tp_config *config, const struct tp_address *address)
{
	return is_untouched(config, address) && !(config->dial_socket && address->port == 53);
}

/** docs/preload-protocol.md, "What is ours to carry", behind what is local. */
static bool is_ours(const struct tp_config *config, const struct tp_address *address)
{
	const struct tp_run *run = tp_channel_run();
	return config->strict || run->only_tailnet || run->asks || tp_address_is_tailnet(address) ||
	       tp_stand_in_is(address) || tp_board_routes(address);
}

int tp_route_stream(const struct tp_config *config, const struct tp_address *address)
{
	if (config->mode == TP_MODE_ACTIVE && tp_board_is_resolver(address))
		return TP_ROUTE_DIAL;
	if (is_untouched(config, address))
		return TP_ROUTE_PASS;
	if (config->mode == TP_MODE_BROKEN)
		return -ENETDOWN;
	return tp_board_is() && !is_ours(config, address) ? TP_ROUTE_PASS : TP_ROUTE_DIAL;
}

int tp_route_other(const struct tp_config *config, const struct tp_address *address)
{
	if (is_untouched(config, address))
		return TP_ROUTE_PASS;
	if (config->mode == TP_MODE_BROKEN)
		return -ENETDOWN;
	if (config->strict || tp_address_is_tailnet(address) || tp_stand_in_is(address))
		return -ENETUNREACH;
	return TP_ROUTE_PASS;
}
