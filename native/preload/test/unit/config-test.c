#include "config.h"
#include "ip-text.h"
#include "route.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static struct tp_config config;

static const struct tp_config *with(const char *a, const char *b, const char *c, const char *d)
{
	const char *environment[] = { "PATH=/bin", "TAILPROXY_", a, b, c, d, NULL };
	tp_config_read(&config, (char *const *)environment);
	return &config;
}

#define HOST "TAILPROXY_HOST=127.0.0.1"
#define PORT "TAILPROXY_PORT=1080"
#define NONE "UNRELATED=1"

static struct tp_address address(const char *text)
{
	struct tp_address out = { 0 };
	if (tp_ip_parse(&out, text, strlen(text)) < 0)
		abort();
	return out;
}

static void modes(void)
{
	static const struct {
		const char *host, *port;
		int mode;
	} table[] = {
		{ NONE, NONE, TP_MODE_INERT }, { "TAILPROXY_HOST=", "TAILPROXY_PORT=", TP_MODE_INERT },
		{ HOST, PORT, TP_MODE_ACTIVE }, { "TAILPROXY_HOST=localhost", PORT, TP_MODE_ACTIVE },
		{ "TAILPROXY_HOST=::1", PORT, TP_MODE_ACTIVE }, { HOST, NONE, TP_MODE_BROKEN }, { NONE, PORT, TP_MODE_BROKEN },
		{ "TAILPROXY_HOST=proxy.example", PORT, TP_MODE_BROKEN }, { HOST, "TAILPROXY_PORT=0", TP_MODE_BROKEN },
		{ HOST, "TAILPROXY_PORT=65536", TP_MODE_BROKEN }, { HOST, "TAILPROXY_PORT=80x", TP_MODE_BROKEN },
		{ HOST, "TAILPROXY_PORT=-1", TP_MODE_BROKEN }, { HOST, "TAILPROXY_PORT= 1", TP_MODE_BROKEN },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char name[100];
		snprintf(name, sizeof name, "%s %s", table[i].host, table[i].port);
		with(table[i].host, table[i].port, NONE, NONE);
		ok(config.mode == (enum tp_mode)table[i].mode && !config.complaint == (table[i].mode != TP_MODE_BROKEN), name);
	}
}

static void credentials(void)
{
	char longest[400] = "TAILPROXY_PRELOAD_USER=", too_long[400] = "TAILPROXY_PRELOAD_USER=";
	memset(longest + strlen(longest), 'u', 255);
	memset(too_long + strlen(too_long), 'u', 256);
	with(HOST, PORT, "TAILPROXY_PRELOAD_USER=me", "TAILPROXY_PRELOAD_PASSWORD=it");
	ok(config.user_length == 2 && config.password_length == 2 && memcmp(config.user, "me", 2) == 0, "a credential is read");
	is(with(HOST, PORT, longest, NONE)->user_length, 255, "a user of 255 bytes is the longest");
	is(with(HOST, PORT, too_long, NONE)->mode, TP_MODE_BROKEN, "one of 256 fails closed");
	is(with(HOST, PORT, NONE, "TAILPROXY_PRELOAD_PASSWORD=it")->mode, TP_MODE_BROKEN,
	   "a password without a user fails closed");
}

static void bypasses(void)
{
	with(HOST, PORT, "TAILPROXY_BYPASS=192.0.2.0/24, 2001:db8::/33 ,198.51.100.7,::ffff:203.0.113.0/120,", NONE);
	static const struct {
		const char *text;
		int inside;
	} table[] = {
		{ "192.0.2.0", 1 }, { "192.0.2.255", 1 }, { "192.0.3.0", 0 }, { "::ffff:192.0.2.9", 1 },
		{ "2001:db8:7fff::", 1 }, { "2001:db8:8000::", 0 }, { "198.51.100.7", 1 }, { "198.51.100.8", 0 },
		{ "203.0.113.200", 1 }, { "203.0.114.0", 0 },
	};
	is(config.bypass_count, 4, "blocks and single addresses are read");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct tp_address where = address(table[i].text);
		is(tp_config_bypasses(&config, &where), table[i].inside, table[i].text);
	}
	with(HOST, PORT, "TAILPROXY_BYPASS=192.0.2.0/33,nonsense,10.0.0.0/8", NONE);
	is(config.bypass_count, 1, "a malformed block is left out");
	ok(config.complaint && config.mode == TP_MODE_ACTIVE, "and complained of, the rest stays in force");
	with(HOST, PORT, "TAILPROXY_BYPASS=0.0.0.0/0", NONE);
	struct tp_address six = address("2001:db8::1"), four = address("8.8.8.8");
	ok(tp_config_bypasses(&config, &four) && !tp_config_bypasses(&config, &six), "0.0.0.0/0 is all of IPv4 only");
}

static void routes(void)
{
	static const struct {
		const char *text;
		int stream, other, strict;
	} table[] = {
		{ "127.0.0.1", TP_ROUTE_PASS, TP_ROUTE_PASS, TP_ROUTE_PASS },
		{ "::1", TP_ROUTE_PASS, TP_ROUTE_PASS, TP_ROUTE_PASS },
		{ "192.0.2.1", TP_ROUTE_PASS, TP_ROUTE_PASS, TP_ROUTE_PASS },
		{ "100.64.0.1", TP_ROUTE_DIAL, -ENETUNREACH, -ENETUNREACH },
		{ "fd7a:115c:a1e0::1", TP_ROUTE_DIAL, -ENETUNREACH, -ENETUNREACH },
		{ "198.18.0.1", TP_ROUTE_DIAL, -ENETUNREACH, -ENETUNREACH },
		{ "8.8.8.8", TP_ROUTE_DIAL, TP_ROUTE_PASS, -ENETUNREACH },
		{ "2001:db8::1", TP_ROUTE_DIAL, TP_ROUTE_PASS, -ENETUNREACH },
		{ "224.0.0.251", TP_ROUTE_DIAL, TP_ROUTE_PASS, -ENETUNREACH },
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct tp_address where = address(table[i].text);
		char name[100];
		with(HOST, PORT, "TAILPROXY_BYPASS=192.0.2.0/24", NONE);
		int good = tp_route_stream(&config, &where) == table[i].stream &&
			   tp_route_other(&config, &where) == table[i].other;
		with(HOST, PORT, "TAILPROXY_BYPASS=192.0.2.0/24", "TAILPROXY_EXIT=1");
		good = good && tp_route_other(&config, &where) == table[i].strict;
		with(HOST, NONE, "TAILPROXY_BYPASS=192.0.2.0/24", NONE);
		int broken = table[i].stream == TP_ROUTE_PASS ? TP_ROUTE_PASS : -ENETDOWN;
		good = good && tp_route_stream(&config, &where) == broken && tp_route_other(&config, &where) == broken;
		snprintf(name, sizeof name, "the routes of %s", table[i].text);
		ok(good, name);
	}
}

#define TOKEN "TAILPROXY_TOKEN=0123456789abcdef0123456789abcdef"

static const struct tp_config *dial(const char *path, const char *token, const char *bootstrap)
{
	const char *environment[] = { HOST, PORT, path, token, bootstrap, NULL };
	tp_config_read(&config, (char *const *)environment);
	return &config;
}

static void dial_sockets(void)
{
	char longest[200] = "TAILPROXY_SOCK=/", token[200] = "TAILPROXY_TOKEN=";
	ok(!with(HOST, PORT, NONE, NONE)->dial_socket && config.bootstrap == -1, "without TAILPROXY_SOCK there is none");
	dial("TAILPROXY_SOCK=/run/dial", TOKEN, "TAILPROXY_FD=1000");
	ok(config.mode == TP_MODE_ACTIVE && config.dial_socket && strcmp(config.socket_path, "/run/dial") == 0 &&
		   config.token_length == 32 && config.bootstrap == 1000,
	   "path, token and bootstrap are read");
	ok(dial("TAILPROXY_SOCK=/run/dial", TOKEN, "TAILPROXY_FD=x")->dial_socket && config.bootstrap < 0,
	   "a bootstrap that is no number is none");
	is(dial("TAILPROXY_SOCK=/run/dial", NONE, NONE)->mode, TP_MODE_BROKEN, "a path without a token is refused");
	is(dial(NONE, TOKEN, NONE)->mode, TP_MODE_BROKEN, "and a token without a path");
	is(dial("TAILPROXY_SOCK=/run/dial", "TAILPROXY_TOKEN=short", NONE)->mode, TP_MODE_BROKEN, "and a short token");
	is(with("TAILPROXY_SOCK=/run/dial", TOKEN, NONE, NONE)->mode, TP_MODE_BROKEN, "and both without a SOCKS5 server");
	memset(token + strlen(token), 'x', 129);
	is(dial("TAILPROXY_SOCK=/run/dial", token, NONE)->mode, TP_MODE_BROKEN, "129 characters are no token");
	token[strlen(token) - 1] = '\0';
	is(dial("TAILPROXY_SOCK=/run/dial", token, NONE)->token_length, 128, "128 are the longest");
	memset(longest + strlen(longest), 'x', 107);
	is(dial(longest, TOKEN, NONE)->mode, TP_MODE_BROKEN, "a path of 108 bytes is refused");
	longest[strlen(longest) - 1] = '\0';
	is(dial(longest, TOKEN, NONE)->mode, TP_MODE_ACTIVE, "one of 107 is the longest");
}

static void exports(void)
{
#define ON "TAILPROXY_EXPORT_LISTENERS=1"
#define SOCKET "TAILPROXY_CONTROL_SOCK=/run/control.sock"
	const struct tp_config *read = with(HOST, PORT, ON, SOCKET);
	ok(read->mode == TP_MODE_ACTIVE && read->export_listeners && strcmp(read->control_path, "/run/control.sock") == 0,
	   "listeners are exported over the control socket");
	ok(!read->export_loopback && !read->export_strict && read->show_clients, "with the peers shown, and nothing else");
	ok(!with(HOST, PORT, SOCKET, NONE)->export_listeners, "the path alone exports nothing");
	ok(!with(HOST, PORT, "TAILPROXY_EXPORT_LISTENERS=0", SOCKET)->export_listeners, "0 switches off");
	read = with(HOST, PORT, ON, NONE);
	ok(read->mode == TP_MODE_BROKEN && read->export_listeners && read->complaint, "without the path nothing leaves the host");
	read = with(ON, SOCKET, NONE, NONE);
	ok(read->mode == TP_MODE_BROKEN && read->export_listeners && read->complaint, "nor without a proxy");
	char path[200] = "TAILPROXY_CONTROL_SOCK=/";
	memset(path + strlen(path), 'x', 107);
	ok(with(HOST, PORT, ON, path)->mode == TP_MODE_BROKEN, "nor with a path that no socket can have");
	const char *all[] = { HOST, PORT, ON, SOCKET, "TAILPROXY_EXPORT_LOOPBACK=1", "TAILPROXY_EXPORT_STRICT=1",
			      "TAILPROXY_EXPORT_PEERS=0", NULL };
	tp_config_read(&config, (char *const *)all);
	ok(config.export_loopback && config.export_strict && !config.show_clients, "each of the three can be set");
}

int main(void)
{
	exports();
	modes();
	dial_sockets();
	credentials();
	bypasses();
	routes();
	is(with(HOST, PORT, "TAILPROXY_VERBOSE=0", NONE)->verbose, 0, "TAILPROXY_VERBOSE=0 is off");
	is(with(HOST, PORT, "TAILPROXY_VERBOSE=1", NONE)->verbose, 1, "TAILPROXY_VERBOSE=1 is on");
	is(with(HOST, PORT, "TAILPROXY_ONLY_TAILNET=1", NONE)->strict, 1, "TAILPROXY_ONLY_TAILNET=1 is strict");
	is(with(HOST, PORT, "TAILPROXY_ONLY_TAILNET=0", NONE)->strict, 0, "TAILPROXY_ONLY_TAILNET=0 is not");
	tp_config_read(&config, NULL);
	is(config.mode, TP_MODE_INERT, "no environment at all is inert");
	return tap_end();
}
