#include "control-line.h"
#include "ip-text.h"
#include "tap.h"

#include <errno.h>

static char line[TP_CONTROL_LINE_MAX];

static struct tp_listener listener_of(const char *host, uint16_t port, bool both, uint64_t cookie)
{
	struct tp_listener listener = { .both = both, .cookie = cookie };
	tp_ip_parse(&listener.address, host, strlen(host));
	listener.address.port = port;
	return listener;
}

static void says(const char *wanted, size_t length, const char *name)
{
	ok(length == strlen(wanted) && memcmp(line, wanted, length) == 0, name);
}

static void written(void)
{
	struct tp_listener four = listener_of("0.0.0.0", 8000, false, 7), six = listener_of("::", 1, false, 0);
	struct tp_listener both = listener_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, true, UINT64_MAX);
	struct tp_listener mapped = listener_of("::ffff:192.0.2.1", 80, false, 1);
	says("HELLO 2 1234\n", tp_control_hello(line, 1234), "HELLO has the version and the process");
	says("LISTEN 1 tcp4 0.0.0.0 8000 7\n", tp_control_request(line, TP_CONTROL_LISTEN, 1, &four), "LISTEN, of IPv4");
	says("CLOSE 0 tcp6 :: 1 0\n", tp_control_request(line, TP_CONTROL_CLOSE, 0, &six), "CLOSE, of IPv6");
	says("LISTEN 4294967295 tcp46 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 18446744073709551615\n",
	     tp_control_request(line, TP_CONTROL_LISTEN, UINT32_MAX, &both), "the longest, of both families");
	says("LISTEN 2 tcp4 192.0.2.1 80 1\n", tp_control_request(line, TP_CONTROL_LISTEN, 2, &mapped),
	     "a v4-mapped address is IPv4");
}

static struct tp_control_answer read_text(const char *text)
{
	return tp_control_read(text, strlen(text));
}

static void read_back(void)
{
	static const char *const wrong[] = { "", "OK", "OK ", "OK x", "OK -1", "OK 4294967296", "OK 1 2", "ok 1", "HELLO", "HELLO two",
					     "REFUSED", "REFUSED x denied", "NOTICE 1", " OK 1" };
	static const struct {
		const char *code;
		int error;
	} codes[] = { { "denied", EACCES }, { "limit", EACCES }, { "taken", EADDRINUSE }, { "invalid", EINVAL },
		      { "unavailable", ENETDOWN }, { "another", ENETDOWN } };
	struct tp_control_answer answer = read_text("OK 77");
	ok(answer.kind == TP_CONTROL_OK && answer.id == 77, "OK has an id");
	answer = read_text("HELLO 2");
	ok(answer.kind == TP_CONTROL_HELLO && answer.id == 2, "HELLO has a version");
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		char text[64];
		snprintf(text, sizeof text, "REFUSED 3 %s for a reason", codes[i].code);
		answer = read_text(text);
		ok(answer.kind == TP_CONTROL_REFUSED && answer.id == 3 && answer.error == codes[i].error &&
			   answer.reason_length == 12 && memcmp(answer.reason, "for a reason", 12) == 0,
		   text);
	}
	answer = read_text("REFUSED 3 denied");
	ok(answer.kind == TP_CONTROL_REFUSED && answer.reason_length == 0, "a reason may be missing");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		is(read_text(wrong[i]).kind, TP_CONTROL_UNKNOWN, wrong[i][0] ? wrong[i] : "an empty line");
}

int main(void)
{
	written();
	read_back();
	return tap_end();
}
