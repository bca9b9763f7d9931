// Linux interfaces that the Glibc module does not show, and macros and variadic calls as functions.
// Without _GNU_SOURCE: with it the C library's types would differ from those of the Glibc module.
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int malloc_trim(size_t);
extern int pthread_setname_np(pthread_t, const char *);
extern int sched_getaffinity(pid_t, size_t, void *);

/* Processors that the calling thread may run on; 0 when the kernel has more than the mask, or will not say. */
static inline int linux_usable_processors(void) {
    unsigned long mask[64] = {0};
    if (sched_getaffinity(0, sizeof mask, mask) < 0) return 0;
    int count = 0;
    for (int word = 0; word < 64; word++) count += __builtin_popcountl(mask[word]);
    return count;
}

/* Bytes sent that the peer has not acknowledged. */
static inline int linux_unacknowledged(int socket) {
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

/* SIGPIPE would end the process where OpenSSL writes to a closed socket; blocked, it becomes EPIPE. */
static inline void linux_block_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, 0);
}
