// The media types that bodies have, and what clients say about them.

import HTTP

/// A media type that a body can have.
enum MediaType: CaseIterable, Sendable {
    /// One JSON document.
    case json
    /// One JSON document a line.
    case ndjson
    /// A problem (RFC 9457).
    case problem
    /// Lines for people.
    case text
    /// Prometheus' text format 0.0.4.
    case metrics
    /// A YAML document (RFC 9512).
    case yaml

    /// The value of `Content-Type`.
    var text: String {
        switch self {
        case .json, .ndjson, .problem, .yaml: essence
        case .text: "text/plain; charset=utf-8"
        case .metrics: "text/plain; version=0.0.4; charset=utf-8"
        }
    }

    /// The type without its parameters.
    var essence: String {
        switch self {
        case .json: "application/json"
        case .ndjson: "application/x-ndjson"
        case .problem: "application/problem+json"
        case .text, .metrics: "text/plain"
        case .yaml: "application/yaml"
        }
    }
}

extension RequestHead {
    /// The media type of the body, one of `accepted`.
    ///
    /// Strict: a missing type is refused, any charset but UTF-8, and any coding of the
    /// content but gzip.
    ///
    /// - Throws: `unsupported_media_type`, with the accepted ones in `Accept-Post`.
    func mediaType(among accepted: [MediaType]) throws(Problem) -> MediaType {
        if contentCoding == .other {
            throw Problem(
                .unsupportedMediaType,
                "Content-Encoding \"\(headers["Content-Encoding"] ?? "")\" is not supported; send gzip or the body as it is."
            )
            .with("Accept-Encoding", "gzip, identity")
        }
        let sent = headers["Content-Type"]
        if let sent, let type = accepted.first(where: { $0.essence == sent }) { return type }
        let names = accepted.map(\.essence).joined(separator: ", ")
        guard let text = sent else {
            throw Problem(.unsupportedMediaType, "Content-Type is missing; this path takes \(names).")
                .with("Accept-Post", names)
        }
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmedOWS)
        let type = accepted.first { $0.essence == parts[0].lowercased() }
        let isUTF8 = parts.dropFirst().allSatisfy { part in
            let parameter = part.lowercased()
            return parameter.isEmpty || parameter == "charset=utf-8" || parameter == "charset=\"utf-8\""
        }
        guard let type, isUTF8 else {
            throw Problem(.unsupportedMediaType, "Content-Type \"\(text)\" is not supported; this path takes \(names).")
                .with("Accept-Post", names)
        }
        return type
    }

    /// The one of `offers` that the client wants most, the first of them where it does not care (RFC 9110 section
    /// 12.5.1).
    ///
    /// - Throws: `not_acceptable` where it accepts none.
    func preferred(among offers: [MediaType]) throws(Problem) -> MediaType {
        guard let text = headers["Accept"] else { return offers[0] }
        let ranges = text.split(separator: ",").map { AcceptRange(Substring($0)) }
        var best: (offer: MediaType, quality: Double)?
        for offer in offers {
            let match = ranges.filter { $0.covers(offer.essence) }.max { $0.precision < $1.precision }
            guard let quality = match?.quality, quality > 0 else { continue }
            if best.map({ quality > $0.quality }) ?? true { best = (offer, quality) }
        }
        guard let best else {
            let names = offers.map(\.essence).joined(separator: ", ")
            throw Problem(.notAcceptable, "Accept \"\(text)\" leaves out what this path can answer: \(names).")
        }
        return best.offer
    }
}

/// One media range of an `Accept` field.
private struct AcceptRange {
    let range: String
    let quality: Double

    init(_ text: Substring) {
        let parts = text.split(separator: ";").map(\.trimmedOWS)
        range = parts.first?.lowercased() ?? ""
        let weight = parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }
        // A weight that cannot be read counts as not given.
        quality = weight.flatMap { Double($0.dropFirst(2)) }.flatMap { (0...1).contains($0) ? $0 : nil } ?? 1
    }

    /// The more exact of two ranges that cover a type decides.
    var precision: Int { range == "*/*" ? 0 : range.hasSuffix("/*") ? 1 : 2 }

    func covers(_ type: String) -> Bool {
        range == "*/*" || range == type || (range.hasSuffix("/*") && type.hasPrefix(range.dropLast()))
    }
}

extension Substring {
    /// The text without spaces and tabs at either end.
    fileprivate var trimmedOWS: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }
}
