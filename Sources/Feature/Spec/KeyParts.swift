// The rules that feature keys and field keys share.

import JSON

/// Text of a key whose parts are all acceptable.
///
/// The rules are the library's: a part is made of `a` to `z`, digits, `_` and `-`; it is not empty, does not start
/// with `-`, and has no `__`, which separates parts in table names; the first part does not start with a digit.
enum KeyParts {
    /// The most bytes of a key: two keys and a field of this length make one label of under a kilobyte.
    static let textLengthMax = 255

    /// Checks a key in its text form.
    ///
    /// - Returns: what is wrong, or nil.
    static func fault(in text: String) -> String? {
        guard text.utf8.count <= textLengthMax else { return "a key has at most \(textLengthMax) characters" }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if let fault = fault(inPart: part, isFirst: index == 0) { return fault }
        }
        return nil
    }

    /// The text form of a key that JSON holds as `"a/b"` or `["a", "b"]`.
    ///
    /// - Returns: the text, or what is wrong.
    static func text(_ json: JSONValue) -> Result<String, KeyFault> {
        switch json {
        case .string(let text):
            if let fault = fault(in: text) { return .failure(KeyFault(detail: fault)) }
            return .success(text)
        case .array(let elements):
            var parts: [String] = []
            for element in elements {
                guard let part = element.stringValue else {
                    return .failure(KeyFault(detail: "the parts of a key are strings, found \(element.kind)"))
                }
                guard !part.utf8.contains(UInt8(ascii: "/")) else {
                    return .failure(KeyFault(detail: "a part of a key has no \"/\": \"\(part)\""))
                }
                parts.append(part)
            }
            let text = parts.joined(separator: "/")
            if let fault = fault(in: text) { return .failure(KeyFault(detail: fault)) }
            return .success(text)
        default:
            return .failure(KeyFault(detail: "a key is a string or an array of strings, found \(json.kind)"))
        }
    }

    private static func fault(inPart part: Substring.UTF8View, isFirst: Bool) -> String? {
        guard let first = part.first else { return "a part of a key is not empty" }
        var previous: UInt8 = 0
        for byte in part {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                break
            case UInt8(ascii: "_"):
                if previous == byte { return "a part of a key has no \"__\": \"\(Substring(part))\"" }
            default:
                return "a part of a key has only a-z, 0-9, \"_\" and \"-\": \"\(Substring(part))\""
            }
            previous = byte
        }
        if first == UInt8(ascii: "-") { return "a part of a key does not start with \"-\": \"\(Substring(part))\"" }
        if isFirst, UInt8(ascii: "0")...UInt8(ascii: "9") ~= first {
            return "the first part of a key starts with a letter or \"_\": \"\(Substring(part))\""
        }
        return nil
    }
}

/// Why a key was refused.
struct KeyFault: Error {
    let detail: String
}

extension String {
    /// True when this text comes first by code points: UTF-8 bytes sort as code points do, while `<` on strings
    /// sorts by Unicode equivalence.
    func precedesByCodePoint(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
