#include "config.h"

#include "ip-text.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/** The value of TAILPROXY_`name`, or NULL when it is not set or empty. */
static const char *value_of(char *const *environment, const char *name)
{
	static const char prefix[] = "TAILPROXY_";
	size_t length = strlen(name);
	for (; environment && *environment; environment++) {
		const char *entry = *environment;
		if (strncmp(entry, prefix, sizeof prefix - 1) != 0)
			continue;
		entry += sizeof prefix - 1;
		if (strncmp(entry, name, length) == 0 && entry[length] == '=')
			return entry[length + 1] ? entry + length + 1 : NULL;
	}
	return NULL;
}

static bool is_on(const char *value)
{
	return value && !(value[0] == '0' && value[1] == '\0');
}

static int read_proxy(struct tp_config *config, const char *host, const char *port)
{
	if (!host && !port) {
		config->complaint = config->export_listeners
			? "TAILPROXY_EXPORT_LISTENERS is set without TAILPROXY_HOST and TAILPROXY_PORT; set all of them"
			: "TAILPROXY_SOCK is set without TAILPROXY_HOST and TAILPROXY_PORT; set all of them";
		return -EINVAL;
	}
	if (!host) {
		config->complaint = "TAILPROXY_PORT is set without TAILPROXY_HOST; set both or neither";
		return -EINVAL;
	}
	if (!port) {
		config->complaint = "TAILPROXY_HOST is set without TAILPROXY_PORT; set both or neither";
		return -EINVAL;
	}
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (tp_ip_parse(&config->proxy, host, strlen(host)) < 0) {
		config->complaint = "TAILPROXY_HOST is not an IP address; set the address of the SOCKS5 server";
		return -EINVAL;
	}
	config->proxy.mapped = 0;
	long number = tp_decimal_parse(port, strlen(port), 65535);
	if (number < 1) {
		config->complaint = "TAILPROXY_PORT is not a port; set a number from 1 to 65535";
		return -EINVAL;
	}
	config->proxy.port = (uint16_t)number;
	return 0;
}

static int read_credential(struct tp_config *config, const char *user, const char *password)
{
	size_t user_length = user ? strlen(user) : 0;
	size_t password_length = password ? strlen(password) : 0;
	if (password && !user) {
		config->complaint = "TAILPROXY_PRELOAD_PASSWORD is set without TAILPROXY_PRELOAD_USER; set both or neither";
		return -EINVAL;
	}
	if (user_length > TP_CREDENTIAL_MAX || password_length > TP_CREDENTIAL_MAX) {
		config->complaint = "TAILPROXY_PRELOAD_USER or _PASSWORD is longer than 255 bytes (RFC 1929)";
		return -EINVAL;
	}
	memcpy(config->user, user ? user : "", user_length);
	memcpy(config->password, password ? password : "", password_length);
	config->user_length = (uint8_t)user_length;
	config->password_length = (uint8_t)password_length;
	return 0;
}

/* A dial socket that is named and cannot be used must not be silently replaced by another way. */
static int read_dial_socket(struct tp_config *config, const char *path, const char *token, const char *bootstrap)
{
	size_t path_length = path ? strlen(path) : 0, token_length = token ? strlen(token) : 0;
	if (!path && !token)
		return 0;
	if (!path || !token) {
		config->complaint = "TAILPROXY_SOCK and TAILPROXY_TOKEN belong together; set both or neither";
		return -EINVAL;
	}
	if (path_length >= TP_SOCKET_PATH_MAX) {
		config->complaint = "TAILPROXY_SOCK is longer than 107 bytes, the longest path of a Unix socket";
		return -EINVAL;
	}
	if (token_length < TP_TOKEN_MIN || token_length > TP_TOKEN_MAX) {
		config->complaint = "TAILPROXY_TOKEN is not 32 to 128 characters long; set the token of the run";
		return -EINVAL;
	}
	memcpy(config->socket_path, path, path_length + 1);
	memcpy(config->token, token, token_length);
	config->token_length = (uint8_t)token_length;
	/* A number that is none costs no more than a connection to the path. */
	config->bootstrap = bootstrap ? (int)tp_decimal_parse(bootstrap, strlen(bootstrap), INT_MAX) : -1;
	config->dial_socket = true;
	return 0;
}

/* Whatever is wrong, listeners are kept to loopback. */
static int read_exports(struct tp_config *config, char *const *environment)
{
	const char *path = value_of(environment, "CONTROL_SOCK"), *peers = value_of(environment, "EXPORT_PEERS");
	size_t length = path ? strlen(path) : 0;
	if (!config->export_listeners)
		return 0;
	if (!path) {
		config->complaint = "TAILPROXY_EXPORT_LISTENERS is set without TAILPROXY_CONTROL_SOCK; set both or neither";
		return -EINVAL;
	}
	if (length >= TP_SOCKET_PATH_MAX) {
		config->complaint = "TAILPROXY_CONTROL_SOCK is longer than 107 bytes, the longest path of a Unix socket";
		return -EINVAL;
	}
	memcpy(config->control_path, path, length + 1);
	config->export_loopback = is_on(value_of(environment, "EXPORT_LOOPBACK"));
	config->export_strict = is_on(value_of(environment, "EXPORT_STRICT"));
	config->show_clients = !peers || is_on(peers);
	return 0;
}

/* A block that cannot be read is left out: its addresses then go to the proxy, which is the closed side. */
static void read_bypass(struct tp_config *config, const char *list)
{
	while (list && *list) {
		size_t length = 0;
		while (list[length] != '\0' && list[length] != ',')
			length++;
		const char *start = list;
		size_t trimmed = length;
		list += length + (list[length] == ',');
		while (trimmed > 0 && *start == ' ') {
			start++;
			trimmed--;
		}
		while (trimmed > 0 && start[trimmed - 1] == ' ')
			trimmed--;
		if (trimmed == 0)
			continue;
		if (config->bypass_count == TP_BYPASS_MAX) {
			config->complaint = "TAILPROXY_BYPASS has more than 128 blocks; those after the 128th go to the proxy";
			return;
		}
		if (tp_cidr_parse(&config->bypass[config->bypass_count], start, trimmed) == 0)
			config->bypass_count++;
		else
			config->complaint = "TAILPROXY_BYPASS has an entry that is no CIDR block; its addresses go to the proxy";
	}
}

void tp_config_read(struct tp_config *config, char *const *environment)
{
	const char *host = value_of(environment, "HOST");
	const char *port = value_of(environment, "PORT");
	const char *path = value_of(environment, "SOCK");
	memset(config, 0, sizeof *config);
	config->bootstrap = -1;
	config->verbose = is_on(value_of(environment, "VERBOSE"));
	config->export_listeners = is_on(value_of(environment, "EXPORT_LISTENERS"));
	if (!host && !port && !path && !config->export_listeners)
		return;
	config->strict = is_on(value_of(environment, "EXIT")) || is_on(value_of(environment, "ONLY_TAILNET"));
	read_bypass(config, value_of(environment, "BYPASS"));
	config->mode = TP_MODE_BROKEN;
	if (read_proxy(config, host, port) < 0)
		return;
	if (read_credential(config, value_of(environment, "PRELOAD_USER"), value_of(environment, "PRELOAD_PASSWORD")) < 0)
		return;
	if (read_dial_socket(config, path, value_of(environment, "TOKEN"), value_of(environment, "FD")) < 0)
		return;
	if (read_exports(config, environment) < 0)
		return;
	config->mode = TP_MODE_ACTIVE;
}

bool tp_config_bypasses(const struct tp_config *config, const struct tp_address *address)
{
	for (size_t i = 0; i < config->bypass_count; i++)
		if (tp_cidr_contains(&config->bypass[i], address))
			return true;
	return false;
}
