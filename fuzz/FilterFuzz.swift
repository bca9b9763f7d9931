// Fuzzes the filter language: no text may trap, parentheses change nothing, and what is parsed can be evaluated and
// written as SQL without a word of it in the statement.

private func parse(_ text: String) -> Result<Filter, FilterSyntaxError> {
    do throws(FilterSyntaxError) {
        return .success(try Filter(text))
    } catch {
        return .failure(error)
    }
}

/// A row whose columns have values of every kind, by the length of their names.
private func value(at path: ColumnPath) -> FilterValue {
    switch path.joined.utf8.count % 4 {
    case 0: .null
    case 1: .boolean(true)
    case 2: .string(path.joined)
    default: .null
    }
}

/// One input.
func fuzzFilter(_ input: [UInt8]) {
    guard let text = String(validating: input, as: UTF8.self) else { return }
    guard case .success(let filter) = parse(text) else { return }
    switch parse("(\(text)\n)") {
    case .success(let wrapped):
        precondition(wrapped.expression == filter.expression, "parentheses changed the meaning")
    case .failure(let error):
        precondition(error.detail.contains("deeper") || error.detail.contains("bytes"), "parentheses were refused")
    }
    let answer = filter.evaluate(value)
    precondition(filter.evaluate(value) == answer, "the same row has the same answer")
    precondition(FilterExpression.not(filter.expression).evaluate(value) == answer.map { !$0 }, "NOT turns it round")
    let sql = filter.sql(firstParameter: 1) { .value("row -> \($0.parts.count)") }
    for (number, _) in sql.parameters.enumerated() {
        precondition(sql.text.contains("$\(number + 1)"), "every parameter is used")
    }
    precondition(!sql.text.contains("$\(sql.parameters.count + 1)"), "no parameter lacks")
    precondition(sql.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "nothing of a literal is in the statement")
}
