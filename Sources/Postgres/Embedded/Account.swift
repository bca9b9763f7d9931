// The operating system user that the embedded PostgreSQL runs as.

import Glibc

/// A user and the group it logs in with.
struct Account: Equatable {
    let name: String
    let user: uid_t
    let group: gid_t

    /// Whether this process runs as this user.
    var isCurrent: Bool { user == geteuid() }

    /// The account for the server: the process's own account. PostgreSQL refuses root, for which it is `postgres`.
    static func forServer() throws(EmbeddedPostgresError) -> Account {
        guard geteuid() == 0 else { return Account(name: "", user: geteuid(), group: getegid()) }
        guard let account = named("postgres") else {
            throw EmbeddedPostgresError(
                .accountMissing,
                "PostgreSQL does not run as root and there is no user 'postgres' to run it as: install Debian's "
                    + "postgresql-common, or start this server as an ordinary user")
        }
        return account
    }

    /// Looks an account up.
    static func named(_ name: String) -> Account? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        guard unsafe getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, unsafe found != nil else {
            return nil
        }
        return unsafe Account(name: name, user: entry.pw_uid, group: entry.pw_gid)
    }

    /// Whether a directory with `status` can be passed through.
    func canTraverse(_ status: FileSystem.Status) -> Bool {
        if user == 0 { return true }
        if status.owner == user { return status.mode & 0o100 != 0 }
        if status.group == group { return status.mode & 0o010 != 0 }
        return status.mode & 0o001 != 0
    }
}
