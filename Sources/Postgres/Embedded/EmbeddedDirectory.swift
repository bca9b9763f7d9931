// The data directory of the embedded PostgreSQL: lock, permissions, socket and version.

import Glibc

/// The paths in a data directory, and the lock that keeps a second server out of it. The lock is held as long as this
/// object exists.
final class EmbeddedDirectory: Sendable {
    /// The data directory, without symbolic links.
    let path: String
    let account: Account
    private let lock: Int32

    var cluster: String { path + "/postgres" }
    var logs: String { path + "/postgres-log" }
    /// The file for output of initdb, and of the server before its log is open.
    var output: String { path + "/postgres-start.log" }

    /// The bytes of a socket's path, its terminating zero included: `sun_path` in <sys/un.h>.
    static let socketPathBytesMax = 108
    /// The name of the socket file, which libpq and the server derive from the port.
    static let socketName = ".s.PGSQL.5432"

    /// Creates the directory if it is missing, checks that the server's account can reach it, and locks it.
    init(_ configuration: EmbeddedConfiguration, account: Account) throws(EmbeddedPostgresError) {
        guard configuration.dataDirectory.hasPrefix("/") else {
            throw EmbeddedPostgresError(.directory, "\(configuration.dataDirectory) is not an absolute path")
        }
        try FileSystem.makeDirectories(configuration.dataDirectory, mode: account.isCurrent ? 0o700 : 0o711)
        guard let path = FileSystem.resolved(configuration.dataDirectory) else {
            throw FileSystem.failure("find", configuration.dataDirectory)
        }
        self.path = path
        self.account = account
        self.lock = try Self.lock(path)
        try Self.checkPath(to: path, account)
        if try FileSystem.status(logs) == nil {
            try FileSystem.makeDirectory(logs, mode: 0o700)
            if !account.isCurrent { try FileSystem.changeOwner(logs, to: account) }
        }
    }

    deinit {
        // Closing alone is not enough: a process that is just being spawned has a copy of the descriptor until it
        // execs.
        flock(lock, LOCK_UN)
        close(lock)
    }

    /// Takes the lock. The system releases it when the process ends, even after a crash.
    private static func lock(_ path: String) throws(EmbeddedPostgresError) -> Int32 {
        let file = path + "/metaxy.lock"
        let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("open", file) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let failure = FileSystem.failure("lock", file)
            close(descriptor)
            guard isTaken else { throw failure }
            throw EmbeddedPostgresError(
                .inUse,
                "another server runs on \(path): stop it, or give this one another data directory (several servers "
                    + "can share one database through DATABASE_URL)")
        }
        return descriptor
    }

    /// Every directory above must let the account through.
    private static func checkPath(to path: String, _ account: Account) throws(EmbeddedPostgresError) {
        var partial = ""
        for component in path.split(separator: "/") {
            partial += "/" + component
            guard let status = try FileSystem.status(partial), !account.canTraverse(status) else { continue }
            throw EmbeddedPostgresError(
                .directory,
                "the user '\(account.name)' (\(account.user)), as whom PostgreSQL runs, cannot pass through "
                    + "\(partial): run 'chmod o+x \(partial)', or choose another data directory")
        }
    }

    /// The last lines of the server's output, joined into one.
    func lastWords() throws(EmbeddedPostgresError) -> String {
        var newest: (path: String, modified: Int)?
        for name in FileSystem.names(in: logs) {
            guard let status = try FileSystem.status("\(logs)/\(name)") else { continue }
            if newest.map({ status.modified > $0.modified }) ?? true { newest = ("\(logs)/\(name)", status.modified) }
        }
        let log = try newest.map { newest throws(EmbeddedPostgresError) in try FileSystem.read(newest.path) ?? "" }
        return (String((log ?? "").suffix(1000)) + String((try FileSystem.read(output) ?? "").suffix(1000))).oneLine
    }

    /// The directory of the socket: the data directory, or a short private directory if the path would be too long.
    func socketDirectory(runtimeDirectory: String?) throws(EmbeddedPostgresError) -> String {
        let own = path + "/socket"
        guard Self.fits(own) else { return try shortDirectory(runtimeDirectory) }
        if try FileSystem.status(own) == nil {
            try FileSystem.makeDirectory(own, mode: 0o700)
            if !account.isCurrent { try FileSystem.changeOwner(own, to: account) }
        }
        return own
    }

    /// Whether `directory` can hold the socket. libpq treats a comma in its path as the end of a host.
    static func fits(_ directory: String) -> Bool {
        !directory.contains(",")
            && directory.utf8.count + 1 + socketName.utf8.count + 1 <= socketPathBytesMax
    }

    /// The socket's directory that the last start recorded in the data directory `path`.
    static func recordedSocketDirectory(of path: String) throws(EmbeddedPostgresError) -> String {
        let own = path + "/socket"
        if fits(own) { return own }
        guard let recorded = try FileSystem.read(path + "/socket-directory") else {
            throw FileSystem.failure("find the socket of the server on", path)
        }
        return recorded
    }

    /// The directory that an earlier start recorded if it is still private, otherwise a new one.
    private func shortDirectory(_ runtimeDirectory: String?) throws(EmbeddedPostgresError) -> String {
        let record = path + "/socket-directory"
        if let recorded = try FileSystem.read(record), try isPrivate(recorded) { return recorded }
        let parents = [runtimeDirectory, "/tmp"].compactMap { $0 }.filter { Self.fits($0 + "/metaxy-XXXXXX") }
        for parent in parents {
            var template = Array("\(parent)/metaxy-XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { continue }
            let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            if !account.isCurrent { try FileSystem.changeOwner(directory, to: account) }
            try FileSystem.replace(
                record, with: directory,
                owner: Account(name: "", user: geteuid(), group: getegid()), mode: 0o600)
            return directory
        }
        throw FileSystem.failure("create a directory for the socket in", parents.joined(separator: " or "))
    }

    private func isPrivate(_ directory: String) throws(EmbeddedPostgresError) -> Bool {
        guard let status = try FileSystem.status(directory, following: false) else { return false }
        return status.isDirectory && status.owner == account.user && status.mode & 0o077 == 0
    }
}
