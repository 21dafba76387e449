#include "stand-in.h"

#include "memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define SLOTS 131072u /* as many as 198.18.0.0/15 has addresses */
#define PROBES 4096u

/* The slot of a name is its address: nothing else to keep, and no lock, so that fork() and signals are no concern. */
static _Atomic(_Atomic(char *) *) table;

static const uint8_t prefix6[4] = { 0xfd, 0xfe, 0x00, 0x00 };

bool tp_stand_in_is(const struct tp_address *address)
{
	if (address->family == AF_INET)
		return address->bytes[0] == 198 && (address->bytes[1] & 0xfe) == 18;
	return memcmp(address->bytes, prefix6, sizeof prefix6) == 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static _Atomic(char *) *slots(void)
{
	_Atomic(char *) *current = atomic_load_explicit(&table, memory_order_acquire);
	if (current)
		return current;
	_Atomic(char *) *fresh = tp_memory_map(SLOTS * sizeof *fresh);
	if (!fresh)
		return NULL;
	if (atomic_compare_exchange_strong(&table, &current, fresh))
		return fresh;
	tp_memory_unmap(fresh, SLOTS * sizeof *fresh);
	return current;
}

static void write_address(struct tp_address *out, int family, uint32_t index)
{
	memset(out, 0, sizeof *out);
	out->family = (uint8_t)family;
	if (family == AF_INET) {
		out->bytes[0] = 198;
		out->bytes[1] = (uint8_t)(18 | index >> 16);
		out->bytes[2] = (uint8_t)(index >> 8);
		out->bytes[3] = (uint8_t)index;
		return;
	}
	memcpy(out->bytes, prefix6, sizeof prefix6);
	out->bytes[13] = (uint8_t)(index >> 16);
	out->bytes[14] = (uint8_t)(index >> 8);
	out->bytes[15] = (uint8_t)index;
}

int tp_stand_in_for(const char *name, int family, struct tp_address *out)
{
	char wanted[TP_NAME_MAX + 1];
	size_t length = 0;
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; name[length] != '\0'; length++) {
		if (length == TP_NAME_MAX)
			return -EINVAL;
		wanted[length] = lower(name[length]);
		hash = (hash ^ (uint8_t)wanted[length]) * 16777619u;
	}
	wanted[length] = '\0';
	_Atomic(char *) *all = slots();
	if (length == 0 || !all)
		return length == 0 ? -EINVAL : -ENOMEM;
	hash ^= hash >> 16;
	for (uint32_t probe = 0; probe < PROBES; probe++) {
		uint32_t index = (hash + probe) % SLOTS;
		char *held = atomic_load_explicit(&all[index], memory_order_acquire);
		if (!held) {
			char *copy = tp_memory_keep(wanted, length + 1);
			if (!copy)
				return -ENOMEM;
			if (atomic_compare_exchange_strong(&all[index], &held, copy))
				held = copy;
		}
		if (strcmp(held, wanted) == 0) {
			write_address(out, family, index);
			return 0;
		}
	}
	return -ENOMEM;
}

const char *tp_stand_in_name(const struct tp_address *address)
{
	const uint8_t *bytes = address->bytes;
	uint32_t index = (uint32_t)(bytes[1] & 1) << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	_Atomic(char *) *all = atomic_load_explicit(&table, memory_order_acquire);
	if (!all || !tp_stand_in_is(address))
		return NULL;
	if (address->family == AF_INET6) {
		static const uint8_t zeros[9];
		if (memcmp(bytes + 4, zeros, sizeof zeros) != 0 || bytes[13] > 1)
			return NULL;
		index = (uint32_t)bytes[13] << 16 | (uint32_t)bytes[14] << 8 | bytes[15];
	}
	return atomic_load_explicit(&all[index], memory_order_acquire);
}
