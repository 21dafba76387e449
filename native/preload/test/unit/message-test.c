#include "message.h"
#include "tap.h"

static void heads(void)
{
	uint8_t bytes[24] = { 0 };
	tp_message_head(bytes, TP_DIAL, sizeof bytes);
	ok(bytes[0] == 1 && bytes[1] == 3 && bytes[2] == 24 && bytes[3] == 0, "a head is version, type, length");
	ok(tp_message_is(bytes, sizeof bytes, TP_DIAL), "a whole message is one");
	ok(!tp_message_is(bytes, sizeof bytes, TP_CANCEL), "but of its type alone");
	ok(!tp_message_is(bytes, sizeof bytes - 1, TP_DIAL), "one that is cut is none");
	for (size_t size = 0; size < TP_HEADER_SIZE; size++)
		ok(!tp_message_is(bytes, size, TP_DIAL), "less than a head is none");
	bytes[0] = 2;
	ok(!tp_message_is(bytes, sizeof bytes, TP_DIAL), "another version is none");
}

static void addresses(void)
{
	static const uint8_t four[TP_WIRE_ADDRESS_SIZE] = { 4, 0, 80, 0, 100, 64, 0, 5 };
	static const uint8_t six[TP_WIRE_ADDRESS_SIZE] = { 6, 0, 0xbb, 1, 0xfd, 0x7a, [19] = 5 };
	struct tp_address address = { .family = AF_INET, .bytes = { 100, 64, 0, 5 }, .port = 80, .mapped = 1 }, back;
	uint8_t bytes[TP_WIRE_ADDRESS_SIZE], wrong[TP_WIRE_ADDRESS_SIZE];
	tp_message_address(bytes, &address);
	ok(memcmp(bytes, four, sizeof four) == 0, "a v4-mapped address is sent as IPv4");
	ok(tp_message_read_address(bytes, &back) && tp_address_same(&address, &back), "and read back");
	ok(tp_message_read_address(six, &back) && back.family == AF_INET6 && back.port == 443, "IPv6 is read");
	tp_message_address(bytes, &back);
	ok(memcmp(bytes, six, sizeof six) == 0, "and written the same");
	memcpy(wrong, four, sizeof wrong);
	wrong[19] = 1;
	ok(!tp_message_read_address(wrong, &back), "IPv4 with more than four bytes is none");
	memcpy(wrong, four, sizeof wrong);
	wrong[1] = 1;
	ok(!tp_message_read_address(wrong, &back), "nor is one with a reserved byte");
	wrong[0] = wrong[1] = 0;
	ok(!tp_message_read_address(wrong, &back), "nor one of no family");
}

int main(void)
{
	heads();
	addresses();
	return tap_end();
}
