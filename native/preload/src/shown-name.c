#include "shown-name.h"

#include "memory.h"

#include <netinet/in.h>
#include <string.h>

void tp_shown_write(struct sockaddr *out, const socklen_t *length, socklen_t room, const struct tp_address *shown)
{
	struct sockaddr_storage name;
	socklen_t whole = tp_memory_length(length);
	if (whole < sizeof(sa_family_t))
		return;
	/* Of the real name's family, and so of its length: what the kernel could write there, we can. */
	socklen_t size = tp_address_write(shown, whole == sizeof(struct sockaddr_in6) ? AF_INET6 : AF_INET, &name);
	if (size == whole && room > 0)
		memcpy(out, &name, room < size ? room : size);
}

int tp_shown_name(int (*ask)(int, struct sockaddr *, socklen_t *), int fd, struct sockaddr *out, socklen_t *length,
		  const struct tp_address *shown)
{
	if (!tp_memory_readable(length, sizeof *length))
		return ask(fd, out, length);
	socklen_t room = tp_memory_length(length);
	int result = ask(fd, out, length);
	if (result == 0)
		tp_shown_write(out, length, room, shown);
	return result;
}
