/* The functions this library stands in front of: the next preloaded library's, or the C library's. */
#ifndef TP_NEXT_H
#define TP_NEXT_H

#include <netdb.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>

struct iovec;
struct mmsghdr;
struct timespec;

struct tp_next {
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	int (*accept)(int, struct sockaddr *, socklen_t *);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	int (*close)(int);
	int (*dup2)(int, int);
	int (*dup3)(int, int, int);
	int (*close_range)(unsigned, unsigned, int);
	pid_t (*fork)(void);
	pid_t (*_Fork)(void);
	int (*daemon)(int, int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*writev)(int, const struct iovec *, int);
	ssize_t (*__read_chk)(int, void *, size_t, size_t);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned, int);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	int (*recvmmsg)(int, struct mmsghdr *, unsigned, int, struct timespec *);
	ssize_t (*__recv_chk)(int, void *, size_t, size_t, int);
	ssize_t (*__recvfrom_chk)(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
	int (*getaddrinfo)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	void (*freeaddrinfo)(struct addrinfo *);
	int (*getnameinfo)(const struct sockaddr *, socklen_t, char *, socklen_t, char *, socklen_t, int);
	const char *(*gai_strerror)(int);
	struct hostent *(*gethostbyname)(const char *);
	struct hostent *(*gethostbyname2)(const char *, int);
	struct hostent *(*gethostbyaddr)(const void *, socklen_t, int);
	int (*gethostbyname_r)(const char *, struct hostent *, char *, size_t, struct hostent **, int *);
	int (*gethostbyname2_r)(const char *, int, struct hostent *, char *, size_t, struct hostent **, int *);
	int (*gethostbyaddr_r)(const void *, socklen_t, int, struct hostent *, char *, size_t, struct hostent **, int *);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*execv)(const char *, char *const[]);
	int (*execvp)(const char *, char *const[]);
	int (*execvpe)(const char *, char *const[], char *const[]);
	int (*execveat)(int, const char *, char *const[], char *const[], int);
	int (*fexecve)(int, char *const[], char *const[]);
	int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
			   char *const[]);
	int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
			    char *const[]);
	int (*system)(const char *);
	FILE *(*popen)(const char *, const char *);
	int (*fclose)(FILE *);
	int (*fileno)(FILE *);
	int (*setenv)(const char *, const char *, int);
	int (*unsetenv)(const char *);
};

/** Each member can be called at any time: at worst it makes the system call itself, or fails with ENOSYS or its like. */
extern struct tp_next tp_next;

/** Finds what every C library has, and so allocates nothing: an allocator that starts may be what calls the first hook. */
void tp_next_init(void);

/** Finds the rest. A lookup that fails allocates a message: only for our constructor, which no allocator waits for. */
void tp_next_complete(void);

/** The next syscall(). Apart from the others, since it is jumped to in assembly; never NULL, not even before tp_next_init(). */
extern long (*tp_next_syscall)(long number, ...);

/** What stands in for it: the system call made here. */
long tp_syscall_raw(long number, long a, long b, long c, long d, long e, long f);

/** A function that only some programs have, looked up at each call: their library may have been loaded since. NULL: none. */
void *tp_next_find(const char *name);

/** The path under which the loader knows this library; its bare name when it cannot be asked. Only after tp_next_init(). */
const char *tp_next_own_path(void);

#endif
