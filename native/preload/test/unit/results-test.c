#include "address-list.h"
#include "host-entry.h"
#include "tap.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

static int freed_others;

static void count_others(struct addrinfo *list)
{
	for (; list; list = list->ai_next)
		freed_others++;
}

static void lists(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct addrinfo second = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_addrlen = sizeof in,
				   .ai_addr = (struct sockaddr *)&in };
	struct addrinfo first = second, *list = NULL;
	first.ai_socktype = SOCK_STREAM;
	first.ai_next = &second;
	is(tp_address_list_append(&list, &first), 0, "a list is copied");
	is(tp_address_list_append(&list, &second), 0, "and another behind it");
	ok(list->ai_next->ai_next && !list->ai_next->ai_next->ai_next, "which makes three nodes");
	is(list->ai_next->ai_next->ai_socktype, SOCK_DGRAM, "in order");
	ok(memcmp(list->ai_addr, &in, sizeof in) == 0 && list->ai_addr != first.ai_addr, "with addresses of their own");
	ok(tp_address_list_is_ours(list) && !tp_address_list_is_ours(&first), "ours are told from others");
	list->ai_canonname = tp_address_list_name("hello");
	/* ours, theirs, theirs, ours, ours: as a program that joins lists would leave them */
	second.ai_next = list->ai_next;
	list->ai_next = &first;
	tp_address_list_free(list, count_others);
	is(freed_others, 2, "a mixed list is freed by those who made each part");
	tp_address_list_free(NULL, count_others);
	is(freed_others, 2, "no list is no work");
}

/* The most that a lookup can come to has room. */
static void full(void)
{
	struct tp_addresses all = { 0 };
	struct tp_address six = { .family = AF_INET6 };
	struct hostent entry;
	char buffer[TP_HOST_ENTRY_MAX + 1], name[TP_NAME_MAX + 1];
	memset(name, 'x', sizeof name);
	name[TP_NAME_MAX] = '\0';
	memcpy(all.canonical, name, sizeof name);
	for (int i = 0; i < TP_LOOKUP_MAX + 1; i++)
		tp_addresses_add(&all, &six);
	for (int i = 0; i < TP_ALIASES_MAX + 1; i++) {
		name[i == 0 ? 250 : 16] = '\0';
		tp_aliases_add(&all.aliases, name);
	}
	is(tp_host_entry_write(&entry, buffer + 1, TP_HOST_ENTRY_MAX, name, AF_INET6, &all), 0, "the fullest answer has room");
}

static void host_entries(void)
{
	struct tp_addresses addresses = { .count = 2, .list = { { .family = AF_INET, .bytes = { 100, 64, 0, 1 } },
								 { .family = AF_INET6, .bytes = { 0xfd, [15] = 1 } } } };
	struct hostent entry;
	char buffer[TP_HOST_ENTRY_MAX + 8];
	int smallest = -1, bad = 0;
	for (size_t skew = 0; skew < 8; skew++) {
		is(tp_host_entry_write(&entry, buffer + skew, TP_HOST_ENTRY_MAX, "hello", AF_INET6, &addresses), 0, "written");
		ok(strcmp(entry.h_name, "hello") == 0 && !entry.h_aliases[0] && entry.h_length == 16 &&
			   entry.h_addr_list[0] && !entry.h_addr_list[1] && (unsigned char)entry.h_addr_list[0][15] == 1 &&
			   (uintptr_t)entry.h_addr_list % sizeof(char *) == 0,
		   "whole, of one family, and aligned");
	}
	for (size_t size = 0; size < 200; size++) {
		char *exact = malloc(size + 1);
		int result = tp_host_entry_write(&entry, exact, size, "hello", AF_INET, &addresses);
		if (result == 0 && smallest < 0)
			smallest = (int)size;
		bad += result != 0 && result != -ERANGE;
		free(exact);
	}
	ok(bad == 0 && smallest > 20, "a buffer that is too small is ERANGE, never written past");
	is(tp_host_entry_write(&entry, buffer + 1, TP_HOST_ENTRY_MAX, "Hello.", AF_INET, &addresses), 0,
	   "a name with a dot at its end");
	ok(!entry.h_aliases[0], "has no alias of its own");
	memcpy(addresses.canonical, "host.example", 13);
	tp_host_entry_write(&entry, buffer + 1, TP_HOST_ENTRY_MAX, "hello", AF_INET, &addresses);
	ok(strcmp(entry.h_name, "host.example") == 0 && strcmp(entry.h_aliases[0], "hello") == 0 && !entry.h_aliases[1],
	   "what was asked for is an alias of the canonical name");
	tp_aliases_add(&addresses.aliases, "a");
	tp_aliases_add(&addresses.aliases, "bc");
	tp_host_entry_write(&entry, buffer + 1, TP_HOST_ENTRY_MAX, "hello", AF_INET, &addresses);
	ok(strcmp(entry.h_aliases[0], "a") == 0 && strcmp(entry.h_aliases[1], "bc") == 0 && !entry.h_aliases[2],
	   "unless the aliases are known");
	full();
	is(tp_host_entry_error(-ENODATA), NO_DATA, "no address is NO_DATA");
	is(tp_host_entry_error(-ENOENT), HOST_NOT_FOUND, "no such name is HOST_NOT_FOUND");
	is(tp_host_entry_error(-EAGAIN), TRY_AGAIN, "no answer is TRY_AGAIN");
}

int main(void)
{
	lists();
	host_entries();
	return tap_end();
}
