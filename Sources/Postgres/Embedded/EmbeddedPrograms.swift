// Finds the programs of PostgreSQL on this machine: initdb and postgres.

import Glibc

/// The programs that the embedded server needs.
struct EmbeddedPrograms: Equatable {
    /// The oldest supported major version.
    static let majorVersionMin = 15

    /// The directory with `postgres` and `initdb`.
    let directory: String
    /// `setpriv` of util-linux, which drops root's rights and ties the server's life to this process.
    let setpriv: String

    /// Finds the programs: the newest version under Debian's directory, otherwise the first in `searchPath`.
    ///
    /// Debian keeps the server's programs out of PATH, and a `postgres` in PATH may be older.
    static func find(
        searchPath: String, versionsDirectory: String = "/usr/lib/postgresql"
    ) throws(EmbeddedPostgresError) -> EmbeddedPrograms {
        let directories = searchPath.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        let versions = FileSystem.names(in: versionsDirectory).compactMap(Int.init).filter { $0 >= majorVersionMin }
        let candidates = versions.sorted(by: >).map { "\(versionsDirectory)/\($0)/bin" } + directories
        guard let directory = candidates.first(where: { hasServer($0) }) else {
            throw EmbeddedPostgresError(
                .programsMissing,
                "PostgreSQL \(majorVersionMin) or later is not installed (no initdb and postgres in "
                    + "\(versionsDirectory)/*/bin or PATH): run 'apt-get install postgresql-\(majorVersionMin)', or "
                    + "set DATABASE_URL to use another server")
        }
        let systemDirectories = directories + ["/usr/bin", "/bin"]
        guard let setpriv = systemDirectories.map({ $0 + "/setpriv" }).first(where: { isExecutable($0) }) else {
            throw EmbeddedPostgresError(.programsMissing, "setpriv is not installed: run 'apt-get install util-linux'")
        }
        return EmbeddedPrograms(directory: directory, setpriv: setpriv)
    }

    /// The command that runs one of PostgreSQL's programs as `account`.
    ///
    /// The program gets SIGINT, PostgreSQL's fast shutdown, when the thread that started it ends. So no server stays
    /// behind, even after kill -9 of this process.
    func command(_ program: String, _ arguments: [String], as account: Account) -> [String] {
        var command = [setpriv, "--pdeathsig", "INT"]
        if !account.isCurrent {
            command += ["--reuid", String(account.user), "--regid", String(account.group), "--init-groups"]
        }
        return command + ["--", "\(directory)/\(program)"] + arguments
    }

    private static func hasServer(_ directory: String) -> Bool {
        isExecutable("\(directory)/postgres") && isExecutable("\(directory)/initdb")
    }

    private static func isExecutable(_ path: String) -> Bool {
        unsafe access(path, X_OK) == 0
    }
}
