// Why the program ends otherwise than on request.

import ArgumentParser
import Glibc
import Postgres
import Service
import Store

/// A reason to end, with the exit code that stands for it (sysexits.h).
struct ExitReason: Error {
    let code: Int32
    let message: String

    /// 69: the database cannot be reached.
    static func unreachable(_ message: String) -> ExitReason { ExitReason(code: 69, message: message) }

    /// 64: what the command line says cannot be.
    static func usage(_ message: String) -> ExitReason { ExitReason(code: 64, message: message) }

    /// 78: bad configuration, or a schema newer than this program.
    static func configuration(_ message: String) -> ExitReason { ExitReason(code: 78, message: message) }

    /// The reason behind a failure of the store.
    init(_ error: StoreError) {
        switch error {
        case .newerSchema(let found, let known):
            self = .configuration(
                "the database's schema is at migration \(found), this program knows \(known): run a newer program")
        case .changedMigration(let name):
            self = .configuration("the migration \(name) in the database is not the one that this program has")
        case .corrupt(let detail): self = .configuration("the database contradicts itself: \(detail)")
        case .database(let error): self = .unreachable("the database cannot be used: \(error)")
        }
    }

    /// The reason behind a failure of a use case.
    init(_ error: ServiceError) {
        switch error {
        case .unavailable(let error): self = .unreachable("the database cannot be used: \(error)")
        case .conflict(let detail), .internal(let detail): self = .refused(detail)
        case .tokenNotFound(let name): self = .refused("there is no token \"\(name)\"")
        default: self = .refused("\(error)")
        }
    }

    /// 1: what was asked for cannot be done.
    static func refused(_ message: String) -> ExitReason { ExitReason(code: 1, message: message) }

    private init(code: Int32, message: String) {
        self.code = code
        self.message = message
    }

    /// Says why, and ends the command with the code.
    func exit() -> ExitCode {
        Log.write(.error, message)
        return ExitCode(code)
    }
}
