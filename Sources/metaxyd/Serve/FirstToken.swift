// The first token of a new database: how whoever starts a server gets in.

import Foundation
import Glibc
import Service

/// Sees to it that there is a way in.
enum FirstToken {
    /// Makes the first token of the embedded database, which may do everything. Its secret goes to a file that only the
    /// server's user can read, and to the terminal where there is one; never into the log.
    ///
    /// - Parameter dataDirectory: where the embedded database lives; nil for another database: then nothing is made, and
    ///   the log says how to make one.
    static func make(_ metaxy: Metaxy, dataDirectory: String?) async throws(ExitReason) {
        do throws(ServiceError) {
            guard try await !metaxy.haveTokens() else { return }
            guard let dataDirectory else {
                Log.write(.warning, "there is no API token: make one with metaxyd token create")
                return
            }
            let secret = TokenSecret()
            let path = dataDirectory + "/admin-token"
            // The file first: a secret that is accepted but written nowhere would lock everybody out.
            guard write(secret.text + "\n", to: path) else {
                throw ServiceError.internal("cannot write \(path): \(String(cString: strerror(errno)))")
            }
            guard try await metaxy.createFirstToken(secret) else {
                unlink(path)
                return
            }
            Log.write(.info, "the secret of the first API token, which may do everything, is in \(path)")
            guard isatty(STDOUT_FILENO) == 1 else { return }
            let line = "The first API token, which may do everything (also in \(path)): \(secret.text)\n"
            FileHandle.standardOutput.write(Data(line.utf8))
        } catch {
            throw ExitReason(error)
        }
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // The file may be there from a start that did not get to its end.
        guard fchmod(descriptor, 0o600) == 0 else { return false }
        let bytes = Array(text.utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        return count == bytes.count && fsync(descriptor) == 0
    }
}
