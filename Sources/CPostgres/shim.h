// libpq, and the system calls that Swift cannot import because they are variadic or macros.
#include <libpq-fe.h>
#include <sys/prctl.h>
#include <signal.h>

/// Names the calling thread, at most 15 bytes.
static inline void cpostgres_name_thread(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

#include <spawn.h>

/// Closes every descriptor from `first` on in the new process; glibc 2.34 and later, hidden from Swift by the macros
/// it is imported with.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);

/// pipe(2) with flags; a GNU extension that Swift's Glibc leaves out.
extern int pipe2(int ends[2], int flags);
