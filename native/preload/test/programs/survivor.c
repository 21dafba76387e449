/*
 * survivor HOST PORT: a program that goes on while the sidecar dies and another one comes. Each line of stdin is something to do; a
 * line with its number says that it is done. With a third argument it is a twin: it connects for each byte of stdin, and answers
 * with one on the descriptor of that number.
 */
#include "observe.h"

#include <dirent.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { THREADS = 8, KEPT = 4 };

static const char *self, *host, *port;
static int kept[KEPT];
/** To the twin, and from it. */
static int twin[2];

static int dgram(void)
{
	return socket(strchr(host, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
}

static void blocking(void)
{
	int fd = socket_for(host, 0);
	observe("connect", connect_to(fd, host, port));
	observe_peer(fd, host, port);
	close(fd);
}

static void echo(void)
{
	int fd = socket_for(host, 0);
	if (observe("connect", connect_to(fd, host, port)) >= 0)
		observe_echo(fd);
	close(fd);
}

/* The end of a dial as an event loop learns of it. */
static void await_events(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP };
	int loop = epoll_create1(0);
	epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
	event.events = 0;
	printf("epoll: %d\n", epoll_wait(loop, &event, 1, 30000));
	printf("error: %s\n", event.events & EPOLLERR ? "yes" : "no");
	close(loop);
}

static void nonblocking(void)
{
	int fd = socket_for(host, SOCK_NONBLOCK);
	if (observe("connect", connect_to(fd, host, port)) < 0 && errno == EINPROGRESS) {
		await_events(fd);
		printf("pending: %s\n", error_name(pending_error(fd)));
	}
	observe_peer(fd, host, port);
	close(fd);
}

static void *of_thread(void *error)
{
	int fd = socket_for(host, 0);
	*(int *)error = connect_to(fd, host, port) < 0 ? errno : 0;
	close(fd);
	return NULL;
}

static void threads(void)
{
	pthread_t all[THREADS];
	int errors[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, of_thread, &errors[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	for (int i = 0; i < THREADS; i++)
		printf("thread: %s\n", error_name(errors[i]));
}

static void child(bool execute)
{
	int status = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0 && execute) {
		execl(self, self, host, port, "once", NULL);
		_exit(1);
	}
	if (pid == 0) {
		blocking();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("child: %d\n", status);
}

static void serve_twin(int from, int to)
{
	char byte;
	while (read(from, &byte, 1) == 1) {
		blocking();
		if (write(to, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

/* A child that lives on, forked or executed. */
static void make_twin(bool execute)
{
	int to[2], from[2];
	char number[16];
	if (pipe(to) < 0 || pipe(from) < 0)
		exit(2);
	if (fork() == 0) {
		close(to[1]);
		snprintf(number, sizeof number, "%d", from[1]);
		if (!execute)
			serve_twin(to[0], from[1]);
		dup2(to[0], STDIN_FILENO);
		execl(self, self, host, port, number, NULL);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	twin[0] = to[1];
	twin[1] = from[0];
}

static void ask_twin(void)
{
	char byte = 0;
	if (write(twin[0], &byte, 1) != 1 || read(twin[1], &byte, 1) != 1)
		printf("the twin has ended\n");
}

static _Atomic bool storming;
static _Atomic int rounds, odd;
static pthread_t stormers[THREADS];

static void expect(bool right, const char *what)
{
	if (!right && odd++ < 10)
		fprintf(stderr, "%s: %s\n", what, error_name(errno));
}

static void storm_stream(void)
{
	char back[4] = "";
	int fd = socket_for(host, 0);
	if (connect_to(fd, host, port) < 0) {
		expect(errno == ENETDOWN || errno == ECONNRESET, "connect");
	} else if (send(fd, "ping", 4, MSG_NOSIGNAL) < 0) {
		expect(errno == ECONNRESET || errno == EPIPE, "send");
	} else {
		/* An end would be taken for the server's. */
		errno = 0;
		long size = recv(fd, back, sizeof back, MSG_WAITALL);
		expect(size == 4 ? memcmp(back, "ping", 4) == 0 : size < 0 && errno == ECONNRESET, "recv");
	}
	close(fd);
}

static void *stormer(void *unused)
{
	int fd = dgram();
	(void)unused;
	bool connected = false;
	for (; storming; rounds++) {
		char back[4];
		storm_stream();
		connected = connected || connect_to(fd, host, port) == 0;
		expect(connected || errno == ENETDOWN, "connect a datagram socket");
		if (connected && send(fd, "ping", 4, 0) < 0)
			expect(errno == ENETDOWN || errno == ECONNREFUSED, "send a datagram");
		if (recv(fd, back, sizeof back, MSG_DONTWAIT) < 0)
			expect(errno == EAGAIN || errno == ECONNREFUSED, "recv a datagram");
	}
	close(fd);
	return NULL;
}

static void storm(void)
{
	storming = true;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&stormers[i], NULL, stormer, NULL);
}

static void calm(void)
{
	storming = false;
	for (int i = 0; i < THREADS; i++)
		pthread_join(stormers[i], NULL);
	printf("rounds: %s\n", rounds > THREADS ? "many" : "few");
}

static void on_signal(int number)
{
	int saved = errno;
	(void)number;
	blocking();
	errno = saved;
}

static void in_handler(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void name(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found = NULL;
	char text[INET_ADDRSTRLEN] = "";
	int result = getaddrinfo("hello.lab.ts.net", port, &hints, &found);
	if (result == 0)
		inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof text);
	printf("name: %s\n", result == 0 ? text : result == EAI_AGAIN ? "EAI_AGAIN" : gai_strerror(result));
	if (result == 0)
		freeaddrinfo(found);
}

/* The socket stays, connected or not. */
static void send_kept(int at, bool connected)
{
	struct sockaddr_storage there, from;
	socklen_t length = address_of(&there, host, port), room = sizeof from;
	char back[8] = "";
	struct pollfd ready = { .fd = kept[at], .events = POLLIN };
	long sent = connected ? write(kept[at], "ping", 4)
			      : sendto(kept[at], "ping", 4, 0, (struct sockaddr *)&there, length);
	if (observe(connected ? "write" : "sendto", sent) < 0)
		return;
	printf("poll: %d\n", poll(&ready, 1, 20000));
	memset(&from, 0, sizeof from);
	long size = recvfrom(kept[at], back, sizeof back, 0, (struct sockaddr *)&from, &room);
	if (observe("recvfrom", size) >= 0)
		printf("from: %s\n", room == length && memcmp(&from, &there, length) == 0 ? back : "another");
	if (connected)
		observe_peer(kept[at], host, port);
}

static void read_kept(int at)
{
	char byte;
	observe("read", read(kept[at], &byte, 1));
	observe("write", send(kept[at], "x", 1, MSG_NOSIGNAL));
	observe_peer(kept[at], host, port);
}

static void descriptors(void)
{
	int count = -3; /* ".", ".." and the directory's own */
	DIR *all = opendir("/proc/self/fd");
	while (readdir(all))
		count++;
	closedir(all);
	printf("descriptors: %d\n", count);
}

/** How much of the address space is mapped from boards, in kilobytes. */
static void boards(void)
{
	char line[512];
	unsigned long from, to, size = 0;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps))
		if (strstr(line, "tailproxy-board") && sscanf(line, "%lx-%lx", &from, &to) == 2)
			size += to - from;
	fclose(maps);
	printf("boards: %lu\n", size / 1024);
}

static bool perform_kept(const char *what, int at)
{
	if (strcmp(what, "open") == 0)
		observe("connect", connect_to(kept[at] = socket_for(host, 0), host, port));
	else if (strcmp(what, "begin") == 0)
		observe("connect", connect_to(kept[at] = socket_for(host, SOCK_NONBLOCK), host, port));
	else if (strcmp(what, "await") == 0)
		await_events(kept[at]);
	else if (strcmp(what, "error") == 0)
		printf("pending: %s\n", error_name(pending_error(kept[at])));
	else if (strcmp(what, "close") == 0)
		observe("close", close(kept[at]));
	else if (strcmp(what, "read") == 0)
		read_kept(at);
	else if (strcmp(what, "peer") == 0)
		observe_peer(kept[at], host, port);
	else if (strcmp(what, "datagrams") == 0)
		kept[at] = dgram();
	else if (strcmp(what, "connected") == 0)
		observe("connect", connect_to(kept[at] = dgram(), host, port));
	else if (strcmp(what, "sendto") == 0)
		send_kept(at, false);
	else if (strcmp(what, "write") == 0)
		send_kept(at, true);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*perform)(void);
	} all[] = {
		{ "blocking", blocking }, { "echo", echo }, { "nonblocking", nonblocking }, { "threads", threads },
		{ "twin", ask_twin }, { "storm", storm }, { "calm", calm }, { "handler", in_handler }, { "name", name }, { "descriptors", descriptors }, { "boards", boards },
	};
	char line[64], what[64];
	setvbuf(stdout, NULL, _IONBF, 0);
	self = argv[0];
	host = argv[1];
	port = argv[2];
	if (argc > 3 && strcmp(argv[3], "once") != 0)
		serve_twin(STDIN_FILENO, atoi(argv[3]));
	if (argc > 3) {
		blocking();
		return 0;
	}
	for (int number = 1, at; fgets(line, sizeof line, stdin); number++) {
		at = 0;
		if (sscanf(line, "%63s %d", what, &at) < 1 || at < 0 || at >= KEPT)
			return 2;
		if (strcmp(what, "fork") == 0 || strcmp(what, "exec") == 0)
			child(strcmp(what, "exec") == 0);
		else if (strcmp(what, "forked") == 0 || strcmp(what, "executed") == 0)
			make_twin(strcmp(what, "executed") == 0);
		else if (!perform_kept(what, at))
			for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
				if (strcmp(what, all[i].name) == 0)
					all[i].perform();
		printf("[%d]\n", number);
	}
	return 0;
}
