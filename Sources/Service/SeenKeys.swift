// Which records a request has named so far.

import Feature
import Postgres

/// Finds records that a request names twice, however long it is, at about 20 bytes a record.
///
/// Keys are kept as 64-bit hashes, seeded anew for each request. Two keys of ten million that share one, a chance of
/// one in 400,000, make the request be refused, and pass when it is sent again: nothing is ever taken for granted that
/// could be lost.
struct SeenKeys {
    private let seed: UInt64
    private var numbers: [UInt64: Int32] = [:]

    /// No keys yet.
    init(random: () -> Double) {
        seed = random().bitPattern
    }

    /// What is wrong with the keys of a part.
    mutating func faults(in part: RecordPart) -> [Fault] {
        var faults: [Fault] = []
        numbers.reserveCapacity(numbers.count + part.count)
        for row in 0..<part.count {
            guard let key = part.keys[row] else { continue }
            let number = part.number(row)
            if key.count > RecordKey.encodedBytesMax {
                faults.append(
                    Fault(part.place(number), "the id columns take more than \(RecordKey.encodedBytesMax) bytes"))
            } else if let first = numbers.updateValue(Int32(clamping: number), forKey: hash(key)) {
                faults.append(Fault(part.place(number), "the same record as at \(part.place(Int(first)).text)"))
            }
            if faults.count == Limits.faultsMax { break }
        }
        return faults
    }

    private func hash(_ key: ArraySlice<UInt8>) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(seed)
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
