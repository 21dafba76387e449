#include "ask.h"

#include "syscall.h"
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

struct exchange {
	struct tp_question *question;
	struct tp_socks5_reader reader;
	size_t sent, length;
	bool done;
	uint8_t request[TP_SOCKS5_REQUEST_MAX];
};

static int open_connection(const struct tp_config *config)
{
	struct sockaddr_storage proxy;
	socklen_t length = tp_address_write(&config->proxy, config->proxy.family, &proxy);
	int fd = (int)tp_syscall3(SYS_socket, config->proxy.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	long result = tp_syscall3(SYS_connect, fd, &proxy, length);
	if (result == 0 || result == -EINPROGRESS)
		return fd;
	tp_syscall1(SYS_close, fd);
	return (int)result;
}

static void finish(struct exchange *exchange, struct pollfd *entry, int error)
{
	exchange->question->error = error;
	exchange->done = true;
	if (entry->fd >= 0)
		tp_syscall1(SYS_close, entry->fd);
	entry->fd = -1;
}

static int answer_error(const struct tp_socks5_reader *reader, int error)
{
	if (error != -EREMOTEIO)
		return -EAGAIN;
	return reader->reply == 4 ? -ENOENT : reader->reply == 7 ? -EOPNOTSUPP : -EAGAIN;
}

static void send_some(struct exchange *exchange, struct pollfd *entry)
{
	long result = tp_syscall6(SYS_sendto, entry->fd, (long)(exchange->request + exchange->sent),
				  (long)(exchange->length - exchange->sent), MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
	if (result < 0 && result != -EAGAIN && result != -EINTR) {
		finish(exchange, entry, -EAGAIN);
		return;
	}
	exchange->sent += result > 0 ? (size_t)result : 0;
	if (exchange->sent == exchange->length)
		entry->events = POLLIN;
}

static void read_some(struct exchange *exchange, struct pollfd *entry)
{
	uint8_t bytes[TP_SOCKS5_BODY_MAX + 8];
	struct tp_question *question = exchange->question;
	size_t wanted = tp_socks5_wants(&exchange->reader);
	long result = tp_syscall6(SYS_recvfrom, entry->fd, (long)bytes, (long)wanted, MSG_DONTWAIT, 0, 0);
	if (result == -EAGAIN || result == -EINTR)
		return;
	if (result <= 0) {
		finish(exchange, entry, -EAGAIN);
		return;
	}
	int state = tp_socks5_feed(&exchange->reader, bytes, (size_t)result, question->body);
	if (state == 0)
		return;
	question->type = exchange->reader.address_type;
	question->length = exchange->reader.body_length;
	finish(exchange, entry, state > 0 ? 0 : answer_error(&exchange->reader, state));
}

void tp_ask(const struct tp_config *config, struct tp_question *questions, size_t count)
{
	struct exchange exchanges[TP_ASK_MAX];
	struct pollfd entries[TP_ASK_MAX];
	int64_t deadline = tp_wait_now() + TP_ASK_LIMIT_NS;
	for (size_t i = 0; i < count; i++) {
		struct exchange *exchange = &exchanges[i];
		exchange->question = &questions[i];
		exchange->done = false;
		exchange->sent = 0;
		exchange->length = tp_socks5_encode(exchange->request, config, &questions[i].request);
		tp_socks5_reader_init(&exchange->reader, config->user_length != 0);
		entries[i] = (struct pollfd){ .fd = open_connection(config), .events = POLLOUT };
		if (entries[i].fd < 0)
			finish(exchange, &entries[i], -EAGAIN);
	}
	for (;;) {
		size_t open = 0;
		for (size_t i = 0; i < count; i++)
			open += exchanges[i].done ? 0 : 1;
		if (open == 0)
			return;
		int waited = tp_wait_any(entries, count, deadline);
		for (size_t i = 0; i < count; i++) {
			if (exchanges[i].done)
				continue;
			if (waited < 0 && waited != -EINTR)
				finish(&exchanges[i], &entries[i], -EAGAIN);
			else if (waited == 0 && entries[i].revents && (entries[i].events & POLLOUT))
				send_some(&exchanges[i], &entries[i]);
			else if (waited == 0 && entries[i].revents)
				read_some(&exchanges[i], &entries[i]);
		}
	}
}
