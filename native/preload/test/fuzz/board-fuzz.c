/*
 * What a sidecar writes to the board or sends, whatever it is: the readers stay inside the board, come to an end, and answer
 * with errnos and addresses that are ones. The input goes somewhere on the board, and is asked for by what is in it.
 */
#include "board.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t starts[] = { 0, 8, 40, 64, 4096, 65536, 589824, 1048576, 3145728, 5242880, 7340032, TP_BOARD_SIZE - 64 };

static uint8_t *board(void)
{
	static uint8_t *memory;
	uint32_t size = TP_BOARD_SIZE;
	if (memory)
		return memory;
	memory = aligned_alloc(4096, TP_BOARD_SIZE);
	memset(memory, 0, TP_BOARD_SIZE);
	memcpy(memory, "TPB1", 4);
	memcpy(memory + 4, &size, sizeof size);
	memory[36] = 1;
	if (!tp_board_begins(memory) || !tp_board_adopt(memory))
		abort();
	return memory;
}

static void check(bool found, const struct tp_address *address)
{
	if (found && address->family != AF_INET && address->family != AF_INET6)
		abort();
}

static void ask(uint64_t cookie, const struct tp_address *address)
{
	struct tp_address out;
	int error = tp_board_failure(cookie);
	if (error < 0 || error >= 4096)
		abort();
	tp_board_routes(address);
	tp_board_is_resolver(address);
	check(tp_board_tarpit(address->family, &out), &out);
	check(tp_board_peer(address->family, address->port, cookie, &out), &out);
	check(tp_board_udp_peer(address, cookie & 1 ? cookie : 0, &out), &out);
	check(tp_board_udp_flow(cookie, address, &out), &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tp_address address;
	uint64_t cookie = 0;
	if (size < 2)
		return 0;
	/* A copy of the very size: the sanitizer sees every read past it. */
	uint8_t *copy = malloc(size);
	memcpy(copy, data, size);
	tp_message_is(copy, size, TP_WELCOME);
	if (size >= TP_WIRE_ADDRESS_SIZE)
		check(tp_message_read_address(copy, &address), &address);
	uint32_t start = starts[data[0] % (sizeof starts / sizeof starts[0])] + data[1] % 32u;
	size_t room = TP_BOARD_SIZE - start;
	/* The magic and the size are looked at once, when the board is taken. */
	if (start >= 8)
		memcpy(board() + start, copy + 2, size - 2 < room ? size - 2 : room);
	memcpy(&cookie, copy, size < sizeof cookie ? size : sizeof cookie);
	memset(&address, 0, sizeof address);
	address.family = data[0] & 1 ? AF_INET6 : AF_INET;
	address.port = (uint16_t)(data[1] & 1 ? 53 : data[1]);
	memcpy(address.bytes, copy, size < sizeof address.bytes ? size : sizeof address.bytes);
	/* A sequence that stays odd costs every question ten thousand looks; the dead answer less. */
	board()[40] &= 0xfe;
	board()[36] |= 1;
	ask(cookie, &address);
	free(copy);
	return 0;
}
