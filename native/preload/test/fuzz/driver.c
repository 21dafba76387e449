/* driver [ROUNDS [SEED]]: mutates good replies by chance, for compilers without libFuzzer. The same seed, the same inputs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % below;
}

static const struct {
	size_t size;
	uint8_t bytes[32];
} seeds[] = {
	{ 13, { 0, 5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 4, 56 } },
	{ 15, { 1, 5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 1, 4, 56 } },
	{ 14, { 7, 5, 2, 1, 0, 5, 0, 0, 3, 3, 'h', 'i', '.', 0 } },
	{ 24, { 9, 5, 2, 1, 0, 5, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } },
	{ 4, { 3, 5, 2, 1 } },
	{ 3, { 1, 5, 255 } },
	{ 30, { 0, 1, 6, 29, 0, 0, 1, 2, 'h', 'i', 4, 0, 0, 0, 100, 64, 0, 5 } },
	{ 13, { 4, 1, 8, 12, 0, 0, 2, 2, 'h', 'i', 2, 'h', 'o' } },
	{ 8, { 13, 1, 1, 2, 6, 0, 0, 0 } },
};

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
	state = argc > 2 ? strtoull(argv[2], NULL, 10) : 0x2545f4914f6cdd1d;
	if (state == 0)
		state = 1;
	for (unsigned long round = 0; round < rounds; round++) {
		uint8_t input[400];
		uint32_t pick = chance(sizeof seeds / sizeof seeds[0]);
		size_t size = seeds[pick].size;
		memset(input, 0, sizeof input);
		memcpy(input, seeds[pick].bytes, size);
		if (chance(3) == 0)
			size += chance((uint32_t)(sizeof input - size)); /* what follows the reply */
		for (uint32_t changes = chance(6); changes > 0; changes--) {
			uint32_t at = chance((uint32_t)size);
			input[at] = (uint8_t)(chance(2) ? chance(256) : input[at] ^ 1u << chance(8));
		}
		if (chance(4) == 0)
			size = chance((uint32_t)size + 1);
		LLVMFuzzerTestOneInput(input, size);
	}
	printf("%lu inputs\n", rounds);
	return 0;
}
