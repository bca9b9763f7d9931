// Turns the tokens of a filter into its tree.

/// A recursive-descent parser with one token of lookahead; it recurses at most `FilterLimits.depthMax` deep.
struct FilterParser {
    /// What parentheses may hold: an operand of a comparison, or a condition.
    private enum Phrase {
        case operand(FilterOperand)
        case condition(FilterExpression)
    }

    private var lexer: FilterLexer
    private var token: FilterToken
    /// The token before `token`, for messages.
    private var previous: FilterToken?
    private var depth = 0
    private var conditions = 0

    static func parse(_ text: String) throws(FilterSyntaxError) -> FilterExpression {
        guard text.utf8.count <= FilterLimits.textBytesMax else {
            throw FilterSyntaxError(
                column: 1, detail: "the filter has more than \(FilterLimits.textBytesMax) bytes of UTF-8")
        }
        var parser = try FilterParser(text)
        let start = parser.token
        let expression = try parser.condition(try parser.disjunction(), at: start)
        guard parser.token.kind == .end else {
            throw parser.unexpected("AND, OR or the end of the filter")
        }
        return expression
    }

    private init(_ text: String) throws(FilterSyntaxError) {
        lexer = FilterLexer(text)
        try lexer.refuseZero()
        token = try lexer.next()
    }

    private mutating func advance() throws(FilterSyntaxError) {
        previous = token
        token = try lexer.next()
    }

    private mutating func accept(_ keyword: FilterKeyword) throws(FilterSyntaxError) -> Bool {
        guard token.kind == .keyword(keyword) else { return false }
        try advance()
        return true
    }

    private mutating func enter() throws(FilterSyntaxError) {
        depth += 1
        guard depth <= FilterLimits.depthMax else {
            throw lexer.error(
                at: token.range.lowerBound, "the filter nests deeper than \(FilterLimits.depthMax) levels")
        }
    }

    private mutating func countCondition(at start: FilterToken) throws(FilterSyntaxError) {
        conditions += 1
        guard conditions <= FilterLimits.conditionsMax else {
            throw lexer.error(
                at: start.range.lowerBound,
                "the filter has more than \(FilterLimits.conditionsMax) conditions; use IN for long lists of values")
        }
    }
}

// Conditions, from the loosest binding to the tightest.
extension FilterParser {
    private mutating func disjunction() throws(FilterSyntaxError) -> Phrase {
        let start = token
        let first = try conjunction()
        guard token.kind == .keyword(.or) else { return first }
        var members = [try condition(first, at: start)]
        while try accept(.or) {
            let start = token
            members.append(try condition(try conjunction(), at: start))
        }
        return .condition(.or(members))
    }

    private mutating func conjunction() throws(FilterSyntaxError) -> Phrase {
        let start = token
        let first = try negation()
        guard token.kind == .keyword(.and) else { return first }
        var members = [try condition(first, at: start)]
        while try accept(.and) {
            let start = token
            members.append(try condition(try negation(), at: start))
        }
        return .condition(.and(members))
    }

    private mutating func negation() throws(FilterSyntaxError) -> Phrase {
        guard token.kind == .keyword(.not) else { return try predicate() }
        try enter()
        try advance()
        let start = token
        let inner = try condition(try negation(), at: start)
        depth -= 1
        return .condition(.not(inner))
    }

    private mutating func predicate() throws(FilterSyntaxError) -> Phrase {
        let start = token
        let left = try primary("a condition")
        switch token.kind {
        case .comparison(let comparison):
            try countCondition(at: start)
            let first = try operand(left, at: start)
            try advance()
            let side = token
            let second = try operand(try primary("a value"), at: side)
            return .condition(FilterParser.compare(comparison, first, second))
        case .keyword(.is):
            try countCondition(at: start)
            return .condition(try identity(of: try operand(left, at: start)))
        case .keyword(.in), .keyword(.not):
            try countCondition(at: start)
            return .condition(try membership(of: try operand(left, at: start), at: start))
        default:
            return left
        }
    }

    /// With NULL on one side and a column on the other, `=` and `<>` ask whether the column is null.
    private static func compare(
        _ comparison: FilterComparison, _ left: FilterOperand, _ right: FilterOperand
    ) -> FilterExpression {
        switch (comparison, left, right) {
        case (.equal, .column, .literal(.null)): .isNull(left)
        case (.equal, .literal(.null), .column): .isNull(right)
        case (.notEqual, .column, .literal(.null)): .not(.isNull(left))
        case (.notEqual, .literal(.null), .column): .not(.isNull(right))
        default: .comparison(comparison, left, right)
        }
    }

    private mutating func identity(of operand: FilterOperand) throws(FilterSyntaxError) -> FilterExpression {
        try advance()
        let isNegated = try accept(.not)
        let expression: FilterExpression
        switch token.kind {
        case .keyword(.null): expression = .isNull(operand)
        case .keyword(.true): expression = .comparison(.equal, operand, .literal(.boolean(true)))
        case .keyword(.false): expression = .comparison(.equal, operand, .literal(.boolean(false)))
        default: throw unexpected(isNegated ? "NULL, TRUE or FALSE" : "NULL, NOT NULL, TRUE or FALSE")
        }
        try advance()
        return isNegated ? .not(expression) : expression
    }

    private mutating func membership(
        of operand: FilterOperand, at start: FilterToken
    ) throws(FilterSyntaxError) -> FilterExpression {
        let isNegated = try accept(.not)
        guard token.kind == .keyword(.in) else { throw unexpected("IN") }
        guard case .column(let path) = operand else {
            throw lexer.error(at: start.range.lowerBound, "the left side of IN must be a column")
        }
        try advance()
        guard token.kind == .open else { throw unexpected("(") }
        var values: [FilterLiteral] = []
        repeat {
            try advance()
            let start = token
            guard case .literal(let value) = try self.operand(try primary("a value"), at: start) else {
                throw lexer.error(at: start.range.lowerBound, "the values of IN must be literals, not columns")
            }
            guard values.count < FilterLimits.listValuesMax else {
                throw lexer.error(
                    at: start.range.lowerBound, "the list has more than \(FilterLimits.listValuesMax) values")
            }
            values.append(value)
        } while token.kind == .comma
        guard token.kind == .close else { throw unexpected(", or )") }
        try advance()
        return isNegated ? .not(.isIn(path, values)) : .isIn(path, values)
    }
}

// Operands.
extension FilterParser {
    private mutating func primary(_ expected: String) throws(FilterSyntaxError) -> Phrase {
        switch token.kind {
        case .open: return try parenthesized()
        case .minus, .plus: return .operand(.literal(.number(try signed())))
        case .name(let name): return .operand(.column(try path(name)))
        case .string(let value): return try literal(.string(value))
        case .number(let value): return try literal(.number(value))
        case .keyword(.true): return try literal(.boolean(true))
        case .keyword(.false): return try literal(.boolean(false))
        case .keyword(.null): return try literal(.null)
        default: throw unexpected(expected)
        }
    }

    private mutating func literal(_ literal: FilterLiteral) throws(FilterSyntaxError) -> Phrase {
        try advance()
        return .operand(.literal(literal))
    }

    private mutating func parenthesized() throws(FilterSyntaxError) -> Phrase {
        try enter()
        try advance()
        let inner = try disjunction()
        guard token.kind == .close else { throw unexpected("AND, OR or )") }
        try advance()
        depth -= 1
        return inner
    }

    private mutating func signed() throws(FilterSyntaxError) -> FilterNumber {
        let isNegative = token.kind == .minus
        try enter()
        try advance()
        let start = token
        guard case .operand(.literal(.number(let number))) = try primary("a number") else {
            throw lexer.error(at: start.range.lowerBound, "a sign needs a number after it")
        }
        depth -= 1
        return isNegative ? -number : number
    }

    private mutating func path(_ first: String) throws(FilterSyntaxError) -> ColumnPath {
        var parts = [first]
        try advance()
        while token.kind == .dot {
            try advance()
            guard case .name(let name) = token.kind else { throw unexpected("a name") }
            guard parts.count < FilterLimits.namePartsMax else {
                throw lexer.error(
                    at: token.range.lowerBound, "a name has at most \(FilterLimits.namePartsMax) parts")
            }
            parts.append(name)
            try advance()
        }
        return ColumnPath(parts)
    }

    private func operand(_ phrase: Phrase, at start: FilterToken) throws(FilterSyntaxError) -> FilterOperand {
        guard case .operand(let operand) = phrase else {
            throw lexer.error(at: start.range.lowerBound, "expected a column or a value, found a condition")
        }
        return operand
    }

    /// Takes a column, a boolean or NULL that stands alone for a condition.
    private mutating func condition(
        _ phrase: Phrase, at start: FilterToken
    ) throws(FilterSyntaxError) -> FilterExpression {
        switch phrase {
        case .condition(let expression): return expression
        case .operand(let operand):
            try countCondition(at: start)
            switch operand {
            case .column(let path): return .column(path)
            case .literal(.boolean(let value)): return .constant(value)
            case .literal(.null): return .constant(nil)
            case .literal(.number): throw notCondition("a number", at: start)
            case .literal(.string): throw notCondition("a string", at: start)
            }
        }
    }

    /// A value that nothing compares: the trouble is at its start if the text is otherwise sound there.
    private func notCondition(_ noun: String, at start: FilterToken) -> FilterSyntaxError {
        switch token.kind {
        case .end, .close, .keyword(.and), .keyword(.or):
            lexer.error(at: start.range.lowerBound, "\(noun) alone is not a condition")
        default: unexpected("a comparison")
        }
    }
}

// Messages.
extension FilterParser {
    private func unexpected(_ expected: String) -> FilterSyntaxError {
        let place = previous.map { " after \(lexer.excerpt($0.range))" } ?? ""
        let found = token.kind == .end ? "end of text" : lexer.excerpt(token.range)
        return lexer.error(at: token.range.lowerBound, "expected \(expected)\(place), found \(found)\(hint)")
    }

    /// What to write instead of SQL that the language does not have.
    private var hint: String {
        switch token.kind {
        case .open:
            if case .name? = previous?.kind { return "; there are no functions" }
            return ""
        case .keyword: return "; a keyword as a name needs double quotes"
        case .name(let word):
            switch word.uppercased() {
            case "BETWEEN": return "; write column >= low AND column <= high"
            case "LIKE", "ILIKE", "SIMILAR", "GLOB", "REGEXP", "RLIKE": return "; there is no pattern matching"
            case "ISNULL": return "; write IS NULL"
            case "NOTNULL": return "; write IS NOT NULL"
            default: return ""
            }
        default: return ""
        }
    }
}
