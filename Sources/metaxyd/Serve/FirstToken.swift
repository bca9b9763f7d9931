// Creates the first API token of a new embedded database.

import Foundation
import Glibc
import Service

/// The first token of a database.
enum FirstToken {
    /// Creates the first token of the embedded database, with all scopes. Writes its secret to a file that only the server's
    /// user can read, and to standard output if that is a terminal; never to the log.
    ///
    /// - Parameter dataDirectory: the directory of the embedded database; nil for another database. Then no token is
    ///   created, and the log names the command that creates one.
    static func make(_ metaxy: Metaxy, dataDirectory: String?) async throws(ExitReason) {
        do throws(ServiceError) {
            guard try await !metaxy.tokens.exist() else { return }
            guard let dataDirectory else {
                Log.write(.warning, "there is no API token: create one with metaxyd token create")
                return
            }
            let secret = TokenSecret()
            let path = dataDirectory + "/admin-token"
            // The file comes first: a valid secret that is written nowhere would lock everybody out.
            guard write(secret.text + "\n", to: path) else {
                throw ServiceError.internal("cannot write \(path): \(String(cString: strerror(errno)))")
            }
            guard try await metaxy.tokens.createFirst(secret) else {
                unlink(path)
                return
            }
            Log.write(.info, "created the first API token, with all scopes; its secret is in \(path)")
            guard isatty(STDOUT_FILENO) == 1 else { return }
            let line = "The first API token, with all scopes (also in \(path)): \(secret.text)\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        } catch {
            throw ExitReason(error)
        }
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // The file may be left over from a start that failed.
        guard fchmod(descriptor, 0o600) == 0 else { return false }
        let bytes = Array(text.utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        return count == bytes.count && fsync(descriptor) == 0
    }
}
