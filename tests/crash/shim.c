/* Loaded with LD_PRELOAD: counts the calls that change or read files under one folder, and at the Nth of them kills the
 * process, tears a write, or lets calls fail. It can also write down every change with its data, for power.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, TEAR, ONCE, EVERY, FULL };
enum { CHANGES = 1, READS = 2 };

static char folder[4096];
static size_t folder_length;
static volatile int mode = OFF, classes, error_number;
static volatile long at, calls;
static int trace = -1, names = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

void crash_arm(const char *under, int what, int which, long number, int error, int trace_to, int names_to) {
    pthread_mutex_lock(&turn);
    snprintf(folder, sizeof folder, "%s", under);
    folder_length = strlen(folder);
    mode = what, classes = which, at = number, error_number = error, trace = trace_to, names = names_to, calls = 0;
    pthread_mutex_unlock(&turn);
}

long crash_calls(void) { return calls; }

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int inside(const char *path) {
    return !strncmp(path, folder, folder_length) && (path[folder_length] == '/' || !path[folder_length]);
}

static int named(int at_folder, const char *path, char *out) {
    if (mode == OFF) return 0;
    if (path[0] == '/') {
        snprintf(out, 4096, "%s", path);
    } else {
        char link[64];
        snprintf(link, sizeof link, at_folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at_folder);
        ssize_t n = readlink(link, out, 4000);
        if (n < 0) return 0;
        snprintf(out + n, 4096 - n, "/%s", path);
    }
    return inside(out);
}

static int opened(int fd, char *out) {
    if (mode == OFF) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, 4095);
    if (n <= 0) return 0;
    out[n] = 0;
    return inside(out);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* -1: let the call fail with errno; 1: do half of it, and then die() or fail; 0: go on. ``grows`` takes space. */
static int fault(const char *call, const char *path, int class, int grows, size_t length) {
    if (!(classes & class)) return 0;
    pthread_mutex_lock(&turn);
    long now = ++calls;
    if (names >= 0) {
        char line[4300];
        int n = snprintf(line, sizeof line, "%s %s\n", call, path + folder_length);
        if (syscall(SYS_write, names, line, n) != n) die();
    }
    pthread_mutex_unlock(&turn);
    if (mode == COUNT || now < at || (now > at && mode != EVERY && mode != FULL)) return 0;
    if (mode == KILL) die();
    if (mode == TEAR) {
        if (length > 1) return 1;
        die();
    }
    if (mode == FULL && !grows) return 0;
    errno = error_number;
    return mode == FULL && now == at && length > 1 ? 1 : -1;
}

static int torn(ssize_t done) {
    if (mode == TEAR) die();
    return done; /* a short write, as a full disk gives it */
}

static void note(char kind, const char *path, const char *other, off_t place, const void *data, size_t length) {
    if (trace < 0) return;
    uint64_t head[4] = {(uint64_t)kind | (uint64_t)strlen(path) << 8, other ? strlen(other) : 0, place, length};
    struct iovec parts[4] = {{head, sizeof head}, {(void *)path, strlen(path)},
                             {(void *)(other ? other : ""), other ? strlen(other) : 0},
                             {(void *)data, data ? length : 0}};
    size_t whole = 0;
    for (int i = 0; i < 4; i++) whole += parts[i].iov_len;
    if (syscall(SYS_writev, trace, parts, 4) != (ssize_t)whole) die();
}

void crash_mark(const char *text) {
    pthread_mutex_lock(&turn);
    note('A', text, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
}

/* A call and the note of it are one step, so that notes stand in the order of the calls. */
#define NOTED(done, call, ok, ...)                                                                                     \
    pthread_mutex_lock(&turn);                                                                                         \
    done = call;                                                                                                       \
    if (ok) { int kept = errno; note(__VA_ARGS__); errno = kept; }                                                     \
    pthread_mutex_unlock(&turn)

static int open_under(int at_folder, const char *path, int flags, mode_t bits) {
    static int (*real)(int, const char *, int, ...);
    if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
    char name[4096];
    if (!named(at_folder, path, name)) return real(at_folder, path, flags, bits);
    struct stat found;
    int writes = flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC), created = flags & O_CREAT && stat(name, &found);
    if (fault("open", name, writes ? CHANGES : READS, created, 0)) return -1;
    int fd;
    NOTED(fd, real(at_folder, path, flags, bits), fd >= 0 && (created || flags & O_TRUNC), created ? 'C' : 'T', name,
          NULL, 0, NULL, 0);
    return fd;
}

#define BITS                                                                                                           \
    mode_t bits = 0;                                                                                                   \
    if (flags & (O_CREAT | __O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        bits = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) { BITS return open_under(AT_FDCWD, path, flags, bits); }
int open64(const char *path, int flags, ...) { BITS return open_under(AT_FDCWD, path, flags, bits); }
int openat(int f, const char *path, int flags, ...) { BITS return open_under(f, path, flags, bits); }
int openat64(int f, const char *path, int flags, ...) { BITS return open_under(f, path, flags, bits); }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t place) {
    REAL(pwrite64);
    char name[4096];
    if (!opened(fd, name)) return real(fd, data, length, place);
    int what = fault("pwrite", name, CHANGES, 1, length);
    if (what < 0) return -1;
    if (what) return torn(real(fd, data, length / 2, place));
    ssize_t done;
    NOTED(done, real(fd, data, length, place), done > 0, 'W', name, NULL, place, data, done);
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t place) { return pwrite64(fd, data, length, place); }

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    char name[4096];
    if (!opened(fd, name)) return real(fd, data, length);
    int what = fault("write", name, CHANGES, 1, length);
    if (what < 0) return -1;
    if (what) return torn(real(fd, data, length / 2));
    off_t place = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    ssize_t done;
    NOTED(done, real(fd, data, length), done > 0, 'W', name, NULL, place, data, done);
    return done;
}

ssize_t pread64(int fd, void *data, size_t length, off64_t place) {
    REAL(pread64);
    char name[4096];
    return opened(fd, name) && fault("pread", name, READS, 0, 0) ? -1 : real(fd, data, length, place);
}
ssize_t pread(int fd, void *data, size_t length, off_t place) { return pread64(fd, data, length, place); }

ssize_t read(int fd, void *data, size_t length) {
    REAL(read);
    char name[4096];
    return opened(fd, name) && fault("read", name, READS, 0, 0) ? -1 : real(fd, data, length);
}

#define SYNC(name)                                                                                                     \
    int name(int fd) {                                                                                                 \
        REAL(name);                                                                                                    \
        char path[4096];                                                                                               \
        if (!opened(fd, path)) return real(fd);                                                                        \
        if (fault(#name, path, CHANGES, 1, 0)) return -1;                                                              \
        int done;                                                                                                      \
        NOTED(done, real(fd), !done, 'S', path, NULL, 0, NULL, 0);                                                     \
        return done;                                                                                                   \
    }
SYNC(fsync)
SYNC(fdatasync)

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64);
    char name[4096];
    struct stat now;
    if (!opened(fd, name)) return real(fd, length);
    if (fault("ftruncate", name, CHANGES, !fstat(fd, &now) && now.st_size < length, 0)) return -1;
    int done;
    NOTED(done, real(fd, length), !done, 'T', name, NULL, length, NULL, 0);
    return done;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int fallocate64(int fd, int how, off64_t start, off64_t length) {
    REAL(fallocate64);
    char name[4096];
    return opened(fd, name) && fault("fallocate", name, CHANGES, 1, 0) ? -1 : real(fd, how, start, length);
}
int fallocate(int fd, int how, off_t start, off_t length) { return fallocate64(fd, how, start, length); }

int posix_fallocate64(int fd, off64_t start, off64_t length) {
    REAL(posix_fallocate64);
    char name[4096];
    return opened(fd, name) && fault("fallocate", name, CHANGES, 1, 0) ? errno : real(fd, start, length);
}
int posix_fallocate(int fd, off_t start, off_t length) { return posix_fallocate64(fd, start, length); }

int renameat2(int f, const char *old, int g, const char *new, unsigned flags) {
    REAL(renameat2);
    char from[4096], to[4096];
    int counts = named(f, old, from);
    if (!named(g, new, to) && !counts) return real(f, old, g, new, flags);
    if (fault("rename", from, CHANGES, 1, 0)) return -1;
    int done;
    NOTED(done, real(f, old, g, new, flags), !done, 'R', from, to, 0, NULL, 0);
    return done;
}
int renameat(int f, const char *old, int g, const char *new) { return renameat2(f, old, g, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

int linkat(int f, const char *old, int g, const char *new, int flags) {
    REAL(linkat);
    char from[4096], to[4096];
    named(f, old, from);
    if (!named(g, new, to)) return real(f, old, g, new, flags);
    if (fault("link", to, CHANGES, 1, 0)) return -1;
    int done;
    NOTED(done, real(f, old, g, new, flags), !done, 'L', from, to, 0, NULL, 0);
    return done;
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int f, const char *path, int flags) {
    REAL(unlinkat);
    char name[4096];
    if (!named(f, path, name)) return real(f, path, flags);
    if (fault("unlink", name, CHANGES, 0, 0)) return -1;
    int done;
    NOTED(done, real(f, path, flags), !done, 'U', name, NULL, 0, NULL, 0);
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int f, const char *path, mode_t bits) {
    REAL(mkdirat);
    char name[4096];
    if (!named(f, path, name)) return real(f, path, bits);
    if (fault("mkdir", name, CHANGES, 1, 0)) return -1;
    int done;
    NOTED(done, real(f, path, bits), !done, 'M', name, NULL, 0, NULL, 0);
    return done;
}
int mkdir(const char *path, mode_t bits) { return mkdirat(AT_FDCWD, path, bits); }
