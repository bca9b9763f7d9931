// The work state of 1,024 units of one feature, and its transitions.

/// The work of the 1,024 units of one block.
///
/// A unit with none of `dirty`, `leased` and `parked` is up to date; every transition keeps that true by never
/// clearing more than the caller has judged. A parked unit is neither dirty nor leased.
public struct WorkBlock: Hashable, Sendable {
    /// Candidates: their inputs or their code changed since they were last judged.
    public private(set) var dirty: BlockBits

    /// In the hands of a worker. Also dirty when their inputs changed since they were handed out.
    public private(set) var leased: BlockBits

    /// In need of work that cannot be handed out now.
    public private(set) var parked: BlockBits

    /// Units on which a parked unit downstream waits: for them, or for something behind them.
    public private(set) var awaited: BlockBits

    /// Awaited units whose waiting units have not been released yet. Never stored.
    private var arrived = BlockBits()

    /// A block in which nothing is to be done.
    public init() {
        self.init(dirty: BlockBits(), leased: BlockBits(), parked: BlockBits(), awaited: BlockBits())
    }

    /// A block as it is stored.
    public init(dirty: BlockBits, leased: BlockBits, parked: BlockBits, awaited: BlockBits) {
        self.dirty = dirty
        self.leased = leased
        self.parked = parked
        self.awaited = awaited
    }

    /// Units that a claim may take.
    public var ready: BlockBits { dirty - leased }

    /// Units that may differ from what they should be. All others are up to date.
    public var candidates: BlockBits { dirty | leased | parked }

    /// Inputs or code changed: the units are to be judged again, also those in a worker's hands. What was still to be
    /// done for a unit on which others wait may now be done.
    public mutating func mark(_ units: BlockBits) {
        dirty |= units
        parked -= units
        stir(units)
    }

    /// Hands units out.
    ///
    /// - Precondition: they are `ready`.
    public mutating func lease(_ units: BlockBits) {
        precondition((units - ready).isEmpty, "only a ready unit can be leased")
        dirty -= units
        leased |= units
    }

    /// A worker is done with the units; those marked meanwhile stay dirty.
    public mutating func finish(_ units: BlockBits) {
        leased -= units
        stir(units)
    }

    /// A worker gives units back undone.
    public mutating func giveBack(_ units: BlockBits) {
        dirty |= units & leased
        leased -= units
    }

    /// Units need work that cannot be handed out now.
    ///
    /// - Precondition: none is leased.
    public mutating func park(_ units: BlockBits) {
        precondition((units & leased).isEmpty, "a leased unit cannot be parked")
        dirty -= units
        parked |= units
    }

    /// What kept parked units from being handed out may be over.
    public mutating func unpark(_ units: BlockBits) {
        let waiting = parked & units
        parked -= waiting
        dirty |= waiting
    }

    /// Units were judged to be as they should be.
    ///
    /// A leased unit was not when it was handed out: it stays leased, and is to be judged again when its worker
    /// reports. A heartbeat tells the worker meanwhile that its result is overtaken.
    public mutating func markUpToDate(_ units: BlockBits) {
        dirty = (dirty - units) | (units & leased)
        parked -= units
        stir(units)
    }

    /// Some unit downstream waits for these.
    public mutating func await(_ units: BlockBits) {
        awaited |= units
    }

    /// Those of `before` that were candidates and are none any more have come to rest.
    mutating func noteRest(since before: WorkBlock) {
        stir(before.candidates - candidates)
    }

    /// The units that wait for these are to be released.
    private mutating func stir(_ units: BlockBits) {
        arrived |= awaited & units
        awaited -= units
    }

    /// Takes the awaited units that moved or came to rest: those waiting for them are to be judged again.
    public mutating func takeArrived() -> BlockBits {
        defer { arrived = BlockBits() }
        return arrived
    }
}
