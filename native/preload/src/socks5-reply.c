#include "socks5-reply.h"

#include <errno.h>

enum { METHOD, STATUS, HEAD, BODY, PORT, DONE };

/** VER REP RSV ATYP, the first octet of the address, and a port: no reply is shorter. */
#define HEAD_SIZE 5u
#define PORT_SIZE 2u

void tp_socks5_reader_init(struct tp_socks5_reader *reader, int authenticates)
{
	*reader = (struct tp_socks5_reader){ .phase = METHOD, .authenticates = authenticates != 0 };
}

size_t tp_socks5_wants(const struct tp_socks5_reader *reader)
{
	switch (reader->phase) {
	case METHOD:
		return 2u - reader->have + (reader->authenticates ? 2u : 0u) + HEAD_SIZE + PORT_SIZE;
	case STATUS:
		return 2u - reader->have + HEAD_SIZE + PORT_SIZE;
	case HEAD:
		return HEAD_SIZE - reader->have + PORT_SIZE;
	case BODY:
		return (size_t)(reader->body_length - reader->body_have) + PORT_SIZE;
	case PORT:
		return PORT_SIZE - reader->have;
	default:
		return 0;
	}
}

static void enter(struct tp_socks5_reader *reader, uint8_t phase)
{
	reader->phase = phase;
	reader->have = 0;
}

static int take_method(struct tp_socks5_reader *reader, uint8_t byte)
{
	if (reader->have++ == 0)
		return byte == 5 ? 0 : -EPROTO;
	if (byte != (reader->authenticates ? 2 : 0))
		return byte == 0xff ? -EACCES : -EPROTO;
	enter(reader, reader->authenticates ? STATUS : HEAD);
	return 0;
}

static int take_status(struct tp_socks5_reader *reader, uint8_t byte)
{
	if (reader->have++ == 0)
		return byte == 1 ? 0 : -EPROTO;
	enter(reader, HEAD);
	return byte == 0 ? 0 : -EACCES;
}

static int take_head(struct tp_socks5_reader *reader, uint8_t byte, uint8_t *body)
{
	switch (reader->have++) {
	case 0:
		return byte == 5 ? 0 : -EPROTO;
	case 1:
		/* Servers that end a refusal early are common; REP alone says enough. */
		reader->reply = byte;
		return byte == 0 ? 0 : -EREMOTEIO;
	case 2:
		return 0; /* RSV: several servers fill it with anything */
	case 3:
		reader->address_type = byte;
		return byte == 1 || byte == 3 || byte == 4 ? 0 : -EPROTO;
	default:
		enter(reader, BODY);
		if (reader->address_type == 3) {
			reader->body_length = byte;
		} else {
			reader->body_length = reader->address_type == 1 ? 4 : 16;
			reader->body_have = 1;
			if (body)
				body[0] = byte;
		}
		if (reader->body_length == 0)
			enter(reader, PORT);
		return 0;
	}
}

int tp_socks5_feed(struct tp_socks5_reader *reader, const uint8_t *bytes, size_t count, uint8_t *body)
{
	for (size_t i = 0; i < count; i++) {
		int error = 0;
		switch (reader->phase) {
		case METHOD:
			error = take_method(reader, bytes[i]);
			break;
		case STATUS:
			error = take_status(reader, bytes[i]);
			break;
		case HEAD:
			error = take_head(reader, bytes[i], body);
			break;
		case BODY:
			if (body)
				body[reader->body_have] = bytes[i];
			if (++reader->body_have == reader->body_length)
				enter(reader, PORT);
			break;
		case PORT:
			if (++reader->have == PORT_SIZE)
				enter(reader, DONE);
			break;
		default:
			return -EPROTO; /* fed more than was asked for */
		}
		if (error < 0)
			return error;
	}
	return reader->phase == DONE;
}

int tp_socks5_errno(uint8_t reply)
{
	/* The same table as packages/sidecar/vectors/errors.json, which the tests read. */
	switch (reply) {
	case 2:
		return EACCES;
	case 3:
		return ENETUNREACH;
	case 4:
		return EHOSTUNREACH;
	case 5:
		return ECONNREFUSED;
	case 6:
		return ETIMEDOUT;
	case 7:
		return EOPNOTSUPP;
	case 8:
		return EAFNOSUPPORT;
	default:
		return ENETDOWN;
	}
}
