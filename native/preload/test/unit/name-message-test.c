/*
 * name-message-test [resolve NAME FAMILY HEX - | reverse ADDRESS HEX - - | addresses HEX STATUS CANONICAL COUNT |
 * names HEX STATUS NAME -]...: the protocol's vectors. A STATUS of -1 is a message that is none.
 */
#include "ip-text.h"
#include "name-message.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t bytes[8192];

static size_t from_hex(const char *hex)
{
	size_t size = strlen(hex) / 2;
	for (size_t i = 0; i < size; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		bytes[i] = (uint8_t)strtol(digits, NULL, 16);
	}
	return size;
}

static int error_of(const char *status)
{
	static const int errors[] = { 0, -ENOENT, -ENODATA, -EAGAIN };
	return atoi(status) < 0 ? -EAGAIN : errors[atoi(status)];
}

static struct tp_addresses found;

/* No beginning of a good message may be taken for one, however it is cut. */
static void prefixes(size_t size, int (*read)(const uint8_t *, size_t))
{
	int taken = 0;
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *exact = malloc(cut + 1);
		memcpy(exact, bytes, cut);
		taken += read(exact, cut) != -EAGAIN;
		if (cut >= 4) {
			exact[2] = (uint8_t)cut;
			exact[3] = (uint8_t)(cut >> 8);
			int result = read(exact, cut);
			taken += result == 0;
		}
		free(exact);
	}
	is(taken, 0, "no beginning of it is one");
}

static int read_addresses(const uint8_t *message, size_t size)
{
	struct tp_addresses other;
	return tp_addresses_read(message, size, AF_UNSPEC, &other);
}

static int read_names(const uint8_t *message, size_t size)
{
	struct tp_addresses names;
	return tp_names_read(message, size, &names);
}

static void vector(char **at)
{
	uint8_t question[TP_RESOLVE_MAX];
	struct tp_address address = { .port = 80 };
	if (strcmp(at[0], "resolve") == 0) {
		size_t size = tp_resolve_write(question, at[1], atoi(at[2]));
		ok(size == from_hex(at[3]) && memcmp(question, bytes, size) == 0, "RESOLVE is written");
	} else if (strcmp(at[0], "reverse") == 0) {
		tp_ip_parse(&address, at[1], strlen(at[1]));
		tp_reverse_write(question, &address);
		ok(from_hex(at[2]) == TP_REVERSE_SIZE && memcmp(question, bytes, TP_REVERSE_SIZE) == 0, "REVERSE is written");
	} else if (strcmp(at[0], "addresses") == 0) {
		size_t size = from_hex(at[1]);
		is(tp_addresses_read(bytes, size, AF_UNSPEC, &found), error_of(at[2]), "ADDRESSES is read");
		if (strcmp(at[2], "0") == 0) {
			ok(strcmp(found.canonical, at[3]) == 0 && found.count == (size_t)atoi(at[4]), "with all it has");
			prefixes(size, read_addresses);
		}
	} else {
		size_t size = from_hex(at[1]);
		is(tp_names_read(bytes, size, &found), error_of(at[2]), "NAMES is read");
		if (strcmp(at[2], "0") == 0) {
			ok(strcmp(found.canonical, at[3]) == 0, "its first name");
			prefixes(size, read_names);
		}
	}
}

static uint64_t random_state = 0x2545f4914f6cdd1d;

static uint32_t chance(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 11) % below;
}

/* Whatever comes: the sanitizers see what is read beside it. An answer that is taken has what it says. */
static void mutations(void)
{
	static const char *const seeds[] = {
		"01062b0000011068656c6c6f2e6c61622e74732e6e65740400000064400005000000000000000000000000",
		"01062f000002000400000064400005000000000000000000000000" "06000000fd7a115ca1e000000000000000000005",
		"01081d0000021068656c6c6f2e6c61622e74732e6e65740568656c6c6f",
	};
	int bad = 0;
	for (int round = 0; round < 100000; round++) {
		size_t size = from_hex(seeds[chance(3)]);
		uint8_t *exact = malloc(size);
		memcpy(exact, bytes, size);
		for (uint32_t changes = chance(5); changes > 0; changes--)
			exact[chance((uint32_t)size)] = (uint8_t)chance(256);
		if (tp_addresses_read(exact, size, AF_UNSPEC, &found) == 0)
			bad += found.count == 0 || found.count > exact[5] || strlen(found.canonical) > exact[6];
		if (tp_names_read(exact, size, &found) == 0)
			bad += strlen(found.canonical) != exact[6] || found.aliases.count >= exact[5];
		free(exact);
	}
	is(bad, 0, "100,000 mutated answers are read or refused");
}

static void families(void)
{
	static const char both[] = "01062f00000200"
				   "0400000064400005000000000000000000000000"
				   "06000000fd7a115ca1e000000000000000000005";
	size_t size = from_hex(both);
	ok(tp_addresses_read(bytes, size, AF_INET6, &found) == 0 && found.count == 1 && found.list[0].family == AF_INET6,
	   "only the family that was asked for is taken");
	bytes[4] = 9;
	is(tp_addresses_read(bytes, size, AF_UNSPEC, &found), -EAGAIN, "an unknown status is \"try again\"");
	is(found.count, 0, "and gives no address");
	size = from_hex("01061b0000010004000000644000050000000000000000000000"
			"00");
	is(tp_addresses_read(bytes, size, AF_INET6, &found), -ENODATA, "none of a family is no data");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 5)
		vector(argv + i);
	families();
	mutations();
	return tap_end();
}
