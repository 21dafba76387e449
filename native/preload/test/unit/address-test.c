#include "address.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static struct tp_address read4(const char *text, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct tp_address address;
	inet_pton(AF_INET, text, &in.sin_addr);
	tp_address_read(&address, &in, sizeof in);
	return address;
}

static struct tp_address read6(const char *text, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = 7 };
	struct tp_address address;
	inet_pton(AF_INET6, text, &in6.sin6_addr);
	tp_address_read(&address, &in6, sizeof in6);
	return address;
}

static void reading(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_storage back;
	struct tp_address address, other;
	sa_family_t local = AF_UNIX;
	is(tp_address_read(&address, &in, sizeof in - 1), -EINVAL, "an IPv4 address that is too short is EINVAL");
	is(tp_address_read(&address, &in6, 23), -EINVAL, "an IPv6 address below 24 bytes is EINVAL");
	is(tp_address_read(&address, &in6, 24), 0, "an IPv6 address of RFC 2133 is read");
	is(tp_address_read(&address, &in, 1), -EINVAL, "less than a family is EINVAL");
	is(tp_address_read(&address, &local, sizeof local), -EAFNOSUPPORT, "another family is EAFNOSUPPORT");
	address = read4("100.64.0.5", 80);
	other = read6("::ffff:100.64.0.5", 80);
	ok(tp_address_same(&address, &other), "a v4-mapped address is the IPv4 address");
	is(other.mapped, 1, "and is remembered as mapped");
	is(tp_address_write(&other, AF_INET6, &back), sizeof(struct sockaddr_in6), "it is written for an IPv6 socket");
	ok(memcmp(&((struct sockaddr_in6 *)&back)->sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x64\x40\0\5", 16) == 0,
	   "as v4-mapped");
	address = read6("fd7a:115c:a1e0::5", 443);
	is(address.scope, 7, "the scope is kept");
	is(tp_address_write(&address, AF_INET, &back), 0, "an IPv4 socket cannot hold an IPv6 address");
	other = read6("fd7a:115c:a1e0::5", 444);
	ok(!tp_address_same(&address, &other), "another port is another address");
}

int main(void)
{
	static const struct {
		const char *text;
		int loopback, tailnet;
	} four[] = {
		{ "127.0.0.1", 1, 0 },	  { "127.255.255.255", 1, 0 }, { "126.255.255.255", 0, 0 }, { "128.0.0.0", 0, 0 },
		{ "0.0.0.0", 1, 0 },	  { "0.0.0.1", 0, 0 },	       { "100.63.255.255", 0, 0 },  { "100.64.0.0", 0, 1 },
		{ "100.127.255.255", 0, 1 }, { "100.128.0.0", 0, 0 },
	}, six[] = {
		{ "::1", 1, 0 }, { "::", 1, 0 }, { "::2", 0, 0 }, { "1::1", 0, 0 }, { "::ffff:127.0.0.1", 1, 0 },
		{ "::ffff:127.9.9.9", 1, 0 }, { "::ffff:0.0.0.0", 1, 0 }, { "::ffff:100.64.0.1", 0, 1 },
		{ "fd7a:115c:a1e0::", 0, 1 }, { "fd7a:115c:a1e0:ffff::1", 0, 1 }, { "fd7a:115c:a1e1::", 0, 0 },
		{ "::127.0.0.1", 0, 0 },
	};
	reading();
	for (size_t i = 0; i < sizeof four / sizeof four[0]; i++) {
		struct tp_address address = read4(four[i].text, 1);
		is(tp_address_is_loopback(&address) * 2 + tp_address_is_tailnet(&address),
		   four[i].loopback * 2 + four[i].tailnet, four[i].text);
	}
	for (size_t i = 0; i < sizeof six / sizeof six[0]; i++) {
		struct tp_address address = read6(six[i].text, 1);
		is(tp_address_is_loopback(&address) * 2 + tp_address_is_tailnet(&address),
		   six[i].loopback * 2 + six[i].tailnet, six[i].text);
	}
	return tap_end();
}
