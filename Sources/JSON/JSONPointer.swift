// A place inside a JSON document (RFC 6901).

/// A JSON pointer: the names and indices that lead from the root of a document to one value.
///
/// The empty pointer is the root. Kept as its text form, because it is only ever built and shown, never followed.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The text form, for example `/deps/0/feature`; `~` and `/` inside names are written `~0` and `~1`.
    public private(set) var description: String

    /// The root of a document.
    public static let root = JSONPointer("")

    /// Takes a pointer that is already in text form.
    public init(_ text: String) {
        description = text
    }

    /// Takes a pointer that is already in text form.
    public init(stringLiteral text: String) {
        description = text
    }

    /// The pointer to the member `name` of the object at this pointer.
    public func appending(_ name: String) -> JSONPointer {
        var text = description
        text.append("/")
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": text.append("~0")
            case "/": text.append("~1")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return JSONPointer(text)
    }

    /// The pointer to the element `index` (from 0) of the array at this pointer.
    public func appending(_ index: Int) -> JSONPointer {
        JSONPointer("\(description)/\(index)")
    }

    /// This pointer followed by `suffix`, which starts at the value that this pointer names.
    public func appending(contentsOf suffix: JSONPointer) -> JSONPointer {
        JSONPointer(description + suffix.description)
    }
}
