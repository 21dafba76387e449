#include "memory.h"
#include "stand-in.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>

static void *fill(void *argument)
{
	for (long i = 0; i < 4000; i++) {
		char name[48];
		struct tp_address address;
		snprintf(name, sizeof name, "host-%ld.example", i);
		tp_stand_in_for(name, i % 2 ? AF_INET : AF_INET6, &address);
		if (!tp_stand_in_name(&address) || strcmp(tp_stand_in_name(&address), name) != 0)
			*(int *)argument += 1;
	}
	return NULL;
}

int main(void)
{
	struct tp_address four, six, again, never = { .family = AF_INET, .bytes = { 198, 19, 1, 2 } };
	struct tp_address outside = { .family = AF_INET, .bytes = { 198, 20, 0, 0 } };
	char longest[257] = "";
	ok(!tp_stand_in_name(&never), "an address that was never given out stands for nothing");
	is(tp_stand_in_for("Hello.Example", AF_INET, &four), 0, "a name gets an address");
	ok(tp_stand_in_is(&four), "of the stand-in block");
	is(tp_stand_in_for("hello.example", AF_INET6, &six), 0, "and one of the other family");
	ok(tp_stand_in_is(&six) && six.family == AF_INET6, "of its block");
	tp_stand_in_for("HELLO.example", AF_INET, &again);
	ok(memcmp(&four, &again, sizeof four) == 0, "the same name has the same address, in any case");
	ok(tp_stand_in_name(&four) && strcmp(tp_stand_in_name(&four), "hello.example") == 0, "IPv4 stands for the name");
	ok(tp_stand_in_name(&six) && strcmp(tp_stand_in_name(&six), "hello.example") == 0, "so does IPv6");
	ok(!tp_stand_in_name(&never), "another address of the block still stands for nothing");
	six.bytes[7] = 1;
	ok(!tp_stand_in_name(&six), "nor does one with more bits than were given out");
	ok(!tp_stand_in_is(&outside) && !tp_stand_in_name(&outside), "198.20.0.0 is outside");
	memset(longest, 'a', 255);
	is(tp_stand_in_for(longest, AF_INET, &four), 0, "a name of 255 bytes is the longest");
	longest[255] = 'a';
	is(tp_stand_in_for(longest, AF_INET, &four), -EINVAL, "one of 256 is refused");
	is(tp_stand_in_for("", AF_INET, &four), -EINVAL, "so is none");
	pthread_t threads[4];
	int bad[4] = { 0 };
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fill, &bad[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	is(bad[0] + bad[1] + bad[2] + bad[3], 0, "four threads agree on four thousand names");
	return tap_end();
}
