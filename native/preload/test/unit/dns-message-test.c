#include "dns-message.h"
#include "tap.h"

#include <errno.h>
#include <netdb.h>

static uint8_t out[TP_DNS_QUESTION_MAX];

static void questions(void)
{
	static const uint8_t wanted[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 2, 'b', 'c', 0, 0, 28, 0, 1 };
	static const uint8_t escaped[] = { 3, 'a', '.', 0x07, 1, '\\', 0 };
	char text[300];
	is(tp_dns_question(out, 0x1234, "a.bc", 1, 28), sizeof wanted, "a question has a header, the name, type and class");
	ok(memcmp(out, wanted, sizeof wanted) == 0, "in the order of RFC 1035");
	is(tp_dns_question(out, 0, "a.bc.", 1, 28), sizeof wanted, "a dot at the end changes nothing");
	is(tp_dns_question(out, 0, "a\\.\\007.\\\\", 1, 1), 12 + sizeof escaped + 4, "escapes are octets");
	ok(memcmp(out + 12, escaped, sizeof escaped) == 0, "of their label");
	is(tp_dns_question(out, 0, "", 1, 1), 17, "the empty name is the root");
	is(tp_dns_question(out, 0, ".", 1, 1), 17, "so is a dot");
	static const char *const bad[] = { "a..b", ".a", "a..", "\\", "a\\25", "a\\256", "a\\2x5" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		is(tp_dns_question(out, 0, bad[i], 1, 1), -EINVAL, "what is no domain name is refused");
	is(tp_dns_question(out, 0, "a", 65536, 1), -EINVAL, "so is a class that has no room");
	is(tp_dns_question(out, 0, "a", 1, -1), -EINVAL, "and a type that is none");
	memset(text, 'x', sizeof text);
	text[63] = '\0';
	is(tp_dns_question(out, 0, text, 1, 1), 12 + 65 + 4, "a label has 63 octets");
	text[63] = 'x';
	text[64] = '\0';
	is(tp_dns_question(out, 0, text, 1, 1), -EINVAL, "and no more");
	memset(text, 'x', sizeof text);
	text[63] = text[127] = text[191] = '.';
	text[253] = '\0';
	is(tp_dns_question(out, 0, text, 1, 1), TP_DNS_QUESTION_MAX, "a name has 255 octets");
	text[253] = 'x';
	text[254] = '\0';
	is(tp_dns_question(out, 0, text, 1, 1), -EINVAL, "and no more");
	text[252] = '.';
	text[253] = 'x';
	is(tp_dns_question(out, 0, text, 1, 1), -EINVAL, "however it is cut");
}

static void outcomes(void)
{
	static const struct {
		uint8_t rcode, answers;
		int outcome;
	} table[] = { { 0, 1, NETDB_SUCCESS }, { 0, 0, NO_DATA }, { 3, 0, HOST_NOT_FOUND }, { 3, 1, HOST_NOT_FOUND },
		      { 2, 0, TRY_AGAIN }, { 5, 0, NO_RECOVERY } };
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		uint8_t message[12] = { 0, 0, 0x81, (uint8_t)(0x80 | table[i].rcode), 0, 1, 0, table[i].answers };
		is(tp_dns_outcome(message), table[i].outcome, "each RCODE has its h_errno");
	}
	uint8_t message[12] = { 0, 0, 0x81 };
	tp_dns_mark_truncated(message);
	is(message[2], 0x83, "TC is the second bit");
}

int main(void)
{
	questions();
	outcomes();
	return tap_end();
}
