// libpq, and the system calls that Swift cannot import because they are variadic or macros.
#include <libpq-fe.h>
#include <sys/prctl.h>
#include <signal.h>

/// Names the calling thread, at most 15 bytes.
static inline void cpostgres_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}
