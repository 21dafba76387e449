/* What the environment said when the library was loaded; it is never read again. */
#ifndef TP_CONFIG_H
#define TP_CONFIG_H

#include "cidr.h"

#define TP_BYPASS_MAX 128
/** RFC 1929: ULEN and PLEN are one octet. */
#define TP_CREDENTIAL_MAX 255
/** sun_path of sockaddr_un, with its NUL. */
#define TP_SOCKET_PATH_MAX 108
#define TP_TOKEN_MIN 32
#define TP_TOKEN_MAX 128

enum tp_mode {
	TP_MODE_INERT,	/* no proxy named: everything passes through */
	TP_MODE_ACTIVE,
	TP_MODE_BROKEN, /* a proxy is named but cannot be used: nothing leaves by the host's network */
};

struct tp_config {
	enum tp_mode mode;
	bool verbose;
	bool strict;		/* an exit node is set, or only the tailnet is allowed */
	struct tp_address proxy;
	uint8_t user_length;	/* 0: method "no authentication" */
	uint8_t password_length;
	char user[TP_CREDENTIAL_MAX];
	char password[TP_CREDENTIAL_MAX];
	bool dial_socket;	/* there is one: docs/preload-protocol.md */
	uint8_t token_length;
	char token[TP_TOKEN_MAX];
	char socket_path[TP_SOCKET_PATH_MAX];
	int bootstrap;		/* the number of an inherited one, as TAILPROXY_FD has it; -1 */
	size_t bypass_count;
	struct tp_cidr bypass[TP_BYPASS_MAX];
	bool export_listeners;
	bool export_loopback; /* those that were bound to a loopback address by name, too */
	bool export_strict;   /* listen() fails when its export is refused */
	bool show_clients;    /* accept() and getpeername() show the tailnet's peer */
	char control_path[TP_SOCKET_PATH_MAX];
	const char *complaint; /* what is wrong, for stderr; NULL when all is well */
};

void tp_config_read(struct tp_config *config, char *const *environment);

bool tp_config_bypasses(const struct tp_config *config, const struct tp_address *address);

#endif
