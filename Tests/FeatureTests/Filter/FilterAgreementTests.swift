// Filters evaluated in PostgreSQL and in process: the same answer in the same three-valued logic.

import Feature
import Postgres
import TestSupport
import Testing

@Suite struct FilterAgreementTests {
    @Test("PostgreSQL and this process agree on 2,000 random filters, each on twenty random rows")
    func agree() async throws {
        try await TestDatabase.with { database in
            let pool = Pool(PoolConfiguration(connectionString: database.connectionString, size: 1))
            for seed in UInt64(0)..<2_000 {
                var generator = FilterGenerator(seed: seed)
                let filter = try Filter(generator.spelling(generator.expression(depth: 3)))
                let rows = (0..<20).map { _ in generator.row() }
                let found = try await Self.evaluate(filter, on: rows, pool)
                let expected = rows.map { row in filter.evaluate { row.value(at: $0.parts[...]) } }
                #expect(found == expected, "seed \(seed): \(filter.text)\n\(rows.map(\.json).joined(separator: "\n"))")
            }
            await pool.close()
        }
    }

    /// What PostgreSQL makes of a filter on each row; nil for unknown.
    private static func evaluate(_ filter: Filter, on rows: [FilterCell], _ pool: Pool) async throws -> [Bool?] {
        let sql = filter.sql(firstParameter: 2) { .member(of: "r.doc", path: $0.parts) }
        let statement = Statement(
            "filter_agreement",
            "SELECT \(sql.text) FROM unnest($1::jsonb[]) WITH ORDINALITY AS r (doc, place) ORDER BY place",
            prepare: false)
        let parameters = [Parameter.jsonbArray(rows.map { Array($0.json.utf8) })] + sql.parameters.map(parameter)
        return try await pool.withConnection { (connection) throws(PostgresError) in
            var found: [Bool?] = []
            for row in try connection.query(statement, parameters) {
                found.append(row.isNull(0) ? nil : try row.bool(0))
            }
            return found
        }
    }

    private static func parameter(_ literal: FilterSQL.Literal) -> Parameter {
        switch literal {
        case .text(let text): .text(text)
        case .number(let number): .text(number.description)
        case .boolean(let value): .bool(value)
        case .textArray(let texts): .textArray(texts)
        case .numberArray(let numbers): .textArray(numbers.map(\.description))
        }
    }
}
