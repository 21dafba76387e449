#include "board.h"

#include "cidr.h"
#include "message.h"

#include <stdatomic.h>
#include <string.h>

/** A sidecar that was stopped in the middle of writing the routes must not hold a connect() for ever. */
#define ATTEMPTS 10000

static _Atomic(const struct tp_board_head *) board;
/** The ports of the tarpits on the board before. */
static _Atomic uint32_t former_tarpits;
static _Atomic bool replaced;

/** Dead or alive. */
static const struct tp_board_head *last(void)
{
	return atomic_load_explicit(&board, memory_order_acquire);
}

static const void *at(const struct tp_board_head *head, size_t offset)
{
	return (const uint8_t *)head + offset;
}

/* Acquiring loads throughout, so that the second look at a sequence or cookie comes after what it vouches for; a fence would
 * do, but ThreadSanitizer knows none. */
static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static const struct tp_board_head *here(void)
{
	const struct tp_board_head *head = last();
	return head && (load(&head->life) & TP_BOARD_LIVES) ? head : NULL;
}

bool tp_board_begins(const uint8_t beginning[TP_BOARD_BEGINNING])
{
	uint32_t words[TP_BOARD_BEGINNING / 4];
	memcpy(words, beginning, sizeof words);
	return memcmp(beginning, "TPB1", 4) == 0 && words[1] == TP_BOARD_SIZE && (words[9] & TP_BOARD_LIVES);
}

bool tp_board_adopt(const void *start)
{
	const struct tp_board_head *none = NULL;
	return atomic_compare_exchange_strong(&board, &none, start);
}

void *tp_board_place(const uint8_t beginning[TP_BOARD_BEGINNING], bool *same)
{
	const struct tp_board_head *head = last();
	*same = head && memcmp(&head->life, beginning + 36, sizeof head->life) == 0;
	if (head && !*same) {
		atomic_store(&former_tarpits, (uint32_t)head->port6 << 16 | head->port4);
		atomic_store(&replaced, true);
	}
	return (void *)head;
}

bool tp_board_is(void)
{
	return here() != NULL;
}

bool tp_board_has_died(void)
{
	return atomic_load_explicit(&replaced, memory_order_relaxed) || (last() && !here());
}

static bool tarpit_on(const struct tp_board_head *head, int family, struct tp_address *out)
{
	bool six = family == AF_INET6;
	if (!head || !(head->flags & (six ? TP_BOARD_TARPIT6 : TP_BOARD_TARPIT4)))
		return false;
	memset(out, 0, sizeof *out);
	out->family = six ? AF_INET6 : AF_INET;
	out->port = six ? head->port6 : head->port4;
	memcpy(out->bytes, six ? head->address6 : head->address4, six ? 16 : 4);
	return true;
}

bool tp_board_tarpit(int family, struct tp_address *out)
{
	return tarpit_on(here(), family, out);
}

bool tp_board_is_tarpit(const struct tp_address *address)
{
	struct tp_address tarpit;
	if (!tarpit_on(last(), address->family, &tarpit))
		return false;
	if (tp_address_same(address, &tarpit))
		return true;
	uint32_t former = atomic_load_explicit(&former_tarpits, memory_order_relaxed);
	tarpit.port = (uint16_t)(address->family == AF_INET6 ? former >> 16 : former);
	return tarpit.port != 0 && tp_address_same(address, &tarpit);
}

static void read_prefix(const struct tp_board_prefix *prefix, struct tp_board_prefix *out)
{
	uint32_t words[sizeof *prefix / 4];
	for (size_t i = 0; i < sizeof *prefix / 4; i++)
		words[i] = load((const uint32_t *)(const void *)prefix + i);
	memcpy(out, words, sizeof *out);
}

static bool contains(const struct tp_board_prefix *shared, const struct tp_address *address)
{
	struct tp_board_prefix prefix;
	struct tp_cidr cidr;
	read_prefix(shared, &prefix);
	if ((prefix.family != 4 && prefix.family != 6) || prefix.bits > (prefix.family == 4 ? 32 : 128))
		return false;
	memcpy(cidr.bytes, prefix.address, sizeof cidr.bytes);
	cidr.family = prefix.family == 6 ? AF_INET6 : AF_INET;
	cidr.bits = prefix.bits;
	return tp_cidr_contains(&cidr, address);
}

static bool routes(const struct tp_board_head *head, const struct tp_address *address)
{
	uint32_t count = load(&head->route_count);
	if (load(&head->routing) & TP_BOARD_EVERYTHING)
		return true;
	for (uint32_t i = 0; i < count && i < TP_BOARD_ROUTES_MAX; i++)
		if (contains(&head->routes[i], address))
			return true;
	return count > TP_BOARD_ROUTES_MAX;
}

static bool resolves(const struct tp_board_head *head, const struct tp_address *address)
{
	struct tp_board_prefix resolver;
	uint32_t count = load(&head->resolver_count);
	for (uint32_t i = 0; i < count && i < TP_BOARD_RESOLVERS_MAX; i++) {
		read_prefix(&head->resolvers[i], &resolver);
		if (resolver.family == (address->family == AF_INET ? 4 : 6) &&
		    memcmp(resolver.address, address->bytes, address->family == AF_INET ? 4 : 16) == 0)
			return true;
	}
	return false;
}

/** Asks while the sidecar does not write. What cannot be read whole is answered with yes: that is the closed side. */
static bool whole(bool (*ask)(const struct tp_board_head *, const struct tp_address *), const struct tp_address *address)
{
	const struct tp_board_head *head = last();
	if (!head)
		return false;
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		/* Another board may come in its place: the sequence alone could be the same. */
		uint32_t life = load(&head->life), before = load(&head->sequence);
		if (before & 1)
			continue;
		bool answer = ask(head, address);
		if (load(&head->sequence) == before && load(&head->life) == life)
			return answer;
	}
	return true;
}

bool tp_board_routes(const struct tp_address *address)
{
	return whole(routes, address);
}

bool tp_board_is_resolver(const struct tp_address *address)
{
	return address->port == 53 && whole(resolves, address);
}

unsigned tp_board_mtu(void)
{
	const struct tp_board_head *head = last();
	return head ? load(&head->mtu) : 0;
}

int tp_board_failure(uint64_t cookie)
{
	const struct tp_board_head *head = last();
	if (!head || cookie == 0)
		return 0;
	const struct tp_board_failure *bucket = at(head, TP_BOARD_FAILURES);
	bucket += ((cookie * 0x9e3779b97f4a7c15u) >> 52) * TP_BOARD_WAYS;
	for (size_t way = 0; way < TP_BOARD_WAYS; way++) {
		if (__atomic_load_n(&bucket[way].cookie, __ATOMIC_ACQUIRE) != cookie)
			continue;
		uint32_t error = load(&bucket[way].error);
		/* MAX_ERRNO of the kernel. */
		if (__atomic_load_n(&bucket[way].cookie, __ATOMIC_RELAXED) == cookie && error > 0 && error < 4096)
			return (int)error;
	}
	return 0;
}

/** Reads an entry whole. False when it is unused, or being written. */
static bool take_entry(const struct tp_board_entry *shared, struct tp_board_entry *out)
{
	uint64_t words[sizeof *out / 8];
	for (size_t i = 0; i < sizeof *out / 8; i++)
		words[i] = __atomic_load_n((const uint64_t *)(const void *)shared + i, __ATOMIC_ACQUIRE);
	memcpy(out, words, sizeof *out);
	return out->cookie != 0 && (out->family == 4 || out->family == 6) &&
	       __atomic_load_n(&shared->cookie, __ATOMIC_RELAXED) == out->cookie;
}

static void address_of(const struct tp_board_entry *entry, struct tp_address *out)
{
	memset(out, 0, sizeof *out);
	out->family = entry->family == 4 ? AF_INET : AF_INET6;
	out->port = entry->port;
	memcpy(out->bytes, entry->address, entry->family == 4 ? 4 : 16);
}

/** Returns the entry's cookie, or 0. */
static uint64_t read_entry(const struct tp_board_entry *shared, struct tp_address *out)
{
	struct tp_board_entry entry;
	if (!take_entry(shared, &entry))
		return 0;
	address_of(&entry, out);
	return entry.cookie;
}

static const struct tp_board_entry *entry_on(const struct tp_board_head *head, int family, size_t four, size_t six, uint16_t port)
{
	return head ? (const struct tp_board_entry *)at(head, family == AF_INET6 ? six : four) + port : NULL;
}

bool tp_board_peer(int family, uint16_t local_port, uint64_t cookie, struct tp_address *out)
{
	const struct tp_board_entry *entry = entry_on(here(), family, TP_BOARD_PEERS4, TP_BOARD_PEERS6, local_port);
	return entry && cookie != 0 && read_entry(entry, out) == cookie;
}

bool tp_board_is_client(const struct tp_address *from)
{
	const struct tp_board_entry *shared = entry_on(here(), from->family, TP_BOARD_CLIENTS4, TP_BOARD_CLIENTS6, from->port);
	return shared && __atomic_load_n(&shared->cookie, __ATOMIC_ACQUIRE) != 0;
}

bool tp_board_client(const struct tp_address *from, const struct tp_address *to, struct tp_address *out)
{
	const struct tp_board_entry *shared = entry_on(here(), from->family, TP_BOARD_CLIENTS4, TP_BOARD_CLIENTS6, from->port);
	struct tp_board_entry entry;
	uint16_t port;
	if (!shared || !take_entry(shared, &entry))
		return false;
	memcpy(&port, entry.end, sizeof port);
	/* A stranger may have connected from the same port to something else. */
	if (port != to->port || memcmp(entry.end + 2, to->bytes + (to->family == AF_INET ? 1 : 13), 3) != 0)
		return false;
	address_of(&entry, out);
	return true;
}

static bool is_loopback_itself(const struct tp_address *address)
{
	static const uint8_t four[4] = { 127, 0, 0, 1 }, six[16] = { [15] = 1 };
	return address->family == AF_INET ? memcmp(address->bytes, four, 4) == 0 : memcmp(address->bytes, six, 16) == 0;
}

bool tp_board_udp_peer(const struct tp_address *flow, uint64_t cookie, struct tp_address *out)
{
	const struct tp_board_entry *entry = entry_on(here(), flow->family, TP_BOARD_UDP4, TP_BOARD_UDP6, flow->port);
	uint64_t found = entry && is_loopback_itself(flow) ? read_entry(entry, out) : 0;
	return found != 0 && (cookie == 0 || cookie == found);
}

/** FNV-1a over the cookie and the destination as ADDRESS. */
static uint64_t index_hash(uint64_t cookie, const struct tp_address *destination)
{
	uint8_t bytes[8 + TP_WIRE_ADDRESS_SIZE];
	uint64_t hash = 0xcbf29ce484222325u;
	memcpy(bytes, &cookie, sizeof cookie);
	tp_message_address(bytes + 8, destination);
	for (size_t i = 0; i < sizeof bytes; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

bool tp_board_udp_flow(uint64_t cookie, const struct tp_address *destination, struct tp_address *out)
{
	static const struct tp_address loopback[2] = { { .family = AF_INET, .bytes = { 127, 0, 0, 1 } },
						       { .family = AF_INET6, .bytes = { [15] = 1 } } };
	const struct tp_board_head *head = here();
	struct tp_address found;
	if (!head || cookie == 0)
		return false;
	const uint32_t *bucket = at(head, TP_BOARD_INDEX);
	bucket += (index_hash(cookie, destination) >> 51) * TP_BOARD_WAYS;
	for (size_t way = 0; way < TP_BOARD_WAYS; way++) {
		uint32_t word = load(&bucket[way]);
		int family = word >> 16 & 1 ? AF_INET6 : AF_INET;
		uint16_t port = (uint16_t)word;
		if (!(word >> 31) ||
		    read_entry(entry_on(head, family, TP_BOARD_UDP4, TP_BOARD_UDP6, port), &found) != cookie ||
		    !tp_address_same(&found, destination))
			continue;
		*out = loopback[family == AF_INET6];
		out->port = port;
		return true;
	}
	return false;
}
