// Computes the versions of records, one after another.

/// Computes provenances with one reused buffer.
///
/// Nothing is escaped in what is hashed, as in the library: data versions that hold `|` can collide.
public struct RecordHasher: Sendable {
    /// The digest.
    public let hash: RecordHash
    private var buffer: [UInt8] = []

    /// A hasher with a project's settings.
    public init(_ hash: RecordHash) {
        self.hash = hash
        buffer.reserveCapacity(512)
    }

    /// The provenance of one field of one record.
    ///
    /// - Parameters:
    ///   - formula: the field's.
    ///   - dataVersions: for each of the formula's parents, in its order, the upstream record's data version of the
    ///     field; nil when it has none or when there is no such record.
    /// - Returns: nil when a data version is nil whose parent is not optional.
    /// - Complexity: O(bytes hashed); the result is the only allocation.
    public mutating func provenance(of formula: FieldFormula, dataVersions: [String?]) -> String? {
        precondition(dataVersions.count == formula.parents.count, "one data version for each parent")
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: formula.pieces[0])
        for index in dataVersions.indices {
            if index > 0 { buffer.append(contentsOf: formula.pieces[index]) }
            if let version = dataVersions[index] {
                append(version)
            } else if !formula.parents[index].isOptional {
                return nil
            }
        }
        return hash.digest(buffer)
    }

    /// The provenance of a record from those of its fields; the data version of a record from those of its fields
    /// likewise.
    ///
    /// - Parameter fieldVersions: one for each field, in order of the fields' struct keys.
    /// - Returns: nil when one of them is nil.
    public mutating func recordVersion(_ fieldVersions: [String?]) -> String? {
        buffer.removeAll(keepingCapacity: true)
        for index in fieldVersions.indices {
            guard let version = fieldVersions[index] else { return nil }
            if index > 0 { buffer.append(UInt8(ascii: "|")) }
            append(version)
        }
        return hash.digest(buffer)
    }

    /// What stands in for an upstream field's data version where many records are aggregated into one.
    ///
    /// - Parameter dataVersions: the field's data versions of the group's records, in order of the upstream id
    ///   columns; those that are nil are left out.
    /// - Returns: the digest of what is left; of the empty text when nothing is.
    /// - Complexity: O(bytes of the group).
    public mutating func aggregate(_ dataVersions: some Sequence<String?>) -> String {
        buffer.removeAll(keepingCapacity: true)
        var isFirst = true
        for case let version? in dataVersions {
            if !isFirst { buffer.append(UInt8(ascii: "|")) }
            isFirst = false
            append(version)
        }
        return hash.digest(buffer)
    }

    /// Starts the provenance of a field: its data versions follow in the order of the formula's parents.
    public mutating func start(_ formula: FieldFormula) {
        buffer.removeAll(keepingCapacity: true)
        buffer.append(contentsOf: formula.pieces[0])
    }

    /// Takes the data version of the parent at `index`.
    ///
    /// - Parameter append: appends it, UTF-8; answers false where the upstream record has none or is missing.
    /// - Returns: false where it is missing and may not be: there is no provenance then.
    public mutating func take(
        of index: Int, _ formula: FieldFormula, _ append: (inout [UInt8]) -> Bool
    ) -> Bool {
        if index > 0 { buffer.append(contentsOf: formula.pieces[index]) }
        return append(&buffer) || formula.parents[index].isOptional
    }

    /// Ends what ``start(_:)`` began, and appends the provenance to `output`.
    ///
    /// - Complexity: O(bytes hashed); allocates nothing but room in `output`.
    public mutating func finish(into output: inout [UInt8]) {
        hash.digest(buffer, into: &output)
    }

    /// Appends the version of a record to `output`: from those of its fields, which lie one behind the other.
    ///
    /// - Parameter ends: where the version of each field ends, the first one beginning at `start`.
    public mutating func recordVersion(
        _ versions: [UInt8], from start: Int, ends: [Int], into output: inout [UInt8]
    ) {
        buffer.removeAll(keepingCapacity: true)
        var next = start
        for end in ends {
            if next > start { buffer.append(UInt8(ascii: "|")) }
            buffer.append(contentsOf: versions[next..<end])
            next = end
        }
        hash.digest(buffer, into: &output)
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { buffer.append(contentsOf: $0) }
    }
}
