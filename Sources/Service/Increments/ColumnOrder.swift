// The order of rows by one of their columns.

import Feature
import JSON

/// Arranges rows by a column, so that those with the same value stand together.
///
/// Numbers come first, as numbers; then texts, by code point; then false and true; then lists and objects, by their JSON;
/// rows without the column, or with null, last.
struct ColumnOrder {
    /// A value of the column, comparable with those of other kinds.
    enum Value: Hashable, Comparable {
        case number(FilterNumber)
        case text([UInt8])
        case boolean(Int)
        case other([UInt8])
        case missing

        static func < (left: Value, right: Value) -> Bool {
            switch (left, right) {
            case (.number(let left), .number(let right)): left < right
            case (.text(let left), .text(let right)), (.other(let left), .other(let right)):
                left.lexicographicallyPrecedes(right)
            case (.boolean(let left), .boolean(let right)): left < right
            default: left.kind < right.kind
            }
        }

        private var kind: Int {
            switch self {
            case .number: 0
            case .text: 1
            case .boolean: 2
            case .other: 3
            case .missing: 4
            }
        }
    }

    private let column: String
    /// Which id column it is; nil for a metadata column.
    private let idColumn: Int?

    /// The order of rows of `plan` by a column, which they need not have.
    init(_ column: String, plan: FeaturePlan) {
        self.column = column
        idColumn = plan.spec.idColumns.firstIndex(of: column)
    }

    /// The value of a row.
    ///
    /// - Complexity: O(size of the row).
    func value(_ index: Int, of rows: IncrementRows) -> Value {
        let row = rows[index]
        if let idColumn {
            return row.key.values.indices.contains(idColumn)
                ? Self.value(row.key.values[idColumn].json, []) : .missing
        }
        guard let bytes = row.columns.first(where: { $0.name == column })?.value else { return .missing }
        do {
            return Self.value(try JSONValue(parsing: bytes), bytes)
        } catch {
            return .other(bytes)
        }
    }

    /// In which order rows of these values go: the first one's value and all that equal it, then those of greater values,
    /// ascending, then the others from the least on; among equal ones as they stand.
    ///
    /// - Complexity: O(n log n).
    static func arrangement(of values: [Value]) -> [Int] {
        guard let first = values.first else { return [] }
        return values.indices.sorted { left, right in
            let (isLeftBefore, isRightBefore) = (values[left] < first, values[right] < first)
            if isLeftBefore != isRightBefore { return isRightBefore }
            return values[left] == values[right] ? left < right : values[left] < values[right]
        }
    }

    private static func value(_ json: JSONValue, _ bytes: [UInt8]) -> Value {
        switch json {
        case .null: .missing
        case .bool(let value): .boolean(value ? 1 : 0)
        case .integer(let value): .number(FilterNumber(value))
        case .bigInteger(let digits): FilterNumber(digits).map(Value.number) ?? .text(Array(digits.utf8))
        case .double(let value): FilterNumber(value).map(Value.number) ?? .missing
        case .string(let text): .text(Array(text.utf8))
        case .array, .object: .other(bytes)
        }
    }
}
