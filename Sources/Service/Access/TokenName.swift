// Which texts can name an API token.

/// The name of an API token: plain words.
///
/// Lineage and the audit show names to people. A name that hides characters, turns the direction of a line or looks like
/// the subject of an identity provider (`oidc:`) would let one token pass for another.
public enum TokenName {
    /// The most bytes of a name.
    public static let bytesMax = 255

    /// The reason why a text cannot name a token; nil where it can.
    public static func fault(in name: String) -> String? {
        if name.isEmpty || name.utf8.count > bytesMax { return "the name of a token has 1 to \(bytesMax) bytes" }
        if name == "." || name == ".." { return "the name of a token is not \".\" or \"..\"" }
        if name.unicodeScalars.first == " " || name.unicodeScalars.last == " " {
            return "the name of a token does not begin or end with a space"
        }
        guard name.unicodeScalars.allSatisfy(isPlain) else {
            return #"the name of a token has letters, digits, spaces and punctuation other than ":", "/" and "\""#
        }
        return nil
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber, .otherNumber:
            true
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol:
            scalar != ":" && scalar != "/" && scalar != "\\"
        case .spaceSeparator: scalar == " "
        default: false
        }
    }
}

/// How long the new secret of a token is accepted.
public enum SecretLifetime: Hashable, Sendable {
    /// As long as the present secret was accepted when it was made.
    case asBefore
    /// For ever.
    case unlimited
    /// For so many seconds.
    case seconds(Double)
}
