// Evaluation of a filter in process, in three-valued logic.

extension Filter {
    /// Evaluates the filter on one row.
    ///
    /// - Parameter row: the value at a path; `.null` where there is none.
    /// - Returns: nil for unknown; a row passes the filter only when this is true.
    /// - Complexity: O(length of the filter); `row` is called at most once for each mention of a column.
    public func evaluate(_ row: (ColumnPath) -> FilterValue) -> Bool? {
        expression.evaluate(row)
    }
}

extension FilterExpression {
    /// Evaluates the condition on one row.
    ///
    /// - Parameter row: the value at a path; `.null` where there is none.
    /// - Returns: nil for unknown.
    /// - Complexity: O(size of the tree); members after the one that decides are not evaluated.
    public func evaluate(_ row: (ColumnPath) -> FilterValue) -> Bool? {
        switch self {
        case .constant(let value): value
        case .column(let path):
            if case .boolean(let value) = row(path) { value } else { nil }
        case .comparison(let comparison, let left, let right):
            comparison.holds(left.value(row), right.value(row))
        case .isNull(let operand):
            if case .null = operand.value(row) { true } else { false }
        case .isIn(let path, let values): FilterExpression.find(row(path), in: values)
        case .not(let inner): inner.evaluate(row).map { !$0 }
        case .and(let members): FilterExpression.join(members, decidedBy: false, row)
        case .or(let members): FilterExpression.join(members, decidedBy: true, row)
        }
    }

    /// False decides AND, true decides OR; without a decision one unknown member makes the whole unknown.
    private static func join(
        _ members: [FilterExpression], decidedBy decision: Bool, _ row: (ColumnPath) -> FilterValue
    ) -> Bool? {
        var hasUnknown = false
        for member in members {
            let value = member.evaluate(row)
            if value == decision { return decision }
            if value == nil { hasUnknown = true }
        }
        return hasUnknown ? nil : !decision
    }

    private static func find(_ value: FilterValue, in literals: [FilterLiteral]) -> Bool? {
        var hasUnknown = false
        for literal in literals {
            switch FilterComparison.equal.holds(value, FilterValue(literal)) {
            case true?: return true
            case false?: continue
            case nil: hasUnknown = true
            }
        }
        return hasUnknown ? nil : false
    }
}

extension FilterOperand {
    fileprivate func value(_ row: (ColumnPath) -> FilterValue) -> FilterValue {
        switch self {
        case .column(let path): row(path)
        case .literal(let literal): FilterValue(literal)
        }
    }
}

extension FilterComparison {
    /// Whether the comparison holds between two values; nil when either is null or they are of different kinds.
    fileprivate func holds(_ left: FilterValue, _ right: FilterValue) -> Bool? {
        switch (left, right) {
        case (.boolean(let first), .boolean(let second)): holds(first ? 1 : 0, second ? 1 : 0)
        case (.number(let first), .number(let second)): holds(first, second)
        case (.string(let first), .string(let second)): holds(FilterText(first), FilterText(second))
        default: nil
        }
    }

    private func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .equal: left == right
        case .notEqual: left != right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
