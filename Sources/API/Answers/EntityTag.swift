// Entity tags: which version of a resource an answer or a condition speaks of (RFC 9110 section 8.8.3).

import HTTP
import Service

/// Writes strong entity tags and reads conditions.
enum EntityTag {
    /// The tag of a version.
    static func text(_ version: String) -> String { "\"\(version)\"" }

    /// The version that `If-Match` asks for, nil where the field is absent.
    ///
    /// - Throws: `invalid_parameter` unless it is one strong tag: a change replaces exactly one version.
    static func expected(_ head: RequestHead) throws(Problem) -> String? {
        guard let text = head.headers["If-Match"] else { return nil }
        guard let version = version(text) else {
            throw Problem(
                .invalidParameter, .parameter("If-Match"),
                "expected one strong entity tag, as the ETag of what is to be changed, found \(text)")
        }
        return version
    }

    /// Whether `If-None-Match` names the version, so that the client has it already.
    static func isKnown(_ version: String, _ head: RequestHead) -> Bool {
        guard let text = head.headers["If-None-Match"] else { return false }
        return text.split(separator: ",").contains { part in
            let tag = part.drop { $0 == " " }
            // The comparison is weak (RFC 9110 section 13.1.2).
            return tag == "*" || self.version(tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : String(tag)) == version
        }
    }

    private static func version(_ tag: String) -> String? {
        guard tag.utf8.count >= 2, tag.hasPrefix("\""), tag.hasSuffix("\"") else { return nil }
        let version = tag.dropFirst().dropLast()
        return version.contains("\"") ? nil : String(version)
    }
}
