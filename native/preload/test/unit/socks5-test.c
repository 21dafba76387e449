#include "socks5-reply.h"
#include "socks5-request.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

/* Feeds in pieces of at most `piece`, as many as are wanted. Returns the end state; `used` is how much was taken. */
static int feed(const uint8_t *bytes, size_t count, int authenticates, size_t piece, size_t *used,
		struct tp_socks5_reader *reader, uint8_t *body)
{
	size_t at = 0;
	tp_socks5_reader_init(reader, authenticates);
	for (;;) {
		size_t wanted = tp_socks5_wants(reader);
		size_t size = wanted < piece ? wanted : piece;
		if (size > count - at)
			size = count - at;
		if (size == 0)
			break;
		/* A copy of its own, so that a sanitizer sees a read past it. */
		uint8_t *copy = malloc(size);
		memcpy(copy, bytes + at, size);
		int state = tp_socks5_feed(reader, copy, size, body);
		free(copy);
		at += size;
		*used = at;
		if (state != 0)
			return state;
	}
	*used = at;
	return 0;
}

static void whole(const char *name, const uint8_t *reply, size_t length, int authenticates)
{
	uint8_t bytes[600], body[TP_SOCKS5_BODY_MAX];
	int good = 1;
	memcpy(bytes, reply, length);
	memset(bytes + length, 0x5a, 100);
	for (size_t piece = 1; piece < 300; piece = piece < 20 ? piece + 1 : piece * 2) {
		struct tp_socks5_reader reader;
		size_t used = 0;
		good = good && feed(bytes, length + 100, authenticates, piece, &used, &reader, body) == 1 && used == length &&
		       tp_socks5_wants(&reader) == 0;
		for (size_t cut = 0; cut < length; cut++)
			good = good && feed(bytes, cut, authenticates, piece, &used, &reader, NULL) == 0 && used == cut;
	}
	ok(good, name);
}

static void failure(const char *name, const uint8_t *bytes, size_t length, int authenticates, int wanted)
{
	struct tp_socks5_reader reader;
	size_t used;
	is(feed(bytes, length, authenticates, 1, &used, &reader, NULL), wanted, name);
}

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void replies(void)
{
	uint8_t domain[300] = { 5, 2, 1, 0, 5, 0, 0, 3, 255 };
	struct tp_socks5_reader reader;
	uint8_t body[TP_SOCKS5_BODY_MAX];
	size_t used;
	whole("a reply with an IPv4 address", BYTES(5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 5, 6), 0);
	whole("after authentication", BYTES(5, 2, 1, 0, 5, 0, 0, 1, 1, 2, 3, 4, 5, 6), 1);
	whole("with an IPv6 address", BYTES(5, 0, 5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 1), 0);
	whole("with an empty domain", BYTES(5, 0, 5, 0, 0, 3, 0, 0, 0), 0);
	whole("with the longest domain", domain, 9 + 255 + 2, 1);
	whole("with a reserved octet that is not zero", BYTES(5, 0, 5, 0, 9, 1, 1, 2, 3, 4, 5, 6), 0);
	is(feed(BYTES(5, 0, 5, 0, 0, 3, 2, 'h', 'i', 0, 0), 0, 3, &used, &reader, body), 1, "a domain is captured");
	ok(reader.address_type == 3 && reader.body_length == 2 && memcmp(body, "hi", 2) == 0, "with its length");
	is(feed(BYTES(5, 0, 5, 0, 0, 1, 9, 8, 7, 6, 0, 0), 0, 99, &used, &reader, body), 1, "an address is captured");
	ok(reader.body_length == 4 && memcmp(body, "\x09\x08\x07\x06", 4) == 0, "whole");
	failure("SOCKS4 is no SOCKS5", BYTES(4, 0), 0, -EPROTO);
	failure("HTTP is no SOCKS5", BYTES('H', 'T', 'T', 'P'), 0, -EPROTO);
	failure("no acceptable method is a refusal", BYTES(5, 255), 1, -EACCES);
	failure("a method that was not offered is no SOCKS5", BYTES(5, 0), 1, -EPROTO);
	failure("GSSAPI was not offered either", BYTES(5, 1), 0, -EPROTO);
	failure("a refused credential is a refusal", BYTES(5, 2, 1, 1), 1, -EACCES);
	failure("a subnegotiation of another version is no SOCKS5", BYTES(5, 2, 5, 0), 1, -EPROTO);
	failure("a reply of another version is no SOCKS5", BYTES(5, 0, 4), 0, -EPROTO);
	failure("an unknown address type is no SOCKS5", BYTES(5, 0, 5, 0, 0, 2), 0, -EPROTO);
	failure("a refusal is known by its second octet", BYTES(5, 0, 5, 5), 0, -EREMOTEIO);
}

static void requests(void)
{
	struct tp_config config = { 0 };
	uint8_t out[TP_SOCKS5_REQUEST_MAX];
	char name[256] = "";
	struct tp_address four = { .family = AF_INET, .bytes = { 100, 64, 0, 5 } };
	struct tp_address six = { .family = AF_INET6, .bytes = { 0xfd, 0x7a, [15] = 5 } };
	struct tp_socks5_request request = { .command = TP_SOCKS5_CONNECT, .address = &four, .port = 0x1f90 };
	static const uint8_t plain[] = { 5, 1, 0, 5, 1, 0, 1, 100, 64, 0, 5, 0x1f, 0x90 };
	static const uint8_t named[] = { 5, 1, 2, 1, 1, 'u', 2, 'p', 'w', 5, 0xf0, 0, 3, 2, 'h', 'i', 0, 28 };
	size_t length = tp_socks5_encode(out, &config, &request);
	ok(length == sizeof plain && memcmp(out, plain, length) == 0, "without a user only method 0 is offered");
	config.user_length = 1;
	config.password_length = 2;
	memcpy(config.user, "u", 1);
	memcpy(config.password, "pw", 2);
	request = (struct tp_socks5_request){ .command = TP_SOCKS5_RESOLVE, .name = "hi", .port = 28 };
	length = tp_socks5_encode(out, &config, &request);
	ok(length == sizeof named && memcmp(out, named, length) == 0, "with a user only method 2, and all in one buffer");
	request = (struct tp_socks5_request){ .command = TP_SOCKS5_CONNECT, .address = &six, .port = 1 };
	is(tp_socks5_encode(out, &config, &request), 9 + 4 + 16 + 2, "an IPv6 request has its sixteen bytes");
	config.user_length = config.password_length = 255;
	memset(name, 'n', 255);
	request.name = name;
	is(tp_socks5_encode(out, &config, &request), TP_SOCKS5_REQUEST_MAX, "the longest request fills the buffer");
}

int main(int argc, char **argv)
{
	replies();
	requests();
	/* The arguments are pairs of a reply and the errno it stands for. */
	for (int i = 1; i + 1 < argc; i += 2) {
		char name[40];
		snprintf(name, sizeof name, "reply %s", argv[i]);
		is(tp_socks5_errno((uint8_t)atoi(argv[i])), atoi(argv[i + 1]), name);
	}
	is(tp_socks5_errno(9), ENETDOWN, "an unassigned reply");
	is(tp_socks5_errno(255), ENETDOWN, "another one");
	return tap_end();
}
