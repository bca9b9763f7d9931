// What a log line must never show.

import Foundation

/// The secret parts of a connection string.
struct ConnectionSecrets {
    /// Texts to be hidden, the longest first.
    let texts: [String]

    /// The password in `connectionString`, as it is written there and decoded, and the string itself: what is said of one
    /// that cannot be read repeats it.
    init(_ connectionString: String) {
        var found: Set<String> = [connectionString]
        if let match = connectionString.firstMatch(of: /:([^:@\/]+)@/) { found.insert(String(match.1)) }
        if let match = connectionString.firstMatch(of: /password\s*=\s*'((?:[^'\\]|\\.)*)'/) {
            found.insert(String(match.1))
        } else if let match = connectionString.firstMatch(of: /password\s*=\s*([^\s&']+)/) {
            found.insert(String(match.1))
        }
        texts = found.union(found.compactMap(\.removingPercentEncoding)).filter { !$0.isEmpty }
            .sorted { $0.utf8.count > $1.utf8.count }
    }

    /// A text without the secrets.
    func hidden(in text: String) -> String {
        texts.reduce(text) { $0.replacing($1, with: "(hidden)") }
    }
}
