#include "hosts.h"

#include "ip-text.h"
#include "syscall.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 4096
#define FILE_MAX (16l * 1024 * 1024)

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same_name(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b))
		a++, b++;
	return lower(*a) == lower(*b);
}

static void end_token(struct tp_hosts_search *search)
{
	if (search->length == 0)
		return;
	search->token[search->length] = '\0';
	if (search->field == 0) {
		search->line_address = (struct tp_address){ 0 };
		search->valid = !search->spoilt &&
				tp_ip_parse(&search->line_address, search->token, search->length) == 0;
		search->line_address.mapped = 0;
	} else if (!search->spoilt) {
		if (search->field == 1)
			memcpy(search->canonical, search->token, search->length + 1);
		else
			tp_aliases_add(&search->aliases, search->token);
		if (search->name && same_name(search->name, search->token))
			search->matches = true;
	}
	search->field++;
	search->length = 0;
	search->spoilt = false;
}

static bool same_address(const struct tp_address *a, const struct tp_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static void take_names(struct tp_hosts_search *search)
{
	memcpy(search->found->canonical, search->canonical, sizeof search->canonical);
	search->found->aliases = search->aliases;
}

static void take_line(struct tp_hosts_search *search)
{
	if (!search->valid || search->canonical[0] == '\0')
		return;
	if (!search->name) {
		if (!same_address(search->address, &search->line_address))
			return;
		take_names(search);
		search->done = true;
		return;
	}
	if (!search->matches || !tp_addresses_fit(search->family, &search->line_address))
		return;
	if (search->found->count == 0)
		take_names(search);
	tp_addresses_add(search->found, &search->line_address);
}

static void end_line(struct tp_hosts_search *search)
{
	end_token(search);
	take_line(search);
	search->comment = search->valid = search->matches = false;
	search->field = 0;
	search->canonical[0] = '\0';
	search->aliases.count = search->aliases.size = 0;
}

void tp_hosts_feed(struct tp_hosts_search *search, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size && !search->done; i++) {
		char c = bytes[i];
		if (c == '\n') {
			end_line(search);
		} else if (search->comment) {
			continue;
		} else if (c == '#' || c == '\0') {
			/* To the C libraries a line's string ends at a NUL. */
			end_token(search);
			search->comment = true;
		} else if (c == ' ' || (c >= '\t' && c <= '\r')) {
			end_token(search);
		} else if (search->length < TP_NAME_MAX) {
			search->token[search->length++] = c;
		} else {
			search->spoilt = true; /* longer than any name */
		}
	}
}

bool tp_hosts_end(struct tp_hosts_search *search)
{
	if (!search->done)
		end_line(search);
	return search->name ? search->found->count > 0 : search->done;
}

static bool read_hosts(struct tp_hosts_search *search)
{
	char chunk[CHUNK];
	struct stat status;
	/* Without O_NONBLOCK, what is no regular file could keep the program waiting. */
	long fd = tp_syscall4(SYS_openat, AT_FDCWD, "/etc/hosts", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return false;
	if (tp_syscall2(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode)) {
		for (long total = 0, size; total < FILE_MAX && !search->done; total += size) {
			size = tp_syscall3(SYS_read, fd, chunk, sizeof chunk);
			if (size <= 0)
				break;
			tp_hosts_feed(search, chunk, (size_t)size);
		}
	}
	tp_syscall1(SYS_close, fd);
	return tp_hosts_end(search);
}

bool tp_hosts_name(const char *name, int family, struct tp_addresses *out)
{
	struct tp_hosts_search search = { .name = name, .family = family, .found = out };
	tp_addresses_clear(out);
	return read_hosts(&search);
}

bool tp_hosts_address(const struct tp_address *address, struct tp_addresses *out)
{
	struct tp_hosts_search search = { .address = address, .found = out };
	tp_addresses_clear(out);
	return read_hosts(&search);
}
