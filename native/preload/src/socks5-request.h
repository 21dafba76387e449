/* The client's side of RFC 1928 and 1929, all of it in one buffer: one write, and the server answers without a round trip. */
#ifndef TP_SOCKS5_REQUEST_H
#define TP_SOCKS5_REQUEST_H

#include "config.h"

enum tp_socks5_command {
	TP_SOCKS5_CONNECT = 0x01,
	TP_SOCKS5_RESOLVE = 0xf0,     /* Tor: the reply's address is the name's */
	TP_SOCKS5_RESOLVE_PTR = 0xf1, /* Tor: the reply's domain is the address's */
};

/** 3 of greeting, 3 + 255 + 255 of authentication, 4 + 1 + 255 + 2 of request. */
#define TP_SOCKS5_REQUEST_MAX 778u

struct tp_socks5_request {
	enum tp_socks5_command command;
	const char *name;		  /* sent instead of the address when not NULL; at most 255 bytes */
	const struct tp_address *address; /* used when name is NULL */
	uint16_t port;			  /* host order; of RESOLVE the DNS query type wanted (0 any, 1 A, 28 AAAA) */
};

/** Offers exactly one method: a user means username/password, none means no authentication. Returns the length. */
size_t tp_socks5_encode(uint8_t out[TP_SOCKS5_REQUEST_MAX], const struct tp_config *config,
			const struct tp_socks5_request *request);

#endif
