#include "flow.h"

#include "memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define WORDS ((sizeof(struct tp_flow) + 7) / 8)
#define FIRST_SLOTS 64u
#define GROWTH 4u
/** A socket is in one of this many places of each generation, so that a search has an end. */
#define WINDOW 16u

struct slot {
	_Atomic uint32_t state;
	_Atomic uint32_t version; /* counts writes: a reader that sees two versions reads again */
	_Atomic uint64_t identity;
	_Atomic uint64_t words[WORDS];
};

struct generation {
	struct generation *older;
	size_t count;
	struct slot *slots;
};

static struct slot first_slots[FIRST_SLOTS];
static struct generation first = { NULL, FIRST_SLOTS, first_slots };
static _Atomic(struct generation *) newest = &first;
static _Atomic unsigned unsettled;
static _Atomic int any;

static bool is_unsettled(uint32_t state)
{
	return state == TP_FLOW_DIALLING || state == TP_FLOW_PENDING;
}

static struct slot *place(const struct generation *generation, uint64_t identity, size_t probe)
{
	uint64_t hash = identity * 0x9e3779b97f4a7c15u;
	return &generation->slots[((size_t)(hash >> 32) + probe) % generation->count];
}

static void write_flow(struct slot *slot, const struct tp_flow *flow)
{
	uint64_t words[WORDS] = { 0 };
	memcpy(words, flow, sizeof *flow);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
}

/** Returns the state in which identity and flow were read together, NONE when the slot is another socket's. */
static uint32_t read_slot(struct slot *slot, uint64_t identity, struct tp_flow *flow)
{
	for (int attempt = 0; attempt < 1000; attempt++) {
		uint64_t words[WORDS];
		uint32_t version = atomic_load(&slot->version);
		uint32_t state = atomic_load(&slot->state);
		if (atomic_load(&slot->identity) != identity || state < TP_FLOW_DIALLING)
			return TP_FLOW_NONE;
		for (size_t i = 0; i < WORDS; i++)
			words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
		if (atomic_load(&slot->version) != version || atomic_load(&slot->state) != state)
			continue;
		if (flow)
			memcpy(flow, words, sizeof *flow);
		return state;
	}
	return TP_FLOW_NONE;
}

static struct slot *search(uint64_t identity, uint32_t *state, struct tp_flow *flow)
{
	for (struct generation *g = atomic_load(&newest); g; g = g->older)
		for (size_t probe = 0; probe < WINDOW; probe++) {
			struct slot *slot = place(g, identity, probe);
			*state = read_slot(slot, identity, flow);
			if (*state != TP_FLOW_NONE)
				return slot;
		}
	*state = TP_FLOW_NONE;
	return NULL;
}

/** From `state` to CLAIMED; afterwards the slot is this caller's alone until publish(). */
static bool claim(struct slot *slot, uint32_t state, uint64_t identity)
{
	uint32_t expected = state;
	if (!atomic_compare_exchange_strong(&slot->state, &expected, TP_FLOW_CLAIMED))
		return false;
	if (atomic_load(&slot->identity) != identity) {
		atomic_store(&slot->state, state); /* given to another socket since it was found */
		return false;
	}
	atomic_fetch_add(&slot->version, 1);
	if (is_unsettled(state))
		atomic_fetch_sub(&unsettled, 1);
	return true;
}

static void publish(struct slot *slot, enum tp_flow_state state)
{
	if (is_unsettled(state))
		atomic_fetch_add(&unsettled, 1);
	atomic_fetch_add(&slot->version, 1);
	atomic_store(&slot->state, state);
}

static bool fill(struct slot *slot, uint32_t from, uint64_t owner, uint64_t identity, const struct tp_flow *flow)
{
	if (!claim(slot, from, owner))
		return false;
	atomic_store(&slot->identity, identity);
	write_flow(slot, flow);
	publish(slot, TP_FLOW_DIALLING);
	return true;
}

/* The place of a socket whose descriptor is now another's may be reused. A duplicate may still be open: it loses its
 * answer to getpeername(), which is why free places and, first of all, sockets long gone are what growth makes rare. */
static bool reuse(struct generation *g, uint64_t identity, const struct tp_flow *flow, tp_identify *identify)
{
	for (size_t probe = 0; probe < WINDOW; probe++) {
		struct slot *slot = place(g, identity, probe);
		struct tp_flow held;
		uint64_t owner = atomic_load(&slot->identity);
		uint32_t state = read_slot(slot, owner, &held);
		if (state != TP_FLOW_NONE && identify(held.fd) != owner && fill(slot, state, owner, identity, flow))
			return true;
	}
	return false;
}

static bool grow(struct generation *current)
{
	size_t count = current->count * GROWTH;
	struct generation *fresh = tp_memory_map(sizeof *fresh + count * sizeof(struct slot));
	if (!fresh)
		return false;
	fresh->older = current;
	fresh->count = count;
	fresh->slots = (struct slot *)(fresh + 1);
	if (!atomic_compare_exchange_strong(&newest, &current, fresh))
		tp_memory_unmap(fresh, sizeof *fresh + count * sizeof(struct slot));
	return true;
}

enum tp_flow_state tp_flow_begin(uint64_t identity, const struct tp_flow *flow, tp_identify *identify)
{
	uint32_t state;
	struct slot *slot = search(identity, &state, NULL);
	atomic_store_explicit(&any, 1, memory_order_relaxed);
	if (is_unsettled(state))
		return (enum tp_flow_state)state;
	if (slot && fill(slot, state, identity, identity, flow))
		return TP_FLOW_NONE;
	for (int round = 0; round < 8; round++) {
		struct generation *g = atomic_load(&newest);
		for (size_t probe = 0; probe < WINDOW; probe++)
			if (fill(place(g, identity, probe), TP_FLOW_NONE, 0, identity, flow))
				return TP_FLOW_NONE;
		if (reuse(g, identity, flow, identify) || !grow(g))
			return TP_FLOW_NONE;
	}
	return TP_FLOW_NONE; /* unrecorded: only getpeername() will miss it */
}

enum tp_flow_state tp_flow_resume(uint64_t identity, struct tp_flow *flow)
{
	uint32_t state;
	struct slot *slot = search(identity, &state, flow);
	if (state == TP_FLOW_PENDING && claim(slot, TP_FLOW_PENDING, identity)) {
		publish(slot, TP_FLOW_DIALLING);
		return TP_FLOW_PENDING;
	}
	return state == TP_FLOW_PENDING ? TP_FLOW_DIALLING : (enum tp_flow_state)state;
}

void tp_flow_settle(uint64_t identity, const struct tp_flow *flow, enum tp_flow_state state)
{
	uint32_t now;
	struct slot *slot = search(identity, &now, NULL);
	if (!slot || !claim(slot, now, identity))
		return;
	if (state == TP_FLOW_NONE)
		atomic_store(&slot->identity, 0);
	else
		write_flow(slot, flow);
	publish(slot, state);
}

enum tp_flow_state tp_flow_find(uint64_t identity, struct tp_flow *flow)
{
	uint32_t state;
	search(identity, &state, flow);
	return (enum tp_flow_state)state;
}

void tp_flow_forget(uint64_t identity)
{
	tp_flow_settle(identity, NULL, TP_FLOW_NONE);
}

unsigned tp_flow_unsettled(void)
{
	return atomic_load_explicit(&unsettled, memory_order_relaxed);
}

int tp_flow_any(void)
{
	return atomic_load_explicit(&any, memory_order_relaxed);
}
