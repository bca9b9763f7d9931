// The name of a header field: a token, compared without regard to ASCII case (RFC 9110 section 5.1).

/// The name of a header field.
///
/// A literal is checked when it is made; text from elsewhere goes through the failable initializer, so a name can never
/// carry a line break into a response.
public struct FieldName: Sendable, ExpressibleByStringLiteral {
    /// A literal stays in the program's memory. Making a String of it at each look-up would cost more than the look-up.
    private enum Storage: Sendable {
        case literal(StaticString)
        case text(String)
    }

    private let storage: Storage

    /// The name as written.
    public var text: String {
        switch storage {
        case .literal(let literal): literal.description
        case .text(let text): text
        }
    }

    /// Creates a name from text; nil unless it is a token (RFC 9110 section 5.6.2).
    ///
    /// - Parameter text: the name.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(Grammar.isToken) else { return nil }
        storage = .text(text)
    }

    /// Creates a name from a literal, which has to be a token.
    ///
    /// - Parameter value: the literal.
    public init(stringLiteral value: StaticString) {
        let isToken = value.withUTF8Buffer { !$0.isEmpty && $0.allSatisfy(Grammar.isToken) }
        precondition(isToken, "a field name is a token")
        storage = .literal(value)
    }

    /// Calls `body` with the bytes of the name.
    func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        switch storage {
        case .literal(let literal):
            return literal.withUTF8Buffer(body)
        case .text(var text):
            return text.withUTF8(body)
        }
    }
}
