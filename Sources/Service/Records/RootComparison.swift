// Compares rows of a root with the heads that they follow.

import Feature
import Postgres
import Store

/// The differences between rows and stored versions, in the order of the rows' positions.
struct RootComparison {
    /// The slots and columns that change from a head to a row: the same for most rows of a write.
    struct Moves: Hashable {
        /// The slots whose data version moves.
        let slots: Set<Slot>
        /// The columns of the system that move with the versions.
        let columns: Set<String>
    }

    /// The head that a row follows.
    enum Standing {
        /// Nothing: the record has no head.
        case none
        /// A tombstone.
        case deleted
        /// A version, and whether it is the same but for its metadata, as far as versions tell.
        case live(moves: Int, isSame: Bool)
    }

    /// The positions of the rows.
    let positions: [Int]
    /// The head that each row follows.
    private(set) var standings: [Standing] = []
    /// The different moves.
    private(set) var moves: [Moves] = []
    private var known: [Signature: Int] = [:]
    private var latest: (signature: Signature, moves: Int)?

    private struct Signature: Hashable {
        var slots: [Int] = []
        var isProvenanceMoved = false
    }

    /// Compares the rows of `part` with `heads`.
    ///
    /// - Throws: `.database`.
    /// - Complexity: O(rows · slots), without an allocation for a row.
    init(_ heads: DifferingHeads, _ part: RecordPart) throws(StoreError) {
        positions = heads.positions
        standings.reserveCapacity(heads.count)
        let shape = part.shape
        let fields = shape.fieldsBySlot
        var texts: [Range<Int>?] = []
        var signature = Signature()
        for index in 0..<heads.count {
            guard let definition = try heads.definition(index) else {
                standings.append(.none)
                continue
            }
            guard try heads.isLive(index) else {
                standings.append(.deleted)
                continue
            }
            let row = positions[index]
            signature.slots.removeAll(keepingCapacity: true)
            signature.isProvenanceMoved = false
            try heads.differences(index, isDataVersion: true, slots: shape.slotCount, places: &texts) { slot in
                fields[slot].flatMap { part.dataVersion(of: $0, row) }
            } _: {
                signature.slots.append($0)
            }
            try heads.differences(index, isDataVersion: false, slots: shape.slotCount, places: &texts) { slot in
                fields[slot].flatMap { part.provenance(of: $0, row) }
            } _: { _ in
                signature.isProvenanceMoved = true
            }
            let isSame =
                definition == shape.definition && signature.slots.isEmpty && !signature.isProvenanceMoved
            standings.append(.live(moves: number(of: signature), isSame: isSame))
        }
    }

    /// The positions of rows that follow a version.
    ///
    /// - Parameter areSame: whether only of those that are the same as far as versions tell.
    func live(areSame: Bool) -> [Int] {
        zip(positions, standings).filter { _, standing in
            guard case .live(_, let isSame) = standing else { return false }
            return isSame || !areSame
        }.map(\.0)
    }

    /// The number of the moves of a signature; equal ones have one.
    private mutating func number(of signature: Signature) -> Int {
        if let latest, latest.signature == signature { return latest.moves }
        let number = known[signature] ?? add(signature)
        latest = (signature, number)
        return number
    }

    private mutating func add(_ signature: Signature) -> Int {
        var columns: Set<String> = []
        if !signature.slots.isEmpty {
            columns.formUnion([SystemColumn.dataVersion.rawValue, SystemColumn.dataVersionByField.rawValue])
        }
        if signature.isProvenanceMoved {
            columns.formUnion([SystemColumn.provenance.rawValue, SystemColumn.provenanceByField.rawValue])
        }
        moves.append(Moves(slots: Set(signature.slots.map { Slot($0 + 1) }), columns: columns))
        known[signature] = moves.count - 1
        return moves.count - 1
    }
}

extension RowShape {
    /// For each slot, counted from 0, the position of its field; nil where no field has it now.
    fileprivate var fieldsBySlot: [Int?] {
        var fields = [Int?](repeating: nil, count: slotCount)
        for (field, slot) in slots.enumerated() { fields[Int(slot) - 1] = field }
        return fields
    }
}
