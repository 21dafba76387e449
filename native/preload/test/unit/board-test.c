/* board-test WORD…: writes to a board as the sidecar would (vectors/board.json) and asks for what was written. */
#include "board.h"
#include "ip-text.h"
#include "tap.h"

#include <stdlib.h>

static uint8_t *memory;

static struct tp_address address_of(const char *host, const char *port)
{
	struct tp_address address;
	if (tp_ip_parse(&address, host, strlen(host)) < 0)
		exit(2);
	address.port = (uint16_t)atoi(port);
	return address;
}

static void write_hex(size_t at, const char *hex)
{
	unsigned byte;
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		memory[at++] = (uint8_t)byte;
}

static int is_same(bool found, const struct tp_address *got, const struct tp_address *wanted)
{
	return found && tp_address_same(got, wanted);
}

/** Returns how many words it took. */
static int step(char **word)
{
	struct tp_address got, wanted;
	char name[200];
	snprintf(name, sizeof name, "%s %s %s", word[0], word[1], word[2]);
	if (strcmp(word[0], "write") == 0) {
		write_hex(strtoul(word[1], NULL, 10), word[2]);
		return 3;
	}
	if (strcmp(word[0], "tarpit") == 0) {
		wanted = address_of(word[1], word[2]);
		ok(is_same(tp_board_tarpit(wanted.family, &got), &got, &wanted) && tp_board_is_tarpit(&wanted), name);
		return 3;
	}
	if (strcmp(word[0], "route") == 0) {
		wanted = address_of(word[1], "80");
		is(tp_board_routes(&wanted), atoi(word[2]), name);
		return 3;
	}
	if (strcmp(word[0], "resolver") == 0) {
		wanted = address_of(word[1], "53");
		is(tp_board_is_resolver(&wanted), atoi(word[2]), name);
		wanted.port = 54;
		ok(!tp_board_is_resolver(&wanted), "a resolver is one by port 53");
		return 3;
	}
	uint64_t cookie = strtoull(word[1], NULL, 10);
	if (strcmp(word[0], "failure") == 0) {
		is(tp_board_failure(cookie), atoi(word[2]), name);
		is(tp_board_failure(cookie + 1), 0, "another socket has none");
		return 3;
	}
	if (strcmp(word[0], "peer") == 0) {
		int family = word[1][0] == '6' ? AF_INET6 : AF_INET;
		uint16_t port = (uint16_t)atoi(word[2]);
		cookie = strtoull(word[3], NULL, 10);
		wanted = address_of(word[4], word[5]);
		ok(is_same(tp_board_peer(family, port, cookie, &got), &got, &wanted), name);
		ok(!tp_board_peer(family, port, cookie ^ 1, &got), "another socket of that port has another peer");
		return 6;
	}
	struct tp_address flow = address_of(word[2], word[3]);
	wanted = address_of(word[4], word[5]);
	bool there = word[6][0] == '1';
	ok(is_same(tp_board_udp_flow(cookie, &wanted, &got), &got, &flow) == there, name);
	ok(is_same(tp_board_udp_peer(&flow, 0, &got), &got, &wanted) == there, "and it stands for the destination");
	ok(!there || (tp_board_udp_peer(&flow, cookie, &got) && !tp_board_udp_peer(&flow, cookie + 1, &got)), "of that socket alone");
	ok(!tp_board_udp_flow(cookie + 1, &wanted, &got), "another socket has no flow there");
	return 7;
}

static void none(void)
{
	struct tp_address address = { .family = AF_INET, .bytes = { 100, 64, 0, 1 }, .port = 53 }, out;
	ok(!tp_board_is() && !tp_board_tarpit(AF_INET, &out) && !tp_board_routes(&address) &&
		   !tp_board_is_resolver(&address) && tp_board_failure(1) == 0 && !tp_board_peer(AF_INET, 1, 1, &out) &&
		   !tp_board_udp_peer(&address, 0, &out) && !tp_board_udp_flow(1, &address, &out) && tp_board_mtu() == 0,
	   "without a board every answer is no");
}

enum { THREAD = 4711, OWNER_DIED = 0x40000000 };

static void set_life(uint32_t life)
{
	memcpy(memory + 36, &life, sizeof life);
}

static void refused(void)
{
	bool same;
	uint32_t size = TP_BOARD_SIZE;
	ok(!tp_board_begins(memory), "zeros are no board");
	memcpy(memory, "TPB1", 4);
	set_life(THREAD);
	ok(!tp_board_begins(memory), "nor is one that says another size");
	memcpy(memory + 4, &size, sizeof size);
	set_life(OWNER_DIED);
	ok(!tp_board_begins(memory), "nor a dead sidecar's");
	set_life(THREAD);
	ok(tp_board_begins(memory), "a living one's is");
	ok(tp_board_place(memory, &same) == NULL && !same, "there is no place for one yet");
	ok(tp_board_adopt(memory) && tp_board_is() && !tp_board_has_died(), "it is taken");
	ok(!tp_board_adopt(memory), "and the first place stays");
	ok(tp_board_place(memory, &same) == memory && same && !tp_board_has_died(), "the same one need not be mapped again");
}

/* What is there when the sidecar dies, and when another board has come over the dead one's. */
static void death(void)
{
	struct tp_address tarpit, out, covered = address_of("203.0.113.1", "53"), flow = address_of("127.0.0.1", "50000");
	struct tp_board_head *head = (struct tp_board_head *)memory;
	uint8_t next[TP_BOARD_BEGINNING];
	bool same;
	memset(memory + 40, 0, TP_BOARD_SIZE - 40);
	head->flags = TP_BOARD_TARPIT4;
	head->port4 = 40000;
	head->routing = TP_BOARD_EVERYTHING;
	memcpy(head->address4, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	struct tp_board_entry *udp = (void *)(memory + TP_BOARD_UDP4);
	udp[flow.port] = (struct tp_board_entry){ .cookie = 5, .family = 4, .port = 9 };
	ok(tp_board_tarpit(AF_INET, &tarpit) && tp_board_udp_peer(&flow, 5, &out), "a living board answers");
	set_life(OWNER_DIED);
	ok(!tp_board_is() && tp_board_has_died(), "that of a dead sidecar is none");
	ok(!tp_board_tarpit(AF_INET, &out) && !tp_board_udp_peer(&flow, 5, &out), "leads nowhere, and knows nobody");
	ok(tp_board_routes(&covered), "but who had asked before is not sent by the host");
	ok(tp_board_is_tarpit(&tarpit), "and its tarpit is known again");
	memcpy(next, memory, sizeof next);
	memcpy(next + 36, &(uint32_t){ THREAD + 1 }, 4);
	ok(tp_board_begins(next) && tp_board_place(next, &same) == memory && !same, "the next one has its place");
	head->port4 = 40001;
	set_life(THREAD + 1);
	ok(tp_board_is() && tp_board_has_died(), "which is one again, and not the first");
	ok(tp_board_is_tarpit(&tarpit), "the former tarpit is still known");
	tarpit.port = 40001;
	ok(tp_board_is_tarpit(&tarpit), "and so is the new one");
	tarpit.port = 40002;
	ok(!tp_board_is_tarpit(&tarpit), "another port is none");
}

/* What no sidecar would write must lead nowhere. */
static void nonsense(void)
{
	struct tp_address address = { .family = AF_INET, .bytes = { 203, 0, 113, 1 }, .port = 53 }, out;
	struct tp_board_head *head = (struct tp_board_head *)memory;
	memset(memory + 8, 0xff, TP_BOARD_SIZE - 8);
	set_life(THREAD);
	is(tp_board_failure(UINT64_MAX), 0, "an errno beyond the kernel's is none");
	ok(!tp_board_peer(AF_INET, 65535, UINT64_MAX, &out), "a peer of no family is none");
	ok(!tp_board_udp_flow(UINT64_MAX, &address, &out), "nor is a flow");
	ok(tp_board_routes(&address), "routes that are being written for ever are the closed side");
	head->sequence = 2;
	head->routing = 0;
	ok(tp_board_routes(&address), "and so are more routes than there is room for");
	head->route_count = 1;
	ok(!tp_board_routes(&address), "a route of no family covers nothing");
}

int main(int argc, char **argv)
{
	memory = aligned_alloc(4096, TP_BOARD_SIZE);
	memset(memory, 0, TP_BOARD_SIZE);
	none();
	refused();
	for (int at = 1; at < argc;)
		at += step(argv + at);
	nonsense();
	death();
	return tap_end();
}
