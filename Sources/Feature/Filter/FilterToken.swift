// The words of the filter language.

/// A word with a meaning of its own; to use it as a name, quote it.
enum FilterKeyword: String, CaseIterable {
    case and = "AND"
    case or = "OR"
    case not = "NOT"
    case `in` = "IN"
    case `is` = "IS"
    case null = "NULL"
    case `true` = "TRUE"
    case `false` = "FALSE"

    /// The keyword that a word spells, in any case.
    init?(word: String) {
        // The longest keyword has five letters. Only ASCII: the upper case of a dotless i is I as well.
        guard word.utf8.count <= 5, word.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        self.init(rawValue: word.uppercased())
    }
}

/// One word, value or sign of a filter, and where it stands.
struct FilterToken {
    enum Kind: Hashable {
        case keyword(FilterKeyword)
        case name(String)
        case string(String)
        case number(FilterNumber)
        case comparison(FilterComparison)
        case open
        case close
        case comma
        case dot
        case minus
        case plus
        case end
    }

    let kind: Kind
    /// Offsets in the UTF-8 bytes of the text.
    let range: Range<Int>
}
