/*
 * What a SOCKS5 server sends, whatever it is: the reader never asks for a byte behind the reply, never takes more than it
 * asked for, and comes to the same end however the bytes are cut. The first byte of the input says how they are.
 */
#include "socks5-reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	int state;
	size_t used;
	struct tp_socks5_reader reader;
	uint8_t body[TP_SOCKS5_BODY_MAX];
};

static void feed(struct end *end, const uint8_t *bytes, size_t count, int authenticates, size_t piece)
{
	memset(end, 0, sizeof *end);
	tp_socks5_reader_init(&end->reader, authenticates);
	while (end->state == 0) {
		size_t wanted = tp_socks5_wants(&end->reader);
		size_t now = wanted < piece ? wanted : piece;
		if (wanted == 0)
			abort();
		if (now > count - end->used)
			now = count - end->used;
		if (now == 0)
			return;
		/* A copy of the very size: the sanitizer sees every read past it. */
		uint8_t *copy = malloc(now);
		memcpy(copy, bytes + end->used, now);
		end->state = tp_socks5_feed(&end->reader, copy, now, end->body);
		free(copy);
		end->used += now;
	}
	if (end->state == 1 && tp_socks5_wants(&end->reader) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct end whole, cut;
	if (size == 0)
		return 0;
	int authenticates = data[0] & 1;
	size_t piece = (size_t)(data[0] >> 1) + 1;
	feed(&whole, data + 1, size - 1, authenticates, 1000);
	feed(&cut, data + 1, size - 1, authenticates, piece);
	if (whole.state != cut.state)
		abort();
	if (whole.state == 1 && (whole.used != cut.used || memcmp(whole.body, cut.body, sizeof whole.body) != 0))
		abort();
	return 0;
}
