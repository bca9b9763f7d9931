// The name of a header field: a token, compared without regard to ASCII case (RFC 9110 section 5.1).

/// The name of a header field.
///
/// A literal is checked when it is made; text from elsewhere goes through the failable initializer, so a name can never
/// carry a line break into a response.
public struct FieldName: Sendable, ExpressibleByStringLiteral {
    /// The name as written.
    public let text: String

    /// Creates a name from text; nil unless it is a token (RFC 9110 section 5.6.2).
    ///
    /// - Parameter text: the name.
    public init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(Grammar.isToken) else { return nil }
        self.text = text
    }

    /// Creates a name from a literal, which has to be a token.
    ///
    /// - Parameter value: the literal.
    public init(stringLiteral value: StaticString) {
        let text = value.description
        precondition(text.utf8.allSatisfy(Grammar.isToken) && !text.isEmpty, "a field name is a token")
        self.text = text
    }
}
