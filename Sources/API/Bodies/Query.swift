// The query parameters of a request.

import Base
import Feature
import Service

/// The parameters of a query, all of them known to the route; the reading methods refuse values that are unusable.
struct Query: Sendable {
    /// The names that may come more than once.
    private static let repeatable: Set<String> = ["filter"]

    private let values: [String: [String]]

    /// Takes a query apart.
    ///
    /// - Parameters:
    ///   - items: the query's items, decoded.
    ///   - known: the names that the route has.
    /// - Throws: `invalid_parameter` for unknown names and for names that come twice but may not.
    init(_ items: [(name: String, value: String)], known: [String]) throws(Problem) {
        var values: [String: [String]] = [:]
        var faults: [Fault] = []
        for item in items {
            if !known.contains(item.name) {
                let names = known.isEmpty ? "this path has none" : "known are \(known.joined(separator: ", "))"
                faults.append(Fault(.parameter(item.name), "unknown parameter; \(names)"))
            } else if values[item.name] != nil && !Self.repeatable.contains(item.name) {
                faults.append(Fault(.parameter(item.name), "the parameter comes twice"))
            } else {
                values[item.name, default: []].append(item.value)
            }
        }
        guard faults.isEmpty else { throw Problem(.invalidParameter, faults) }
        self.values = values
    }

    /// A text.
    subscript(name: String) -> String? { values[name]?.first }

    /// The filters, all of which a row has to pass.
    func filters() throws(Problem) -> [Filter] {
        var filters: [Filter] = []
        let texts = values["filter"] ?? []
        guard texts.count <= RequestLimits.filtersMax else {
            throw refusal("filter", "comes \(texts.count) times; at most \(RequestLimits.filtersMax) are taken")
        }
        for text in texts {
            filters.append(try checked("filter") { () throws(TextFault) in try TextValue.filter(text) })
        }
        return filters
    }

    /// A truth value: `true`, `false`, or the bare name for true.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch self[name] {
        case nil, "false": return false
        case "true", "": return true
        case let value?: throw refusal(name, "expected true or false, found \"\(value)\"")
        }
    }

    /// A whole number that is at least `least`; one beyond `most` is lowered to it.
    func count(_ name: String, least: Int, most: Int) throws(Problem) -> Int? {
        guard let text = self[name] else { return nil }
        let isDigits = !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        // Digits that do not fit are a large number, which is lowered.
        let value = isDigits ? Int(text) ?? most : -1
        guard value >= least else {
            throw refusal(name, "expected a whole number of \(least) or more, found \"\(text)\"")
        }
        return min(value, most)
    }

    /// The rows that a page may have.
    func limit() throws(Problem) -> Int {
        try count("limit", least: 1, most: TransactionLimits.pageRowsMax) ?? TransactionLimits.pageRowsStandard
    }

    /// A time in microseconds since 1970.
    func time(_ name: String) throws(Problem) -> Int64? {
        guard let text = self[name] else { return nil }
        return try checked(name) { () throws(TextFault) in try TextValue.time(text) }
    }

    /// One of the values of an enumeration.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _: Choice.Type
    ) throws(Problem) -> Choice? {
        guard let text = self[name] else { return nil }
        return try checked(name) { () throws(TextFault) in try TextValue.choice(text, among: Array(Choice.allCases)) }
    }

    /// The number after which a page begins; nil for the first page.
    func numberCursor(_ fingerprint: CursorFingerprint) throws(Problem) -> Int64? {
        guard let position = try cursor(fingerprint) else { return nil }
        guard case .number(let number) = position else { throw Cursor.refusal() }
        return number
    }

    /// The name after which a page begins; nil for the first page.
    func nameCursor(_ fingerprint: CursorFingerprint) throws(Problem) -> String? {
        guard let position = try cursor(fingerprint) else { return nil }
        guard case .name(let name) = position else { throw Cursor.refusal() }
        return name
    }

    /// The position after which a page begins; nil for the first page.
    func cursor(_ fingerprint: CursorFingerprint) throws(Problem) -> Cursor.Position? {
        try self["cursor"].map { (text) throws(Problem) in try Cursor.position(text, fingerprint) }
    }

    private func checked<Value>(_ name: String, _ read: () throws(TextFault) -> Value) throws(Problem) -> Value {
        do throws(TextFault) { return try read() } catch { throw refusal(name, error.detail) }
    }

    /// A problem with one parameter.
    func refusal(_ name: String, _ detail: String) -> Problem {
        Problem(.invalidParameter, .parameter(name), detail)
    }
}
