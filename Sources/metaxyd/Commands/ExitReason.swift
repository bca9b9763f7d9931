// Exit codes and messages of failed commands.

import ArgumentParser
import Glibc
import Postgres
import Service
import Store

/// The message and the exit code (sysexits.h) of a failed command.
struct ExitReason: Error {
    let code: Int32
    let message: String

    /// 69: the database or the server cannot be reached.
    static func unreachable(_ message: String) -> ExitReason { ExitReason(code: 69, message: message) }

    /// 64: wrong usage of the command line.
    static func usage(_ message: String) -> ExitReason { ExitReason(code: 64, message: message) }

    /// 78: bad configuration, or a schema that does not fit this program.
    static func configuration(_ message: String) -> ExitReason { ExitReason(code: 78, message: message) }

    /// The exit code and message for a failure of the store.
    init(_ error: StoreError) {
        switch error {
        case .newerSchema(let found, let known):
            self = .configuration(
                "the database's schema is at migration \(found) and this program knows \(known): run a newer program")
        case .changedMigration(let name):
            self = .configuration("the migration \(name) in the database differs from the one in this program")
        case .corrupt(let detail): self = .configuration("the database is corrupt: \(detail)")
        case .database(let error): self = .unreachable("the database cannot be used: \(error)")
        }
    }

    /// The exit code and message for a failure of a use case.
    init(_ error: ServiceError) {
        switch error {
        case .unavailable(let error): self = .unreachable("the database cannot be used: \(error)")
        case .conflict(let detail), .internal(let detail): self = .refused(detail)
        case .tokenNotFound(let name): self = .refused("there is no token \"\(name)\"")
        default: self = .refused("\(error)")
        }
    }

    /// 1: the command was refused.
    static func refused(_ message: String) -> ExitReason { ExitReason(code: 1, message: message) }

    private init(code: Int32, message: String) {
        self.code = code
        self.message = message
    }

    /// Logs the message and returns the exit code.
    func exit() -> ExitCode {
        Log.write(.error, message)
        return ExitCode(code)
    }
}
