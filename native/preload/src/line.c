#include "line.h"

#include "ip-text.h"
#include "syscall.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static struct stat stderr_at_start;
static bool stderr_known;

static void append(struct tp_line *line, const char *text, size_t length)
{
	size_t room = sizeof line->text - 1 - line->length; /* one is kept for the newline */
	if (length > room)
		length = room;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

void tp_line_text(struct tp_line *line, const char *text)
{
	append(line, text, strlen(text));
}

void tp_line_number(struct tp_line *line, long value)
{
	char digits[20];
	size_t at = sizeof digits;
	unsigned long rest = value < 0 ? 0ul - (unsigned long)value : (unsigned long)value;
	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (value < 0)
		append(line, "-", 1);
	append(line, digits + at, sizeof digits - at);
}

void tp_line_address(struct tp_line *line, const struct tp_address *address)
{
	char text[TP_IP_TEXT_MAX];
	size_t length = tp_ip_format(address, false, text);
	tp_line_text(line, address->family == AF_INET6 ? "[" : "");
	append(line, text, length);
	tp_line_text(line, address->family == AF_INET6 ? "]:" : ":");
	tp_line_number(line, address->port);
}

void tp_line_error(struct tp_line *line, int error)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
		{ 0, "connected" },
		{ EACCES, "denied (a filter, or the credential)" },
		{ ECONNREFUSED, "connection refused" },
		{ EINPROGRESS, "under way" },
		{ EHOSTUNREACH, "no such host, or it cannot be reached" },
		{ EISCONN, "already connected" },
		{ ENETDOWN, "the proxy is away or failed" },
		{ ENETUNREACH, "no route" },
		{ ETIMEDOUT, "timed out" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].error == error) {
			tp_line_text(line, known[i].text);
			return;
		}
	tp_line_text(line, "errno ");
	tp_line_number(line, error);
}

void tp_line_init(void)
{
	stderr_known = tp_syscall2(SYS_fstat, 2, &stderr_at_start) == 0;
}

void tp_line_write(struct tp_line *line)
{
	struct stat now;
	uint64_t pipe_signal = (uint64_t)1 << (SIGPIPE - 1), before = 0;
	struct tp_line whole = { 0 };
	/* Daemons close descriptor 2, and the next socket gets its number. */
	if (!stderr_known || tp_syscall2(SYS_fstat, 2, &now) < 0 || now.st_dev != stderr_at_start.st_dev ||
	    now.st_ino != stderr_at_start.st_ino)
		return;
	tp_line_text(&whole, "tailproxy: ");
	append(&whole, line->text, line->length);
	whole.text[whole.length++] = '\n';
	/* write(2) has no MSG_NOSIGNAL: a reader that is gone must not cost the program its life. */
	tp_syscall4(SYS_rt_sigprocmask, SIG_BLOCK, &pipe_signal, &before, sizeof before);
	if (tp_syscall3(SYS_write, 2, whole.text, whole.length) == -EPIPE && !(before & pipe_signal)) {
		struct timespec none = { 0, 0 };
		tp_syscall4(SYS_rt_sigtimedwait, &pipe_signal, 0, &none, sizeof pipe_signal);
	}
	tp_syscall4(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, sizeof before);
}
