/* Preloaded into a run: one of its calls to the file system fails, or all from it on, or the clock is wrong. For
   tests/check_faults.py.

   FAULT_CALLS  "write" (what changes files: write, sync, make, rename, link, truncate, open to write) or "read"
   FAULT_AT     which of these calls fails, from 1; 0 for none
   FAULT_ERRNO  with which error
   FAULT_LASTS  1: so does every one behind it
   FAULT_COUNT  file that the number of calls is written to at the end
   FAULT_CLOCK  seconds that the wall clock is ahead
   FAULT_LACKS  what the file system does not have, as network and FUSE file systems: any of "symlink", "foldersync", "lock",
                "chmod"
   FAULT_LACKED file that a line is added to for each call that was refused so */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int fails(const char *kind) {
    const char *wanted = getenv("FAULT_CALLS");
    if (!wanted || strcmp(wanted, kind)) return 0;
    long at = number("FAULT_AT"), n = atomic_fetch_add(&calls, 1) + 1;
    if (!at || n < at || (n > at && !number("FAULT_LASTS"))) return 0;
    errno = (int)number("FAULT_ERRNO");
    return 1;
}

/* Pipes, terminals and sockets are not meant. */
static int is_file(int fd) {
    struct stat s;
    return fd > 2 && !fstat(fd, &s) && S_ISREG(s.st_mode);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WRAP(kind, type, name, parameters, arguments, meant) \
    type name parameters { return (meant) && fails(kind) ? (type)-1 : REAL(name) arguments; }

WRAP("write", ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), is_file(fd))
WRAP("write", ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at), is_file(fd))
WRAP("write", ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), is_file(fd))
WRAP("write", int, fdatasync, (int fd), (fd), 1)
WRAP("write", int, ftruncate64, (int fd, off64_t n), (fd, n), 1)
WRAP("write", int, rename, (const char *from, const char *to), (from, to), 1)
WRAP("write", int, renameat, (int d, const char *from, int e, const char *to), (d, from, e, to), 1)
WRAP("write", int, mkdir, (const char *path, mode_t mode), (path, mode), 1)
WRAP("read", ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), is_file(fd))
WRAP("read", ssize_t, pread64, (int fd, void *b, size_t n, off64_t at), (fd, b, n, at), is_file(fd))

static int lacks(const char *what, int number) {
    const char *lacked = getenv("FAULT_LACKS"), *path = getenv("FAULT_LACKED");
    if (!lacked || !strstr(lacked, what)) return 0;
    int log = path ? REAL(open64)(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    if (log >= 0) dprintf(log, "%s\n", what), close(log);
    errno = number;
    return 1;
}

static int is_folder(int fd) {
    struct stat s;
    return !fstat(fd, &s) && S_ISDIR(s.st_mode);
}

int symlink(const char *to, const char *at) {
    return lacks("symlink", EPERM) || fails("write") ? -1 : REAL(symlink)(to, at);
}

int fsync(int fd) {
    return (is_folder(fd) && lacks("foldersync", EINVAL)) || fails("write") ? -1 : REAL(fsync)(fd);
}

int flock(int fd, int how) { return lacks("lock", ENOSYS) ? -1 : REAL(flock)(fd, how); }
int fchmod(int fd, mode_t mode) { return lacks("chmod", EPERM) ? -1 : REAL(fchmod)(fd, mode); }
int chmod(const char *path, mode_t mode) { return lacks("chmod", EPERM) ? -1 : REAL(chmod)(path, mode); }

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    if ((flags & O_CREAT) && fails("write")) return -1;
    return REAL(open64)(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = REAL(clock_gettime)(clock, now);
    if (!result && clock == CLOCK_REALTIME) now->tv_sec += number("FAULT_CLOCK");
    return result;
}

__attribute__((destructor)) static void count(void) {
    const char *path = getenv("FAULT_COUNT");
    FILE *file = path ? REAL(fopen)(path, "w") : NULL;
    if (file) fprintf(file, "%ld\n", atomic_load(&calls)), fclose(file);
}
