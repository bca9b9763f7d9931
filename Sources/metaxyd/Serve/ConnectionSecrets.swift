// Passwords and connection strings, which no log line may show.

import Foundation

/// The secret parts of a connection string.
struct ConnectionSecrets {
    /// Texts to hide, the longest first.
    let texts: [String]

    /// The password in `connectionString`, as written and decoded, and the string itself, which libpq repeats if it cannot
    /// read it.
    init(_ connectionString: String) {
        var found: Set<String> = [connectionString]
        if let match = connectionString.firstMatch(of: /:([^:@\/]+)@/) { found.insert(String(match.1)) }
        // A password with an unescaped "@" or "/" reaches up to the last "@".
        if let match = connectionString.firstMatch(of: /:\/\/[^:@]*:(.+)@/) { found.insert(String(match.1)) }
        if let match = connectionString.firstMatch(of: /password\s*=\s*'((?:[^'\\]|\\.)*)'/) {
            found.insert(String(match.1))
        } else if let match = connectionString.firstMatch(of: /password\s*=\s*([^\s&']+)/) {
            found.insert(String(match.1))
        }
        texts = found.union(found.compactMap(\.removingPercentEncoding)).filter { !$0.isEmpty }
            .sorted { $0.utf8.count > $1.utf8.count }
    }

    /// A text with each secret replaced.
    func hidden(in text: String) -> String {
        texts.reduce(text) { $0.replacing($1, with: "(hidden)") }
    }
}
