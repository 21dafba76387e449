/* Questions to the proxy: Tor's RESOLVE and RESOLVE_PTR, each on a connection of the library's own, all at once. */
#ifndef TP_ASK_H
#define TP_ASK_H

#include "config.h"
#include "socks5-reply.h"
#include "socks5-request.h"

/** No answer within this time is "try again". */
#define TP_ASK_LIMIT_NS (20LL * 1000000000)

#define TP_ASK_MAX 2

/** DST.PORT of RESOLVE: what our own session takes for the DNS query type, and others for nothing. */
enum { TP_ASK_ANY = 0, TP_ASK_A = 1, TP_ASK_AAAA = 28 };

struct tp_question {
	struct tp_socks5_request request;
	/* The answer: 0, -ENOENT (unknown), -EOPNOTSUPP (a proxy that does not know the command), else -EAGAIN. */
	int error;
	uint8_t type;	/* ATYP */
	uint8_t length;
	uint8_t body[TP_SOCKS5_BODY_MAX];
};

/** Answers all of them, at most TP_ASK_MAX. Signals do not end it. */
void tp_ask(const struct tp_config *config, struct tp_question *questions, size_t count);

#endif
