#include "route.h"

#include "stand-in.h"

#include <errno.h>

static bool is_untouched(const struct tp_config *config, const struct tp_address *address)
{
	return config->mode == TP_MODE_INERT || tp_address_is_loopback(address) || tp_config_bypasses(config, address);
}

int tp_route_stream(const struct tp_config *config, const struct tp_address *address)
{
	if (is_untouched(config, address))
		return TP_ROUTE_PASS;
	return config->mode == TP_MODE_BROKEN ? -ENETDOWN : TP_ROUTE_DIAL;
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
