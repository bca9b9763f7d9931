// The log of changes: one row for each transaction that changes something.

public import Postgres

/// Reads and writes the log of changes.
///
/// The position of a change is the id of its transaction. No transaction that still runs has a lower position than the
/// oldest running one, so the changes below it are complete. A reader that stops there misses no change that commits
/// later.
public struct ChangeLog {
    let connection: Connection

    /// The log seen through `connection`.
    public init(_ connection: Connection) {
        self.connection = connection
    }
}
