/*
 * listener WORD…: does one thing after another with one listener, and says what it sees. The port is P in what it says, but for
 * "port", which says the number.
 *
 * tcp4, tcp6, only6: a socket   to=ADDRESS[,PORT]: bind()   device=NAME   listen   shut   close   port   name   on: the device
 * dup: to another descriptor   drop: closes that   accept: says whom by accept() and by getpeername()   accept4: by accept4()
 * fork: the rest is the child's, the parent ends   worker: a child that closes the listener and ends   spare: a child that stays
 * until stdin ends, the rest is the parent's   range: close_range() over it   exec=WORD: executes itself with the listener inherited and the words behind it
 * from=FD: the listener is that descriptor   user: becomes nobody   wait: says "ready", waits for a line   all: closes all above 2
 */
#include "observe.h"

#include <grp.h>
#include <net/if.h>
#include <sys/syscall.h>

static int listener = -1, duplicate = -1;
static unsigned short port;

static const char *text_of(const struct sockaddr_storage *name)
{
	static char text[80];
	char address[INET6_ADDRSTRLEN];
	const struct sockaddr_in *in = (const struct sockaddr_in *)name;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)name;
	int six = name->ss_family == AF_INET6;
	unsigned short number = ntohs(six ? in6->sin6_port : in->sin_port);
	inet_ntop(name->ss_family, six ? (const void *)&in6->sin6_addr : (const void *)&in->sin_addr, address, sizeof address);
	snprintf(text, sizeof text, number == port ? "%s P" : "%s %u", address, number);
	return text;
}

static void read_port(void)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	getsockname(listener, (struct sockaddr *)&name, &length);
	port = ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
						: ((struct sockaddr_in *)&name)->sin_port);
}

static void say_name(const char *what, int (*ask)(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	if (ask(fd, (struct sockaddr *)&name, &length) < 0)
		printf("%s: %s\n", what, error_name(errno));
	else
		printf("%s: %s\n", what, text_of(&name));
}

static void say_accepted(int four)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	int fd = four ? accept4(listener, (struct sockaddr *)&name, &length, SOCK_CLOEXEC)
		      : accept(listener, (struct sockaddr *)&name, &length);
	if (fd < 0) {
		observe("accept", fd);
		return;
	}
	printf("accept: %s, %u bytes\n", text_of(&name), length);
	say_name("peer", getpeername, fd);
	/* What does not fit is cut, and its whole length told. */
	length = 4;
	memset(&name, 0x55, sizeof name);
	getpeername(fd, (struct sockaddr *)&name, &length);
	printf("cut: %u bytes, the fifth %s\n", length, ((uint8_t *)&name)[4] == 0x55 ? "untouched" : "written");
	close(fd);
}

static void await_line(void)
{
	char byte;
	printf("ready\n");
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

static int bind_to(char *where)
{
	struct sockaddr_storage address;
	char *comma = strchr(where, ',');
	if (comma)
		*comma = '\0';
	socklen_t length = address_of(&address, where, comma ? comma + 1 : "0");
	return bind(listener, (struct sockaddr *)&address, length);
}

static int socket_of(int family, int only6)
{
	int fd = socket(family, SOCK_STREAM, 0), on = 1;
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof only6);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	return fd;
}

static void say_device(void)
{
	char name[IFNAMSIZ] = "";
	socklen_t length = sizeof name;
	getsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, name, &length);
	printf("device: %s\n", length ? name : "none");
}

static void child(const char *how)
{
	char byte;
	pid_t pid = fork();
	if (strcmp(how, "fork") == 0) {
		if (pid > 0)
			_exit(0);
		return;
	}
	if (pid == 0) {
		if (strcmp(how, "worker") == 0)
			close(listener);
		else
			while (read(STDIN_FILENO, &byte, 1) > 0)
				;
		_exit(0);
	}
	if (strcmp(how, "worker") == 0) {
		waitpid(pid, NULL, 0);
		printf("the worker has ended\n");
	}
}

static void execute(char **argv, char **rest, const char *first)
{
	char from[16], *words[64] = { argv[0], from };
	int count = 2;
	snprintf(from, sizeof from, "from=%d", listener);
	if (*first)
		words[count++] = (char *)(uintptr_t)first;
	while (*rest && count < 63)
		words[count++] = *rest++;
	execv(argv[0], words);
	observe("exec", -1);
}

static void become_nobody(void)
{
	observe("setgroups", setgroups(0, NULL));
	observe("setgid", setgid(65534));
	observe("setuid", setuid(65534));
}

int main(int argc, char **argv)
{
	(void)argc;
	setvbuf(stdout, NULL, _IONBF, 0);
	for (char **at = argv + 1; *at; at++) {
		char *word = *at, *value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		if (strcmp(word, "tcp4") == 0) {
			listener = socket_of(AF_INET, 0);
		} else if (strcmp(word, "tcp6") == 0 || strcmp(word, "only6") == 0) {
			listener = socket_of(AF_INET6, word[0] == 'o');
		} else if (strcmp(word, "to") == 0) {
			observe("bind", bind_to(value));
		} else if (strcmp(word, "device") == 0) {
			observe("SO_BINDTODEVICE",
				setsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, value, (socklen_t)strlen(value) + 1));
		} else if (strcmp(word, "listen") == 0) {
			observe("listen", listen(listener, 16));
			read_port();
		} else if (strcmp(word, "shut") == 0) {
			observe("shutdown", shutdown(listener, SHUT_RDWR));
		} else if (strcmp(word, "close") == 0) {
			observe("close", close(listener));
		} else if (strcmp(word, "range") == 0) {
			observe("close_range", syscall(SYS_close_range, listener, listener, 0));
		} else if (strcmp(word, "all") == 0) {
			for (int fd = 3; fd < 1024; fd++)
				close(fd);
		} else if (strcmp(word, "port") == 0) {
			printf("port: %u\n", port);
		} else if (strcmp(word, "name") == 0) {
			say_name("name", getsockname, listener);
		} else if (strcmp(word, "on") == 0) {
			say_device();
		} else if (strcmp(word, "dup") == 0) {
			duplicate = dup(listener);
		} else if (strcmp(word, "drop") == 0) {
			observe("close the duplicate", close(duplicate));
		} else if (strcmp(word, "accept") == 0 || strcmp(word, "accept4") == 0) {
			say_accepted(word[6] == '4');
		} else if (strcmp(word, "fork") == 0 || strcmp(word, "worker") == 0 || strcmp(word, "spare") == 0) {
			child(word);
		} else if (strcmp(word, "exec") == 0) {
			execute(argv, at + 1, value);
		} else if (strcmp(word, "from") == 0) {
			listener = atoi(value);
			read_port();
		} else if (strcmp(word, "user") == 0) {
			become_nobody();
		} else if (strcmp(word, "wait") == 0) {
			await_line();
		} else {
			fprintf(stderr, "unknown word %s\n", word);
			return 2;
		}
	}
	return 0;
}
