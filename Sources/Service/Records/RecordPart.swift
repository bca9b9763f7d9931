// Rows of a root as columns: a body is read into these, part by part.

public import Feature
import Postgres

/// Some of the records of a request to a root, in the order of the body.
///
/// Values are stored one after the other in a few buffers, so a row costs no allocation of its own.
public struct RecordPart: Sendable {
    /// The values that a row has for a field.
    public enum Version: Int, Sendable {
        /// What it should be.
        case provenance = 0
        /// What downstream sees, where that differs.
        case dataVersion = 1
    }

    /// The places of the rows in the request.
    enum Places: Sendable {
        case lines(from: Int)
        case elements(of: String)
    }

    /// What the rows are of.
    let shape: RowShape
    /// Encoded keys.
    private(set) var keys = RecordPart.column()
    /// Metadata columns, JSON objects.
    private(set) var metadata = RecordPart.column()
    /// Digests of the rows, for `HeadTable.differing`.
    private(set) var fingerprints = RecordPart.column()
    /// Provenance by field of the shape.
    private(set) var provenance: [ByteColumn]
    /// Data versions by field of the shape, NULL where a row gives none, and no more after the last that is given: most
    /// bodies have none at all.
    private var dataVersions: [ByteColumn]
    private var places: Places
    private var fingerprint = Fingerprint()

    /// A part of a body of lines.
    ///
    /// - Parameter line: the line of its first row.
    public init(_ shape: RowShape, fromLine line: Int) {
        self.init(shape, .lines(from: line))
    }

    /// A body that is a document, all of it.
    ///
    /// - Parameter list: the JSON pointer to the list of its rows.
    public init(_ shape: RowShape, list: String) {
        self.init(shape, .elements(of: list))
    }

    private init(_ shape: RowShape, _ places: Places) {
        self.shape = shape
        self.places = places
        provenance = shape.fields.map { _ in Self.column() }
        dataVersions = shape.fields.map { _ in ByteColumn() }
    }

    /// A column with room for the values of a small body, which then does not grow value by value.
    private static func column() -> ByteColumn { ByteColumn(reservingCapacity: 16, bytes: 480) }

    /// How many rows there are.
    public var count: Int { keys.count }

    /// About how much memory they take.
    public var byteCount: Int {
        keys.bytes.count + metadata.bytes.count + provenance.reduce(0) { $0 + $1.bytes.count } + 40 * count
    }

    /// Whether some row gives a data version.
    var hasDataVersions: Bool { dataVersions.contains { $0.nullCount < $0.count } }

    /// The bytes of the provenance of a field.
    func provenance(of field: Int, _ row: Int) -> (bytes: [UInt8], range: Range<Int>)? {
        provenance[field].range(row).map { (provenance[field].bytes, $0) }
    }

    /// The bytes of the data version of a field: its provenance, unless the row has another.
    func dataVersion(of field: Int, _ row: Int) -> (bytes: [UInt8], range: Range<Int>)? {
        guard row < dataVersions[field].count, let range = dataVersions[field].range(row) else {
            return provenance(of: field, row)
        }
        return (dataVersions[field].bytes, range)
    }

    /// The place of a row in the request.
    func place(_ number: Int) -> Fault.Place {
        switch places {
        case .lines: .line(number)
        case .elements(let list): .pointer("\(list)/\(number)")
        }
    }

    /// The number by which `place` finds a row.
    func number(_ row: Int) -> Int {
        switch places {
        case .lines(let first): first + row
        case .elements: row
        }
    }

    /// Takes a version of the row that is being read.
    ///
    /// - Parameters:
    ///   - field: its position in `RowShape.fields`.
    ///   - bytes: where the version lies.
    ///   - range: which bytes it is.
    /// - Returns: false where the row gave one already.
    @discardableResult
    public mutating func give(_ version: Version, field: Int, _ bytes: [UInt8], in range: Range<Int>) -> Bool {
        // A column that has a value more than there are keys has one of this row.
        switch version {
        case .provenance:
            guard provenance[field].count == count else { return false }
            provenance[field].append(bytes, in: range)
        case .dataVersion:
            guard dataVersions[field].count <= count else { return false }
            dataVersions[field].pad(to: count)
            dataVersions[field].append(bytes, in: range)
        }
        return true
    }

    /// Whether the row that is being read gives the provenance of every field.
    public var isRowComplete: Bool { provenance.allSatisfy { $0.count > count } }

    /// The fields of which the row that is being read gives no provenance.
    public var missingFields: [String] {
        shape.fields.indices.filter { provenance[$0].count == count }.map { shape.fields[$0] }
    }

    /// Ends a row.
    ///
    /// - Precondition: it gave the provenance of every field.
    /// - Parameters:
    ///   - key: the values of its id columns, in the order of the shape.
    ///   - metadata: its metadata columns, a compact JSON object.
    public mutating func append(_ key: [IDValue], metadata row: [UInt8]) {
        let number = count
        fingerprint.begin(shape.definition)
        Self.add(number, provenance, dataVersions, to: &fingerprint)
        fingerprint.add { bytes in
            bytes += row
            return true
        }
        fingerprints.append { fingerprint.end(into: &$0) }
        metadata.append(row, in: row.indices)
        keys.append { bytes in for value in key { value.encode(into: &bytes) } }
    }

    /// Adds the versions of a row to its digest: of each field the provenance, and the data version where it is another.
    private static func add(
        _ row: Int, _ provenance: [ByteColumn], _ dataVersions: [ByteColumn], to digest: inout Fingerprint
    ) {
        // By way of pointers, where the columns are read in place: an element of an array is a copy, with its references
        // counted.
        provenance.withUnsafeBufferPointer { provenance in
            dataVersions.withUnsafeBufferPointer { data in
                for field in provenance.indices {
                    precondition(provenance[field].count == row + 1, "a row of a root has every provenance")
                    digest.add { provenance[field].append(row, to: &$0) }
                    digest.add { bytes in
                        let isGiven = row < data[field].count && !data[field].equals(row, provenance[field])
                        return isGiven && data[field].append(row, to: &bytes)
                    }
                }
            }
        }
    }

    /// Appends the rows of another part of the same shape. Where these stand in their request is no longer told.
    mutating func append(contentsOf other: RecordPart) {
        let before = count
        keys.append(contentsOf: other.keys)
        metadata.append(contentsOf: other.metadata)
        fingerprints.append(contentsOf: other.fingerprints)
        for field in provenance.indices {
            provenance[field].append(contentsOf: other.provenance[field])
            guard other.dataVersions[field].count > 0 else { continue }
            dataVersions[field].pad(to: before)
            dataVersions[field].append(contentsOf: other.dataVersions[field])
        }
    }

    /// Forgets the row that is being read.
    public mutating func discard() {
        for field in provenance.indices {
            if provenance[field].count > count { provenance[field].removeLast() }
            if dataVersions[field].count > count { dataVersions[field].removeLast() }
        }
    }

    /// The bytes of the longest key.
    func keyBytes(_ row: Int) -> Int { keys[row]?.count ?? 0 }
}
