#include "flow.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>

static _Atomic uint64_t owners[4096];

/* Descriptors of this test: what socket each number is now. */
static uint64_t identify(int fd)
{
	return fd < 0 ? 0 : atomic_load(&owners[fd]);
}

static struct tp_flow flow_of(int fd, uint16_t port)
{
	struct tp_flow flow = { .fd = fd, .asked = { .family = AF_INET, .port = port } };
	if (fd >= 0)
		memset(flow.local, fd, sizeof flow.local);
	return flow;
}

static void one_socket(void)
{
	struct tp_flow flow = flow_of(1, 80), found;
	owners[1] = 7;
	is(tp_flow_any(), 0, "nothing is recorded at first");
	is(tp_flow_find(7, &found), TP_FLOW_NONE, "an unknown socket has no flow");
	is(tp_flow_begin(7, &flow, identify), TP_FLOW_NONE, "a dial begins");
	is(tp_flow_unsettled(), 1, "and is unsettled");
	is(tp_flow_begin(7, &flow, identify), TP_FLOW_DIALLING, "a second one on the same socket does not");
	is(tp_flow_resume(7, &found), TP_FLOW_DIALLING, "nor can it be taken over");
	flow.sent = 9;
	tp_flow_settle(7, &flow, TP_FLOW_PENDING);
	is(tp_flow_begin(7, &flow, identify), TP_FLOW_PENDING, "left unfinished it is pending");
	is(tp_flow_resume(7, &found), TP_FLOW_PENDING, "and can be taken over");
	is(found.sent, 9, "with how far it had come");
	is(tp_flow_resume(7, &found), TP_FLOW_DIALLING, "by one only");
	tp_flow_settle(7, &flow, TP_FLOW_CONNECTED);
	is(tp_flow_find(7, &found), TP_FLOW_CONNECTED, "then it is connected");
	is(found.asked.port, 80, "to whom was asked for");
	is(tp_flow_unsettled(), 0, "and settled");
	tp_flow_forget(7);
	is(tp_flow_find(7, &found), TP_FLOW_NONE, "forgotten it is gone");
	tp_flow_forget(7);
	is(tp_flow_unsettled(), 0, "also the second time");
}

static void many_sockets(void)
{
	int bad = 0;
	struct tp_flow found;
	for (int fd = 0; fd < 3000; fd++) {
		struct tp_flow flow = flow_of(fd, (uint16_t)fd);
		atomic_store(&owners[fd], (uint64_t)fd + 1000);
		tp_flow_begin((uint64_t)fd + 1000, &flow, identify);
		tp_flow_settle((uint64_t)fd + 1000, &flow, TP_FLOW_CONNECTED);
	}
	for (int fd = 0; fd < 3000; fd++)
		bad += tp_flow_find((uint64_t)fd + 1000, &found) != TP_FLOW_CONNECTED || found.asked.port != fd;
	is(bad, 0, "three thousand open sockets are all remembered");
	for (uint64_t socket = 10000; socket < 200000; socket++) {
		struct tp_flow flow = flow_of(3500, 1);
		atomic_store(&owners[3500], socket);
		tp_flow_begin(socket, &flow, identify);
		tp_flow_settle(socket, &flow, TP_FLOW_CONNECTED);
		bad += tp_flow_find(socket, &found) != TP_FLOW_CONNECTED;
	}
	for (int fd = 0; fd < 3000; fd++)
		bad += tp_flow_find((uint64_t)fd + 1000, &found) != TP_FLOW_CONNECTED;
	is(bad, 0, "and still are after 190,000 that came and went on one descriptor");
}

static void *churn(void *argument)
{
	int fd = *(int *)argument, bad = 0;
	for (uint64_t round = 0; round < 20000; round++) {
		uint64_t socket = 1000000 + round * 8 + (uint64_t)fd - 3600;
		struct tp_flow flow = flow_of(fd, (uint16_t)round), found;
		atomic_store(&owners[fd], socket);
		tp_flow_begin(socket, &flow, identify);
		if (round % 3 == 0) {
			tp_flow_settle(socket, &flow, TP_FLOW_PENDING);
			bad += tp_flow_resume(socket, &found) != TP_FLOW_PENDING;
		}
		tp_flow_settle(socket, &flow, TP_FLOW_CONNECTED);
		bad += tp_flow_find(socket, &found) != TP_FLOW_CONNECTED || found.asked.port != (uint16_t)round ||
		       memcmp(found.local, flow.local, sizeof flow.local) != 0;
		if (round % 2)
			tp_flow_forget(socket);
	}
	*(int *)argument = bad;
	return NULL;
}

int main(void)
{
	pthread_t threads[4];
	int arguments[4] = { 3600, 3601, 3602, 3603 };
	one_socket();
	many_sockets();
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, &arguments[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	is(arguments[0] + arguments[1] + arguments[2] + arguments[3], 0, "four threads never see each other's flows");
	is(tp_flow_unsettled(), 0, "and leave nothing unsettled");
	return tap_end();
}
