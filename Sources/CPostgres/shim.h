// libpq, and the system calls that Swift cannot import because they are variadic or macros.
#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>

/// Closes every descriptor from `first` on in the new process; glibc 2.34 and later, hidden from Swift by the macros
/// it is imported with.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);

/// pipe(2) with flags; a GNU extension that Swift's Glibc leaves out.
extern int pipe2(int ends[2], int flags);
