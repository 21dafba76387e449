/* What sendto(), sendmsg() and sendmmsg() have in common: where a send with a destination goes. */
#ifndef TP_SEND_POLICY_H
#define TP_SEND_POLICY_H

#include "config.h"

#include <stddef.h>

enum {
	TP_SEND_AS_IS = 0,   /* the kernel's business, untouched */
	TP_SEND_INSTEAD = 1, /* a datagram, to the address of a flow socket */
	TP_SEND_CONNECT = 2, /* TCP Fast Open to what is dialled: connect(), then send without a destination */
};

struct tp_send {
	uint64_t cookie; /* of the socket; 0 before the first call for it, and kept from one to the next */
	struct tp_address wanted;
	struct sockaddr_storage instead;
	socklen_t length;
};

/**
 * Where a send with this destination goes: one of TP_SEND_…, or a negative errno. What cannot be read goes as it is: the
 * kernel cannot read it either.
 */
int tp_send_policy(const struct tp_config *config, int fd, int flags, const void *address, socklen_t length,
		   struct tp_send *send);

/**
 * The same for a message. Where it does not go as it is, its header with the destination that it gets instead is in *copy;
 * what the header points to is the program's own.
 */
int tp_send_message(const struct tp_config *config, int fd, int flags, const struct msghdr *message, struct tp_send *send,
		    struct msghdr *copy);

#endif
