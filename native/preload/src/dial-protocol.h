/* The numbers of docs/preload-protocol.md, version 1. Little-endian throughout, as both supported machines are. */
#ifndef TP_DIAL_PROTOCOL_H
#define TP_DIAL_PROTOCOL_H

#include <stdint.h>

#define TP_PROTOCOL_VERSION 1
#define TP_MESSAGE_MAX 4096
#define TP_ANSWER_MAX 65535
/** version, type, length */
#define TP_HEADER_SIZE 4
#define TP_WIRE_ADDRESS_SIZE 20

enum tp_message {
	TP_HELLO = 1,
	TP_WELCOME = 2,
	TP_DIAL = 3,
	TP_CANCEL = 4,
	TP_RESOLVE = 5,
	TP_ADDRESSES = 6,
	TP_REVERSE = 7,
	TP_NAMES = 8,
	TP_QUERY = 9,
	TP_ANSWER = 10,
	TP_FLOW = 11,
	TP_FLOWED = 12,
	TP_HOLD = 13,
	TP_CONTROL = 14,
	TP_CONTROLLED = 15,
};

enum { TP_HELLO_WELCOME = 1 };
enum { TP_RUN_ONLY_TAILNET = 1, TP_RUN_ASKS = 2 };
enum { TP_UDP_PROXY = 0, TP_UDP_BLOCK = 1, TP_UDP_DIRECT = 2 };
enum { TP_STATUS_FOUND = 0, TP_STATUS_NO_NAME = 1, TP_STATUS_NO_ADDRESS = 2, TP_STATUS_AGAIN = 3 };

#define TP_BOARD_SIZE 13631488u
#define TP_BOARD_ROUTES_MAX 2048u
#define TP_BOARD_RESOLVERS_MAX 16u
#define TP_BOARD_FAILURES 65536u
#define TP_BOARD_FAILURE_BUCKETS 4096u
#define TP_BOARD_INDEX 589824u
#define TP_BOARD_INDEX_BUCKETS 8192u
#define TP_BOARD_WAYS 8u
#define TP_BOARD_PEERS4 1048576u
#define TP_BOARD_PEERS6 3145728u
#define TP_BOARD_UDP4 5242880u
#define TP_BOARD_UDP6 7340032u
#define TP_BOARD_CLIENTS4 9437184u
#define TP_BOARD_CLIENTS6 11534336u

/** Offset 0. */
struct tp_board_head {
	uint8_t magic[4];
	uint32_t size;
	uint32_t flags;
	uint16_t port4, port6;
	uint8_t address4[4], address6[16];
	uint32_t life;
	uint32_t sequence;
	uint32_t routing;
	uint32_t route_count, resolver_count;
	uint32_t mtu;
	uint32_t unused2;
	struct tp_board_prefix {
		uint8_t family, bits;
		uint16_t zero;
		uint8_t address[16];
	} resolvers[TP_BOARD_RESOLVERS_MAX];
	uint8_t unused3[4096 - 64 - TP_BOARD_RESOLVERS_MAX * 20];
	struct tp_board_prefix routes[TP_BOARD_ROUTES_MAX];
};

_Static_assert(__builtin_offsetof(struct tp_board_head, life) == 36, "docs/preload-protocol.md");
_Static_assert(__builtin_offsetof(struct tp_board_head, sequence) == 40, "docs/preload-protocol.md");
_Static_assert(__builtin_offsetof(struct tp_board_head, resolvers) == 64, "docs/preload-protocol.md");
_Static_assert(__builtin_offsetof(struct tp_board_head, routes) == 4096, "docs/preload-protocol.md");

/** Of the life, what is 0 when the sidecar is dead: FUTEX_TID_MASK of linux/futex.h. */
#define TP_BOARD_LIVES 0x3fffffffu
enum { TP_BOARD_TARPIT4 = 1, TP_BOARD_TARPIT6 = 2 };
enum { TP_BOARD_EVERYTHING = 1 };

struct tp_board_failure {
	uint64_t cookie;
	uint32_t error;
	uint32_t zero;
};

struct tp_board_entry {
	uint64_t cookie;
	uint8_t address[16];
	uint16_t port;
	uint8_t family;
	uint8_t end[5]; /* of a client's entry: the listener's port and the last three bytes of its address; else zero */
};

_Static_assert(sizeof(struct tp_board_failure) == 16 && sizeof(struct tp_board_entry) == 32, "docs/preload-protocol.md");

#endif
