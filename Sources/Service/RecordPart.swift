// Records of a root as columns: what a body is read into, part by part.

public import Feature
import Postgres

/// Some of the records of a request to a root, in the order of the body.
///
/// Values lie one behind the other in a few buffers: a row costs no allocation of its own.
public struct RecordPart: Sendable {
    /// What a row says about a field.
    public enum Version: Int, Sendable {
        /// What it should be.
        case provenance = 0
        /// What downstream sees, where that differs.
        case dataVersion = 1
    }

    /// Where the rows stand in the request.
    enum Places: Sendable {
        case lines(from: Int)
        case elements(of: String)
    }

    /// What the rows are of.
    let shape: RowShape
    /// Encoded keys.
    private(set) var keys = ByteColumn()
    /// Metadata columns, JSON objects.
    private(set) var metadata = ByteColumn()
    /// Digests of the rows, for `Heads.differing`.
    private(set) var fingerprints = ByteColumn()
    /// Provenance by field of the shape.
    private(set) var provenance: [ByteColumn]
    /// Data versions by field of the shape, NULL where a row gives none.
    private(set) var dataVersions: [ByteColumn]
    private var places: Places
    /// What the row that is being read gives: by kind, then by field; where it lies in `scratch`.
    private var given: [Range<Int>?]
    private var scratch: [UInt8] = []
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
        provenance = shape.fields.map { _ in ByteColumn() }
        dataVersions = provenance
        given = Array(repeating: nil, count: 2 * shape.fields.count)
    }

    /// How many rows there are.
    public var count: Int { keys.count }

    /// About how much memory they take.
    public var byteCount: Int {
        keys.bytes.count + metadata.bytes.count + provenance.reduce(0) { $0 + $1.bytes.count } + 40 * count
    }

    /// Whether some row gives a data version.
    var hasDataVersions: Bool { dataVersions.contains { $0.nullCount < $0.count } }

    /// Where a row stands in the request.
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
    /// - Parameter field: its position in `RowShape.fields`.
    /// - Returns: false where the row gave one already.
    @discardableResult
    public mutating func give(_ version: Version, field: Int, _ value: ArraySlice<UInt8>) -> Bool {
        let index = version.rawValue * shape.fields.count + field
        guard given[index] == nil else { return false }
        let start = scratch.count
        scratch.append(contentsOf: value)
        given[index] = start..<scratch.count
        return true
    }

    /// The fields of which the row that is being read gives no provenance.
    public var missingFields: [String] {
        shape.fields.indices.filter { given[$0] == nil }.map { shape.fields[$0] }
    }

    /// Ends a row.
    ///
    /// - Precondition: it gave the provenance of every field.
    /// - Parameters:
    ///   - key: the values of its id columns, in the order of the shape.
    ///   - metadata: its metadata columns, a compact JSON object.
    public mutating func append(_ key: [IDValue], metadata row: ArraySlice<UInt8>) {
        keys.append { bytes in for value in key { value.encode(into: &bytes) } }
        metadata.append(row)
        fingerprint.begin(shape.definition)
        let count = shape.fields.count
        for field in 0..<count {
            let value = given[field].map { scratch[$0] }
            let override = given[count + field].map { scratch[$0] }
            provenance[field].append(value ?? [])
            if let override { dataVersions[field].append(override) } else { dataVersions[field].appendNull() }
            fingerprint.add(value)
            fingerprint.add(override == value ? nil : override)
        }
        fingerprint.add(row)
        fingerprints.append { fingerprint.end(into: &$0) }
        discard()
    }

    /// Forgets the row that is being read.
    public mutating func discard() {
        scratch.removeAll(keepingCapacity: true)
        for index in given.indices { given[index] = nil }
    }

    /// The bytes of the longest key.
    func keyBytes(_ row: Int) -> Int { keys[row]?.count ?? 0 }
}
