// Many values of varying length in one buffer.

/// Values of varying length, one after another in one buffer. An array of `text`, `bytea`, `jsonb` or `uuid` is made
/// from it without an allocation for each element.
///
/// All values together have at most 2 GiB.
public struct ByteColumn: Hashable, Sendable {
    /// All values, one behind the other; NULLs take no bytes.
    public private(set) var bytes: [UInt8] = []
    /// The end of each value; the bitwise complement of the end for NULL.
    private var ends: [Int32] = []
    /// The number of NULL values.
    public private(set) var nullCount = 0

    /// Creates a column without values.
    public init() {}

    /// Creates a column without values and reserves room.
    ///
    /// - Parameters:
    ///   - count: the expected number of values.
    ///   - bytes: the expected number of bytes of all values.
    public init(reservingCapacity count: Int, bytes: Int) {
        ends.reserveCapacity(count)
        self.bytes.reserveCapacity(bytes)
    }

    /// The number of values, including NULLs.
    public var count: Int { ends.count }

    /// The value at `index`; nil for NULL.
    public subscript(index: Int) -> ArraySlice<UInt8>? {
        let end = ends[index]
        return end < 0 ? nil : bytes[start(of: index)..<Int(end)]
    }

    /// The range of the value at `index` in `bytes`; nil for NULL.
    public func range(_ index: Int) -> Range<Int>? {
        let end = ends[index]
        return end < 0 ? nil : start(of: index)..<Int(end)
    }

    /// Whether the value at `index` equals that of `other`; false if either is NULL.
    public func equals(_ index: Int, _ other: ByteColumn) -> Bool {
        guard let range = range(index), let others = other.range(index), range.count == others.count else {
            return false
        }
        return bytes[range].elementsEqual(other.bytes[others])
    }

    /// Appends the value at `index` to a buffer.
    ///
    /// - Returns: false, with nothing appended, for NULL.
    public func append(_ index: Int, to output: inout [UInt8]) -> Bool {
        guard let range = range(index) else { return false }
        unsafe bytes.withUnsafeBufferPointer {
            unsafe output.append(contentsOf: UnsafeBufferPointer(rebasing: $0[range]))
        }
        return true
    }

    /// Whether the value at `index` is NULL.
    func isNull(_ index: Int) -> Bool { ends[index] < 0 }

    /// Appends a value.
    public mutating func append(_ value: some Collection<UInt8>) {
        bytes.append(contentsOf: value)
        ends.append(Int32(bytes.count))
    }

    /// Appends a slice as a value. Other modules cannot specialise the generic `append(_:)`, and slices are common.
    public mutating func append(_ value: ArraySlice<UInt8>) {
        bytes.append(contentsOf: value)
        ends.append(Int32(bytes.count))
    }

    /// Appends the bytes of `other` in `range` as a value.
    public mutating func append(_ other: [UInt8], in range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= other.count)
        // Uses a pointer, because a slice counts a reference.
        unsafe other.withUnsafeBufferPointer {
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: $0[range]))
        }
        ends.append(Int32(bytes.count))
    }

    /// Appends all values of `other`.
    public mutating func append(contentsOf other: ByteColumn) {
        let offset = Int32(bytes.count)
        bytes.append(contentsOf: other.bytes)
        ends.reserveCapacity(ends.count + other.ends.count)
        for end in other.ends { ends.append(end < 0 ? ~(~end + offset) : end + offset) }
        nullCount += other.nullCount
    }

    /// Appends the value of `other` at `index`, or NULL.
    public mutating func append(_ index: Int, of other: ByteColumn) {
        guard other.ends[index] >= 0 else { return appendNull() }
        append(other.bytes, in: other.start(of: index)..<Int(other.ends[index]))
    }

    /// Appends a value that `write` writes to the buffer.
    public mutating func append(writing write: (inout [UInt8]) -> Void) {
        write(&bytes)
        ends.append(Int32(bytes.count))
    }

    /// Appends NULL.
    public mutating func appendNull() {
        nullCount += 1
        ends.append(~Int32(bytes.count))
    }

    /// Appends NULLs until there are `count` values.
    public mutating func pad(to count: Int) {
        while ends.count < count { appendNull() }
    }

    /// Removes the last value.
    public mutating func removeLast() {
        guard let end = ends.popLast() else { return }
        if end < 0 { nullCount -= 1 }
        bytes.removeLast(bytes.count - start(of: ends.count))
    }

    /// The values at `indices`, in their order.
    public func picking(_ indices: [Int]) -> ByteColumn {
        if indices.count == count, indices.elementsEqual(0..<count) { return self }
        var picked = ByteColumn()
        picked.ends.reserveCapacity(indices.count)
        for index in indices { picked.append(index, of: self) }
        return picked
    }

    private func start(of index: Int) -> Int {
        guard index > 0 else { return 0 }
        let end = ends[index - 1]
        return Int(end < 0 ? ~end : end)
    }
}
