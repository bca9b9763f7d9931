// How much work turned up in a feature.

/// Units of a feature that became ready to be handed out, and in how many blocks they lie.
///
/// A claim holds the blocks that it takes from, so no more claims than blocks find work at the same time.
public struct ReadyWork: Hashable, Sendable {
    /// Blocks that hold such units.
    public var blocks: Int
    /// Such units.
    public var units: Int

    /// Work of `units` units in `blocks` blocks.
    public init(blocks: Int, units: Int) {
        self.blocks = blocks
        self.units = units
    }

    /// An unknown amount of work.
    public static let some = ReadyWork(blocks: 1, units: 1)

    /// The work of both; a number that does not fit is the greatest that does.
    public static func + (one: ReadyWork, other: ReadyWork) -> ReadyWork {
        let blocks = one.blocks.addingReportingOverflow(other.blocks)
        let units = one.units.addingReportingOverflow(other.units)
        return ReadyWork(
            blocks: blocks.overflow ? .max : blocks.partialValue, units: units.overflow ? .max : units.partialValue)
    }
}
