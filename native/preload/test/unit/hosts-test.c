#include "hosts.h"
#include "tap.h"

#include <stdlib.h>

static const char file[] = "# comment 192.0.2.99 commented\n"
			   "127.0.0.1\tlocalhost\n"
			   "  192.0.2.1   first.example  First second # third\n"
			   "2001:db8::1 first.example\r\n"
			   "not-an-address first.example\n"
			   "192.0.2.300 first.example\n"
			   "192.0.2.2\n"
			   "::ffff:192.0.2.3 mapped\n"
			   "192.0.2.4 a.very.long.name.0123456789012345678901234567890123456789012345678901234567890123456789"
			   "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
			   "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 short\n"
			   "192.0.2.5 nul\0hidden\n"
			   "192.0.2.1 other.example first.example\n"
			   "192.0.2.6 last";

static size_t chunk = sizeof file - 1;

static bool feed(struct tp_hosts_search *search)
{
	for (size_t at = 0; at < sizeof file - 1; at += chunk)
		tp_hosts_feed(search, file + at, at + chunk < sizeof file ? chunk : sizeof file - 1 - at);
	return tp_hosts_end(search);
}

static struct tp_addresses found;

static bool by_name(const char *name, int family)
{
	struct tp_hosts_search search = { .name = name, .family = family, .found = &found };
	memset(&found, 0, sizeof found);
	return feed(&search);
}

static bool address_is(size_t index, uint8_t last)
{
	const struct tp_address *address = &found.list[index];
	return index < found.count && address->bytes[address->family == AF_INET ? 3 : 15] == last;
}

static void names(void)
{
	ok(by_name("FIRST.example", AF_UNSPEC) && found.count == 3, "all lines of a name, in any case");
	ok(address_is(0, 1) && address_is(1, 1) && found.list[1].family == AF_INET6, "of both families, in order");
	ok(strcmp(found.canonical, "first.example") == 0, "under the first name of the first line");
	ok(by_name("first.example", AF_INET) && found.count == 2, "of IPv4 alone");
	ok(by_name("first.example", AF_INET6) && found.count == 1, "of IPv6 alone");
	ok(!by_name("second", AF_INET6), "an alias has no address of the other family");
	ok(by_name("second", AF_INET) && strcmp(found.canonical, "first.example") == 0, "an alias has a canonical name");
	ok(by_name("mapped", AF_INET) && address_is(0, 3), "a v4-mapped address is IPv4");
	ok(!by_name("third", AF_UNSPEC) && !by_name("commented", AF_UNSPEC), "comments are none");
	ok(!by_name("192.0.2.2", AF_UNSPEC), "an address is no name");
	ok(!by_name("short", AF_UNSPEC), "a line without a usable first name is left out");
	ok(by_name("nul", AF_UNSPEC) && !by_name("hidden", AF_UNSPEC), "a NUL ends a line's text");
	ok(by_name("last", AF_UNSPEC) && address_is(0, 6), "the last line needs no end");
	ok(!by_name("first.example.", AF_UNSPEC) && !by_name("first", AF_INET6), "other names are not there");
}

static void addresses(void)
{
	struct tp_address asked = { .family = AF_INET, .bytes = { 192, 0, 2, 1 }, .port = 80 };
	struct tp_hosts_search search = { .address = &asked, .found = &found };
	memset(&found, 0, sizeof found);
	ok(feed(&search) && strcmp(found.canonical, "first.example") == 0, "an address has the first name of its first line");
	ok(found.aliases.count == 2 && memcmp(found.aliases.text, "First\0second", 13) == 0,
	   "and that line's others as aliases");
	asked.bytes[3] = 7;
	search = (struct tp_hosts_search){ .address = &asked, .found = &found };
	ok(!feed(&search), "or none");
}

static void many(void)
{
	static const char line[] = "192.0.2.1 many\n";
	struct tp_hosts_search search = { .name = "many", .found = &found };
	memset(&found, 0, sizeof found);
	for (int i = 0; i < 200; i++)
		tp_hosts_feed(&search, line, sizeof line - 1);
	ok(tp_hosts_end(&search) && found.count == TP_LOOKUP_MAX, "more addresses than there is room for are left out");
}

static void noise(void)
{
	static const char letters[] = " \t\n\r#.:%0123456789abcdefx\0\377";
	uint64_t state = 0x2545f4914f6cdd1d;
	char text[600];
	bool taken = false;
	for (int round = 0; round < 20000; round++) {
		struct tp_hosts_search search = { .name = "a", .found = &found };
		memset(&found, 0, sizeof found);
		for (size_t i = 0; i < sizeof text; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			text[i] = letters[(state >> 33) % (sizeof letters - 1)];
		}
		/* Half of it without blanks: longer than any name. */
		for (size_t i = 0; round % 2 && i < sizeof text; i++)
			text[i] = text[i] == ' ' || text[i] == '\n' ? 'a' : text[i];
		tp_hosts_feed(&search, text, sizeof text);
		taken |= tp_hosts_end(&search) && found.canonical[0] == '\0';
	}
	ok(!taken, "noise is read or left out");
}

int main(void)
{
	names();
	addresses();
	chunk = 1;
	names();
	addresses();
	many();
	noise();
	return tap_end();
}
