#include "exec-target.h"

#include "memory.h"
#include "syscall.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_SEARCH "/usr/local/bin:/bin:/usr/bin"
/* The kernel reads as much of a script, and follows as many. */
#define SCRIPT_LINE 256
#define SCRIPT_DEPTH 5
#define PATH_SIZE 4096
#define HEADERS_AT_ONCE 8

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

static bool startable(int directory, const char *path, int flags, struct stat *status)
{
	int kept = flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	return tp_syscall4(SYS_newfstatat, directory, path, status, kept) == 0 && S_ISREG(status->st_mode) &&
	       (status->st_mode & (S_IXUSR | S_IXGRP | S_IXOTH));
}

/** A descriptor to read it by, or a negative errno. */
static int open_it(int directory, const char *path, int flags)
{
	static const char prefix[] = "/proc/self/fd/";
	char name[sizeof prefix + 12], digits[12];
	size_t at = sizeof digits, length = sizeof prefix - 1;
	unsigned rest = (unsigned)directory;
	if (!(flags & AT_EMPTY_PATH) || path[0] != '\0')
		return (int)tp_syscall3(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	/* A duplicate could not be read where it is O_PATH. */
	do
		digits[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	memcpy(name, prefix, length);
	memcpy(name + length, digits + at, sizeof digits - at);
	name[length + sizeof digits - at] = '\0';
	return (int)tp_syscall3(SYS_openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/** The loader forgets LD_PRELOAD when the kernel says AT_SECURE. */
static bool is_privileged(const struct stat *status, int fd)
{
	unsigned uid = (unsigned)tp_syscall0(SYS_getuid), gid = (unsigned)tp_syscall0(SYS_getgid);
	unsigned effective_uid = (unsigned)tp_syscall0(SYS_geteuid), effective_gid = (unsigned)tp_syscall0(SYS_getegid);
	bool gains = tp_syscall5(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
	if (gains && (status->st_mode & S_ISUID))
		effective_uid = status->st_uid;
	if (gains && (status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP))
		effective_gid = status->st_gid;
	if (effective_uid != uid || effective_gid != gid)
		return true;
	return gains && uid != 0 && fd >= 0 && tp_syscall4(SYS_fgetxattr, fd, "security.capability", 0, 0) > 0;
}

/** A loader that is called by its name has no interpreter either, and heeds LD_PRELOAD. */
static bool is_loader(const char *path)
{
	static const char *const names[] = { "ld-", "ld.so", "ld64.so", "libc.so" };
	const char *base = path;
	for (; *path != '\0'; path++)
		if (*path == '/')
			base = path + 1;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(base, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static enum tp_capture look_at_elf(int fd, const Elf64_Ehdr *header, const char *path)
{
	Elf64_Phdr parts[HEADERS_AT_ONCE];
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != MACHINE)
		return TP_CAPTURE_FOREIGN;
	if (header->e_phentsize != sizeof parts[0])
		return TP_CAPTURE_YES; /* ENOEXEC */
	for (size_t i = 0; i < header->e_phnum; i += HEADERS_AT_ONCE) {
		size_t count = header->e_phnum - i < HEADERS_AT_ONCE ? header->e_phnum - i : HEADERS_AT_ONCE;
		unsigned long at = header->e_phoff + i * sizeof parts[0];
		if (tp_syscall4(SYS_pread64, fd, parts, count * sizeof parts[0], at) != (long)(count * sizeof parts[0]))
			return TP_CAPTURE_YES;
		for (size_t part = 0; part < count; part++)
			if (parts[part].p_type == PT_INTERP)
				return TP_CAPTURE_YES;
	}
	return is_loader(path) ? TP_CAPTURE_YES : TP_CAPTURE_STATIC;
}

/** The interpreter that a script names, as a string in its own first line; NULL where there is none. */
static const char *interpreter_of(char *line)
{
	char *start = line + 2;
	while (*start == ' ' || *start == '\t')
		start++;
	char *end = start;
	while (*end != '\0' && *end != ' ' && *end != '\t' && *end != '\n')
		end++;
	*end = '\0';
	return end > start ? start : NULL;
}

static enum tp_capture look(int directory, const char *path, int flags)
{
	union {
		Elf64_Ehdr header;
		char line[SCRIPT_LINE + 1];
	} lines[2];
	for (int depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		__typeof__(&lines[0]) now = &lines[depth % 2]; /* the path lies in the other */
		enum tp_capture found = TP_CAPTURE_YES;
		struct stat status;
		if (!startable(directory, path, flags, &status))
			return TP_CAPTURE_YES;
		int fd = open_it(directory, path, flags);
		if (fd < 0)
			return is_privileged(&status, -1) ? TP_CAPTURE_PRIVILEGED : TP_CAPTURE_UNKNOWN;
		long size = tp_syscall4(SYS_pread64, fd, now->line, SCRIPT_LINE, 0);
		bool script = size >= 2 && memcmp(now->line, "#!", 2) == 0;
		if (size >= (long)sizeof now->header && memcmp(now->line, ELFMAG, SELFMAG) == 0)
			found = look_at_elf(fd, &now->header, path);
		/* A script's own set-uid bit means nothing to the kernel. */
		if (!script && found == TP_CAPTURE_YES && is_privileged(&status, fd))
			found = TP_CAPTURE_PRIVILEGED;
		tp_syscall1(SYS_close, fd);
		if (!script)
			return found;
		now->line[size] = '\0';
		path = interpreter_of(now->line);
		if (!path)
			return TP_CAPTURE_YES;
		directory = AT_FDCWD;
		flags = 0;
	}
	return TP_CAPTURE_YES; /* ELOOP */
}

static bool has_slash(const char *path)
{
	for (; *path != '\0'; path++)
		if (*path == '/')
			return true;
	return false;
}

static enum tp_capture search_and_look(const char *file, const char *search)
{
	char path[PATH_SIZE];
	size_t file_length = strlen(file);
	struct stat status;
	for (;;) {
		size_t length = 0;
		while (search[length] != '\0' && search[length] != ':')
			length++;
		if (length + 1 + file_length + 1 <= sizeof path) {
			memcpy(path, search, length);
			path[length] = '/';
			memcpy(path + length + (length > 0), file, file_length + 1);
			if (startable(AT_FDCWD, path, 0, &status) && tp_syscall3(SYS_faccessat, AT_FDCWD, path, X_OK) == 0)
				return look(AT_FDCWD, path, 0);
		}
		if (search[length] == '\0')
			return TP_CAPTURE_YES;
		search += length + 1;
	}
}

enum tp_capture tp_exec_target_look(const struct tp_exec_target *target, const char *search)
{
	if (!tp_memory_readable(target->path, 1))
		return TP_CAPTURE_YES; /* EFAULT */
	if (target->searched && target->path[0] != '\0' && !has_slash(target->path))
		return search_and_look(target->path, search ? search : DEFAULT_SEARCH);
	return look(target->directory, target->path, target->flags);
}
