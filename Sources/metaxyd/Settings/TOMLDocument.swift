// TOML files: the settings file and the graphs that `metaxyd push` reads.

import Foundation
import JSON
import TOMLKit

/// Reads TOML 1.0.
enum TOMLDocument {
    /// Why a text is not TOML; names the line and the column where they are known.
    struct Malformed: Error {
        let detail: String
    }

    /// The JSON of a TOML document. Dates and times become texts.
    static func json(_ data: Data) throws(Malformed) -> JSONValue {
        guard let text = String(data: data, encoding: .utf8) else { throw Malformed(detail: "it is not UTF-8") }
        do {
            return try JSONValue(parsing: Array(try TOMLTable(string: text).convert(to: .json).utf8))
        } catch let error as TOMLParseError {
            let place = error.source.begin
            throw Malformed(detail: "line \(place.line), column \(place.column): \(error.description)")
        } catch {
            throw Malformed(detail: "\(error)")
        }
    }
}
