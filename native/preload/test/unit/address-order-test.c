#include "address-order.h"
#include "ip-text.h"
#include "tap.h"

static struct tp_addresses all;
static int questions;

/* 203.0.113.0/24 and 2001:db8:1::/48 have no route; tailnet addresses and 10.0.0.0/8 are carried. */
static enum tp_reach reach(const struct tp_address *address)
{
	questions++;
	if (address->family == AF_INET)
		return address->bytes[0] == 203	 ? TP_REACH_NONE
		       : address->bytes[0] == 100 || address->bytes[0] == 10 ? TP_REACH_CARRIED
								      : TP_REACH_HOST;
	return address->bytes[0] == 0xfd ? TP_REACH_CARRIED : address->bytes[5] == 1 ? TP_REACH_NONE : TP_REACH_HOST;
}

static void orders(const char *given, const char *wanted, const char *name)
{
	char text[200] = "", one[TP_IP_TEXT_MAX];
	all.count = 0;
	for (const char *at = given; *at;) {
		size_t length = strcspn(at, " ");
		struct tp_address address = { 0 };
		tp_ip_parse(&address, at, length);
		tp_addresses_add(&all, &address);
		at += length + (at[length] == ' ');
	}
	tp_address_order(&all, reach);
	for (size_t i = 0; i < all.count; i++) {
		tp_ip_format(&all.list[i], false, one);
		strcat(strcat(text, i ? " " : ""), one);
	}
	ok(strcmp(text, wanted) == 0, name);
	if (strcmp(text, wanted) != 0)
		printf("#   got %s\n", text);
}

int main(void)
{
	orders("fd7a:115c:a1e0::5 100.64.0.5", "100.64.0.5 fd7a:115c:a1e0::5", "the tailnet's IPv4 comes before its IPv6");
	orders("198.51.100.1 2001:db8::1 198.51.100.2", "2001:db8::1 198.51.100.1 198.51.100.2",
	       "global IPv6 comes first where the host has a route");
	orders("2001:db8:1::1 198.51.100.1", "198.51.100.1 2001:db8:1::1", "and last where it has none");
	orders("203.0.113.1 2001:db8::1", "2001:db8::1 203.0.113.1", "so does IPv4");
	orders("203.0.113.1 2001:db8:1::1", "2001:db8:1::1 203.0.113.1", "without any route the order is as with one");
	orders("127.0.0.1 ::1", "::1 127.0.0.1", "::1 comes before 127.0.0.1");
	orders("2001:db8::2 2001:db8::1 10.0.0.2 10.0.0.1", "2001:db8::2 2001:db8::1 10.0.0.2 10.0.0.1",
	       "within a family the order stays");
	questions = 0;
	orders("10.0.0.2 203.0.113.1", "10.0.0.2 203.0.113.1", "addresses of one family stay as they are");
	is(questions, 0, "and nobody is asked about them");
	return tap_end();
}
