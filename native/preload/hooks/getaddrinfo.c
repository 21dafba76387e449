/*
 * getaddrinfo(3): numbers, services, flags and the shape of the result are the C library's; only the question which
 * addresses a name has is put to the session. No name but "localhost" reaches the host's resolver.
 */
#include "address-list.h"
#include "ip-text.h"
#include "lookup.h"
#include "state.h"
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What getaddrinfo(3) on glibc takes for no hints at all. */
static const struct addrinfo no_hints = { .ai_family = AF_UNSPEC, .ai_flags = AI_V4MAPPED | AI_ADDRCONFIG };

/* A name without such addresses is EAI_NODATA to glibc, and to musl since 1.2.4; before, that has no text for the code. */
static int no_data(void)
{
	return strcmp(tp_next.gai_strerror(EAI_NODATA), tp_next.gai_strerror(INT_MIN)) == 0 ? EAI_NONAME : EAI_NODATA;
}

static int to_eai(int error)
{
	switch (error) {
	case -EAGAIN:
		return EAI_AGAIN;
	case -ENOMEM:
		return EAI_MEMORY;
	case -ENODATA:
		return no_data();
	default:
		return EAI_NONAME;
	}
}

static bool is_ascii(const char *name)
{
	while (*name != '\0' && !(*name & 0x80))
		name++;
	return *name == '\0';
}

/* AI_ADDRCONFIG: the tailnet gives a program addresses of both families, so that only a kernel without IPv6 has none. */
static bool has_ipv6(void)
{
	long fd = tp_syscall3(SYS_socket, AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd != -EAFNOSUPPORT;
	tp_syscall1(SYS_close, fd);
	return true;
}

static int find(const struct tp_config *config, const char *node, const struct addrinfo *hints, struct tp_addresses *found)
{
	int family = hints->ai_family;
	if ((hints->ai_flags & AI_ADDRCONFIG) && family != AF_INET && !has_ipv6()) {
		if (family == AF_INET6)
			return -ENOENT;
		family = AF_INET;
	}
	if (family != AF_INET6 || !(hints->ai_flags & AI_V4MAPPED))
		return tp_lookup_name(config, node, family, found);
	/* AI_V4MAPPED: IPv4 when there is no IPv6; with AI_ALL, besides it. */
	struct tp_addresses both;
	int result = tp_lookup_name(config, node, AF_UNSPEC, &both);
	memcpy(found->canonical, both.canonical, sizeof both.canonical);
	found->count = 0;
	for (int wanted = AF_INET6; result == 0; wanted = AF_INET) {
		for (size_t i = 0; i < both.count; i++)
			if (both.list[i].family == wanted)
				found->list[found->count++] = both.list[i];
		if (wanted == AF_INET || (found->count > 0 && !(hints->ai_flags & AI_ALL)))
			break;
	}
	return result;
}

/** The C library's answer to the address as a number: it knows the services, and which socket types to list. */
static int append(struct addrinfo **list, const struct tp_address *address, const char *service,
		  const struct addrinfo *hints)
{
	char text[TP_IP_TEXT_MAX];
	struct addrinfo numeric = {
		.ai_flags = (hints->ai_flags & (AI_PASSIVE | AI_NUMERICSERV)) | AI_NUMERICHOST,
		.ai_family = hints->ai_family == AF_UNSPEC ? address->family : hints->ai_family,
		.ai_socktype = hints->ai_socktype,
		.ai_protocol = hints->ai_protocol,
	};
	struct addrinfo *part = NULL;
	tp_ip_format(address, numeric.ai_family == AF_INET6, text);
	int result = tp_next.getaddrinfo(text, service, &numeric, &part);
	if (result != 0)
		return result;
	if (tp_address_list_append(list, part) < 0)
		result = EAI_MEMORY;
	tp_next.freeaddrinfo(part);
	return result;
}

static int build(struct addrinfo **list, const struct tp_addresses *found, const char *node, const char *service,
		 const struct addrinfo *hints)
{
	int result = 0;
	for (size_t i = 0; i < found->count && result == 0; i++)
		result = append(list, &found->list[i], service, hints);
	if (result != 0 || !*list)
		return result != 0 ? result : EAI_NONAME;
	if (!(hints->ai_flags & AI_CANONNAME))
		return 0;
	(*list)->ai_canonname = tp_address_list_name(found->canonical[0] ? found->canonical : node);
	return (*list)->ai_canonname ? 0 : EAI_MEMORY;
}

TP_HOOK int getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
			struct addrinfo **restrict result)
{
	const struct tp_config *config = tp_state();
	struct addrinfo wanted = hints ? *hints : no_hints;
	struct addrinfo *list = NULL;
	struct tp_addresses found;
	int saved = errno;

	if (config->mode == TP_MODE_INERT || !node || (wanted.ai_flags & AI_NUMERICHOST) || tp_lookup_is_localhost(config, node))
		return tp_next.getaddrinfo(node, service, hints, result);
	/* As a number first: if it is one, or the hints or the service are wrong, no name need be looked up. */
	wanted.ai_flags |= AI_NUMERICHOST;
	int status = tp_next.getaddrinfo(node, service, &wanted, result);
	if (status != EAI_NONAME || tp_ip_is_numeric(node))
		return status;
	wanted.ai_flags &= ~AI_NUMERICHOST;
	if ((wanted.ai_flags & AI_NUMERICSERV) && service && tp_decimal_parse(service, strlen(service), LONG_MAX / 16) < 0)
		return EAI_NONAME;
	/* glibc has a library encode such names, where there is one; the session takes what the DNS takes. */
	if ((wanted.ai_flags & AI_IDN) && !is_ascii(node))
		return EAI_IDN_ENCODE;
	status = find(config, node, &wanted, &found);
	if (status == 0)
		status = build(&list, &found, node, service, &wanted);
	else
		status = to_eai(status);
	if (status != 0) {
		tp_address_list_free(list, tp_next.freeaddrinfo);
		return status;
	}
	errno = saved;
	*result = list;
	return 0;
}
