/*
 * allocations HOST PORT CLOSED UDP-PORT: with an allocator of its own that counts, dials, sends, receives and closes: none of it
 * asks for memory.
 */
#include "observe.h"

static char heap[1 << 22] __attribute__((aligned(16)));
static size_t used;
static int count;

void *malloc(size_t size)
{
	size_t at = used;
	count++;
	used += (size + 31) & ~(size_t)15;
	if (used > sizeof heap)
		abort();
	memcpy(heap + at, &size, sizeof size);
	return heap + at + 16;
}

void free(void *start)
{
	(void)start;
	count++;
}

void *calloc(size_t number, size_t size)
{
	return malloc(number * size); /* zeros: nothing is given out twice */
}

void *realloc(void *start, size_t size)
{
	size_t before = 0;
	char *fresh = malloc(size);
	if (start)
		memcpy(&before, (char *)start - 16, sizeof before);
	return start ? memcpy(fresh, start, before < size ? before : size) : fresh;
}

static int failures;

static void expect(int right)
{
	failures += !right;
}

static void dial(const char *host, const char *port, const char *closed)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof name;
	char back[4];
	int fd = socket_for(host, 0), other = socket_for(host, SOCK_NONBLOCK);
	expect(connect_to(fd, host, closed) < 0 && errno == ECONNREFUSED);
	expect(connect_to(fd, host, port) == 0);
	expect(getpeername(fd, (struct sockaddr *)&name, &length) == 0);
	length = sizeof name;
	expect(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
	expect(pending_error(fd) == 0);
	expect(send(fd, "ping", 4, 0) == 4 && recv(fd, back, 4, MSG_WAITALL) == 4);
	expect(write(fd, "ping", 4) == 4 && read(fd, back, 4) > 0);
	expect(dup2(fd, 90) == 90 && close(90) == 0);
	expect(connect_to(other, host, port) == 0 || errno == EINPROGRESS);
	expect(close(other) == 0 && close(fd) == 0);
}

static void exchange(const char *host, const char *port)
{
	struct sockaddr_storage there, from;
	socklen_t length = address_of(&there, host, port), size = sizeof from;
	char back[4];
	int fd = socket(there.ss_family, SOCK_DGRAM, 0);
	for (int i = 0; i < 3; i++) {
		expect(sendto(fd, "ping", 4, 0, (struct sockaddr *)&there, length) == 4);
		expect(recvfrom(fd, back, 4, 0, (struct sockaddr *)&from, &size) == 4);
	}
	expect(connect(fd, (struct sockaddr *)&there, length) == 0);
	expect(send(fd, "ping", 4, 0) == 4 && recv(fd, back, 4, 0) == 4);
	close(fd);
}

int main(int argc, char **argv)
{
	int before = count;
	for (int i = 0; i < 3; i++)
		dial(argv[1], argv[2], argv[3]);
	if (argc > 4)
		exchange(argv[1], argv[4]);
	int after = count;
	printf("failures: %d\nallocations: %d\n", failures, after - before);
	return 0;
}
