/*
 * The server's side, read without ever asking for a byte behind it: what follows the reply belongs to the program.
 * Sans-IO: tp_socks5_wants() says how many bytes may be read now, tp_socks5_feed() takes any number up to that.
 */
#ifndef TP_SOCKS5_REPLY_H
#define TP_SOCKS5_REPLY_H

#include <stddef.h>
#include <stdint.h>

/** The address of a reply: at most a domain of 255 bytes. */
#define TP_SOCKS5_BODY_MAX 255u

struct tp_socks5_reader {
	uint8_t phase;
	uint8_t authenticates; /* method 2 was offered, else 0 */
	uint8_t have;	       /* bytes of this phase */
	uint8_t reply;	       /* REP of a request that failed */
	uint8_t address_type;  /* ATYP, once done */
	uint8_t body_length;   /* of the address, without a domain's length octet */
	uint8_t body_have;
};

void tp_socks5_reader_init(struct tp_socks5_reader *reader, int authenticates);

/** Bytes that must still come when nothing is wrong: never more than the reply has. 0 when done. */
size_t tp_socks5_wants(const struct tp_socks5_reader *reader);

/**
 * Takes at most tp_socks5_wants() bytes. Returns 1 when the request succeeded, 0 when more is needed, -EACCES when the
 * credential was refused, -EPROTO for what is no SOCKS5, or -EREMOTEIO for a REP other than 0, which is in `reply`.
 * `body` (TP_SOCKS5_BODY_MAX bytes) receives the address; NULL to skip it.
 */
int tp_socks5_feed(struct tp_socks5_reader *reader, const uint8_t *bytes, size_t count, uint8_t *body);

/** The errno connect() gives for a REP; ENETDOWN for one that RFC 1928 §6 does not assign. */
int tp_socks5_errno(uint8_t reply);

#endif
