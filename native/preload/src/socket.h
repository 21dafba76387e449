/* Questions to the kernel about a descriptor, by raw system call: negative errno, nothing of the program's changed. */
#ifndef TP_SOCKET_H
#define TP_SOCKET_H

#include "address.h"

struct tp_socket {
	int domain, type, protocol;
};

int tp_socket_read(struct tp_socket *socket, int fd);

/** TCP or MPTCP over IP: what SOCKS5 CONNECT can carry. */
bool tp_socket_is_stream(const struct tp_socket *socket);

/** The value of an int option, or a negative errno. */
int tp_socket_option(int fd, int level, int name);
int tp_socket_set_option(int fd, int level, int name, int value);

/** Nanoseconds of SO_SNDTIMEO or SO_RCVTIMEO; 0 when there is none. */
int64_t tp_socket_timeout(int fd, int name);

/** Whether its routes are tied to a device other than lo (SO_BINDTODEVICE). */
bool tp_socket_on_device(int fd);

/** The same for every duplicate of a socket and never given to another one; 0 when `fd` is no socket. */
uint64_t tp_socket_identity(int fd);

int tp_socket_name(int fd, bool of_peer, struct tp_address *out);

#endif
