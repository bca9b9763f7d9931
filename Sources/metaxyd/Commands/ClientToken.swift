// The API token of a client command: from an option, an environment variable, or a file.

import Foundation

/// Finds the token that a client command sends.
enum ClientToken {
    /// The token of the file that the option names, else of METAXY_TOKEN, else of the file that METAXY_TOKEN_FILE names;
    /// nil if none of them is set.
    ///
    /// White space at either end, such as the newline at the end of a file, is not part of a token. An empty variable
    /// counts as unset.
    ///
    /// - Throws: 78 if a file cannot be read or is empty, or if a token has characters that no token has.
    static func find(file: String?, environment: [String: String]) throws(ExitReason) -> String? {
        if let file { return try read(file, "--token-file") }
        let token = trimmed(environment["METAXY_TOKEN"] ?? "")
        if !token.isEmpty { return try checked(token, "METAXY_TOKEN") }
        guard let file = environment["METAXY_TOKEN_FILE"], !file.isEmpty else { return nil }
        return try read(file, "METAXY_TOKEN_FILE")
    }

    private static func read(_ path: String, _ source: String) throws(ExitReason) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .configuration("\(source): cannot read the token file \(path)")
        }
        let token = trimmed(String(decoding: data, as: UTF8.self))
        guard !token.isEmpty else { throw .configuration("\(source): the token file \(path) is empty") }
        return try checked(token, "\(source): the token in \(path)")
    }

    private static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Refuses a token that could not be sent as a header field. The message does not repeat the token.
    private static func checked(_ token: String, _ source: String) throws(ExitReason) -> String {
        guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .configuration("\(source) has a space, a line break or another character that no token has")
        }
        return token
    }
}
