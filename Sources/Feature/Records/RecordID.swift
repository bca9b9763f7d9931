// The dense integer that stands for a record within its id space.

/// A record's number within its id space: dense, never reused.
public typealias RecordID = Int64

/// A feature's number: given once, kept for ever.
public typealias FeatureID = Int32

/// A lineage entry's number: unique over all features, ascending in the order of writing.
public typealias EntryID = Int64

/// A definition's number.
public typealias DefinitionID = Int64

/// The number of a field within its feature: given once, kept for ever. 1 is the first.
public typealias Slot = Int16

/// The place of 1,024 consecutive record ids of one feature.
public struct BlockAddress: Hashable, Comparable, Sendable {
    /// The feature whose units these are.
    public let feature: FeatureID

    /// `record id / 1024`.
    public let block: Int32

    /// The block `block` of `feature`.
    public init(feature: FeatureID, block: Int32) {
        self.feature = feature
        self.block = block
    }

    /// The block that holds `record` of `feature`.
    public init(feature: FeatureID, record: RecordID) {
        self.init(feature: feature, block: Int32(record >> 10))
    }

    /// The record id of this block's bit `offset`.
    public func record(at offset: Int) -> RecordID {
        RecordID(block) << 10 | RecordID(offset)
    }

    /// By feature, then by block.
    public static func < (left: BlockAddress, right: BlockAddress) -> Bool {
        (left.feature, left.block) < (right.feature, right.block)
    }
}

extension RecordID {
    /// This record's bit within its block, 0..<1024.
    public var offsetInBlock: Int { Int(self & 1023) }
}
