// Path templates: literals, named segments, and one run of segments for a feature key.

/// A path as the route table writes it, such as `/v1/claims/{id}/heartbeat` or `/v1/failures/{key}/retry`.
///
/// `{key}` takes one or more segments, since feature keys contain slashes; a slash that came percent-encoded counts the
/// same. Every other name takes one segment.
struct PathTemplate: Hashable, Sendable {
    /// A segment of the template.
    enum Part: Hashable, Sendable {
        /// Exactly this text.
        case literal(String)
        /// Any text.
        case one(String)
        /// One or more segments, joined by slashes.
        case many(String)
    }

    /// The template as written.
    let text: String
    /// Its parts.
    let parts: [Part]

    /// Takes a template apart.
    init(_ text: String) {
        self.text = text
        parts = text.split(separator: "/").map { part in
            guard part.hasPrefix("{") else { return .literal(String(part)) }
            let name = String(part.dropFirst().dropLast())
            return name == "key" ? .many(name) : .one(name)
        }
    }

    /// What the names stand for in a path.
    ///
    /// - Parameter segments: the path, split and decoded.
    /// - Returns: nil where the path does not match.
    func match(_ segments: [String]) -> [String: String]? {
        var values: [String: String] = [:]
        var position = 0
        for (index, part) in parts.enumerated() {
            let after = parts.count - index - 1
            guard position + after < segments.count else { return nil }
            switch part {
            case .literal(let text):
                guard segments[position] == text else { return nil }
                position += 1
            case .one(let name):
                guard !segments[position].isEmpty else { return nil }
                values[name] = segments[position]
                position += 1
            case .many(let name):
                let run = segments[position..<(segments.count - after)]
                guard !run.contains("") else { return nil }
                values[name] = run.joined(separator: "/")
                position = segments.count - after
            }
        }
        return position == segments.count ? values : nil
    }
}
