// Statements that can share a round trip.

public import Postgres

/// A statement and the meaning of its rows. It runs alone, or in one round trip with others that do not need its result.
public struct Question<Answer> {
    let statement: Statement
    let parameters: [Parameter]
    let decode: (Rows) throws(StoreError) -> Answer

    /// A question whose answer is a list with an element for each row.
    static func rows<T>(
        _ statement: Statement, _ parameters: [Parameter], _ decode: @escaping (Row) throws(PostgresError) -> T
    ) -> Question where Answer == [T] {
        Question(statement: statement, parameters: parameters) { (rows) throws(StoreError) in
            do throws(PostgresError) { return try rows.decoded(decode) } catch { throw StoreError(error) }
        }
    }

    /// The same question with a transformed answer.
    func map<Other>(_ transform: @escaping (Answer) -> Other) -> Question<Other> {
        Question<Other>(statement: statement, parameters: parameters) { [decode] (rows) throws(StoreError) in
            transform(try decode(rows))
        }
    }
}

extension Connection {
    /// Asks a question.
    ///
    /// - Throws: `.database`; what the answer throws when it is read.
    /// - Complexity: one round trip.
    public func ask<A>(_ question: Question<A>) throws(StoreError) -> A {
        let rows: Rows
        do { rows = try read(question.statement, question.parameters) } catch { throw StoreError(error) }
        return try question.decode(rows)
    }

    /// Asks two questions; the second is answered as of after the first.
    ///
    /// - Throws: `.database`; what an answer throws when it is read.
    /// - Complexity: one round trip.
    public func ask<A, B>(_ first: Question<A>, _ second: Question<B>) throws(StoreError) -> (A, B) {
        let rows = try together([(first.statement, first.parameters), (second.statement, second.parameters)])
        return (try first.decode(rows[0]), try second.decode(rows[1]))
    }

    /// Asks three questions, one after the other.
    ///
    /// - Throws: `.database`; what an answer throws when it is read.
    /// - Complexity: one round trip.
    public func ask<A, B, C>(
        _ first: Question<A>, _ second: Question<B>, _ third: Question<C>
    ) throws(StoreError) -> (A, B, C) {
        let rows = try together([
            (first.statement, first.parameters), (second.statement, second.parameters),
            (third.statement, third.parameters),
        ])
        return (try first.decode(rows[0]), try second.decode(rows[1]), try third.decode(rows[2]))
    }

    private func together(_ batch: [(Statement, [Parameter])]) throws(StoreError) -> [Rows] {
        assert(batch.allSatisfy { NamedStatement.accepts($1, for: $0) }, "a statement has other parameters")
        do { return try pipeline(batch) } catch { throw StoreError(error) }
    }
}
