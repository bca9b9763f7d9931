// Values that are written as text, in a query parameter or in a member of a document.

import Base
import Feature
import Service

/// Why a text is refused.
struct TextFault: Error {
    /// One sentence for the client.
    let detail: String
}

/// Reads values from their text. Query parameters and members of documents share these rules and messages.
enum TextValue {
    /// A time in microseconds since 1970.
    static func time(_ text: String) throws(TextFault) -> Int64 {
        guard let time = Timestamp(text)?.microseconds else {
            throw TextFault(detail: "expected a time as 2026-11-22T20:09:00Z, found \"\(text)\"")
        }
        return time
    }

    /// One of the allowed values of an enumeration.
    static func choice<Choice: RawRepresentable<String>>(
        _ text: String, among allowed: [Choice]
    ) throws(TextFault) -> Choice {
        if let choice = allowed.first(where: { $0.rawValue.utf8.elementsEqual(text.utf8) }) { return choice }
        let names = allowed.map(\.rawValue).joined(separator: ", ")
        throw TextFault(detail: "expected one of \(names), found \"\(text)\"")
    }

    /// A filter.
    static func filter(_ text: String) throws(TextFault) -> Filter {
        do throws(FilterSyntaxError) {
            return try Filter(text)
        } catch {
            throw TextFault(detail: error.description)
        }
    }

    /// A whole number of 64 bits without a sign; nil for any other text.
    static func digits(_ text: String) -> Int64? {
        text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int64(text) : nil
    }
}
