#include "ip-text.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/** The C library's reading of the same text, for comparison. */
static int libc_family(const char *text, uint8_t bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

static void as_libc(const char *text)
{
	struct tp_address address = { 0 };
	uint8_t wanted[16] = { 0 };
	int family = libc_family(text, wanted);
	int result = tp_ip_parse(&address, text, strlen(text));
	if (family == 0) {
		is(result, -EINVAL, text);
	} else if (address.mapped) {
		ok(result == 0 && memcmp(address.bytes, wanted + 12, 4) == 0, text);
	} else {
		ok(result == 0 && address.family == family &&
			   memcmp(address.bytes, wanted, family == AF_INET ? 4 : 16) == 0,
		   text);
	}
}

static void round_trips(void)
{
	int bad = 0;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		struct tp_address address = { .family = i % 4 == 0 ? AF_INET : AF_INET6 }, back = { 0 };
		char text[TP_IP_TEXT_MAX], wanted[INET6_ADDRSTRLEN];
		size_t size = address.family == AF_INET ? 4 : 16;
		for (size_t b = 0; b < size; b++)
			address.bytes[b] = random() % 3 ? 0 : (uint8_t)random();
		if (size == 16 && memcmp(address.bytes, "\0\0\0\0\0\0\0\0\0\0", 10) == 0)
			continue; /* the C library writes these with a dotted quad */
		tp_ip_format(&address, false, text);
		inet_ntop(address.family, address.bytes, wanted, sizeof wanted);
		bad += strcmp(text, wanted) != 0 || tp_ip_parse(&back, text, strlen(text)) < 0 ||
		       memcmp(back.bytes, address.bytes, size) != 0;
	}
	is(bad, 0, "20,000 random addresses are written as inet_ntop() does and read back");
}

int main(void)
{
	static const char *const texts[] = {
		"1.2.3.4", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1..2.3", "", ".", "1.2.3.", "01.2.3.4",
		"1.2.3.4 ", "1.2.3.0004", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::2::3", ":1", "1:", ":::", "12345::", "g::", "::ffff:1.2.3.4",
		"::1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4::", "fd7a:115c:a1e0::53",
		"FD7A::Ab", "1::1.2.3.4", ":", "::ffff:1.2.3.4.5", "0:0:0:0:0:0:0:0", "1:2:3:4::5:6:7:8",
	};
	static const struct {
		const char *name;
		int numeric;
	} names[] = {
		{ "1.2.3.4", 1 }, { "127.1", 1 }, { "0x7f.1", 1 }, { "017700000001", 1 }, { "2130706433", 1 }, { "::1", 1 },
		{ "fe80::1%eth0", 1 }, { "hello", 0 }, { "1.2.3.4.5", 0 }, { "1.2.", 0 }, { "0x", 0 }, { "09", 0 },
		{ "3com.example", 0 }, { "", 0 }, { "fe80", 0 }, { "a:b", 0 },
	};
	struct tp_address mapped = { .family = AF_INET, .bytes = { 1, 2, 3, 4 } };
	char text[TP_IP_TEXT_MAX];
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		as_libc(texts[i]);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		is(tp_ip_is_numeric(names[i].name), names[i].numeric, names[i].name);
	tp_ip_format(&mapped, true, text);
	ok(strcmp(text, "::ffff:1.2.3.4") == 0, "IPv4 can be written v4-mapped");
	round_trips();
	is(tp_decimal_parse("65535", 5, 65535), 65535, "a number at its ceiling is read");
	is(tp_decimal_parse("65536", 5, 65535), -EINVAL, "one above it is not");
	is(tp_decimal_parse("99999999999999999999", 20, 65535), -EINVAL, "nor one that would overflow");
	is(tp_decimal_parse("", 0, 9), -EINVAL, "nothing is no number");
	return tap_end();
}
