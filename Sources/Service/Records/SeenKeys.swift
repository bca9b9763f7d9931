// Which records a request has named so far.

import Feature
import Postgres

/// Finds records that a request names twice, however long it is: at 8 bytes a record while they come in ascending order,
/// at 20 to 30 once one does not.
///
/// Keys are kept as 64-bit hashes, seeded anew for each request. Two keys of ten million that share one, a chance of
/// one in 400,000, make the request be refused, and pass when it is sent again: nothing is ever taken for granted that
/// could be lost. A key that is greater than all before it is none of them, whatever its hash.
struct SeenKeys {
    /// The hashes of keys that ascend, and their numbers in the request.
    private struct Ascent {
        /// Numbers that follow each other.
        struct Run {
            let place: Int
            let number: Int
        }

        /// Hashes in pieces of one size: a list that grows would be copied whole, and be there twice meanwhile.
        var pieces: [[UInt64]] = []
        var count = 0
        var runs: [Run] = []
        var last: [UInt8] = []
        var lastNumber = 0

        static let pieceCount = 1 << 14

        mutating func append(_ hash: UInt64, _ number: Int) {
            if count % Self.pieceCount == 0 {
                pieces.append([])
                // Most bodies are short: the first piece grows with them.
                if count > 0 { pieces[pieces.count - 1].reserveCapacity(Self.pieceCount) }
            }
            pieces[pieces.count - 1].append(hash)
            if runs.isEmpty || number != lastNumber + 1 { runs.append(Run(place: count, number: number)) }
            count += 1
            lastNumber = number
        }

        /// All of them by their hashes.
        var numbers: [UInt64: Int32] {
            var numbers: [UInt64: Int32] = [:]
            numbers.reserveCapacity(count)
            for (index, run) in runs.enumerated() {
                let end = index + 1 < runs.count ? runs[index + 1].place : count
                for place in run.place..<end {
                    let hash = pieces[place / Self.pieceCount][place % Self.pieceCount]
                    numbers[hash] = Int32(clamping: run.number + place - run.place)
                }
            }
            return numbers
        }
    }

    private let seed: UInt64
    private var ascent = Ascent()
    /// All keys, once one did not ascend.
    private var numbers: [UInt64: Int32]?

    /// No keys yet.
    init(random: () -> Double) {
        seed = random().bitPattern
    }

    /// The faults in the keys of a part.
    ///
    /// - Complexity: O(rows), and all rows before it once, at the first key that does not ascend.
    mutating func faults(in part: RecordPart) -> [Fault] {
        var faults: [Fault] = []
        for row in 0..<part.count {
            guard let key = part.keys[row] else { continue }
            let number = part.number(row)
            if key.count > RecordKey.encodedBytesMax {
                faults.append(
                    Fault(part.place(number), "the id columns take more than \(RecordKey.encodedBytesMax) bytes"))
            } else if let first = note(key, number) {
                faults.append(Fault(part.place(number), "the same record as at \(part.place(first).text)"))
            }
            if faults.count == TransactionLimits.faultsMax { break }
        }
        return faults
    }

    /// Notes a key.
    ///
    /// - Returns: where it was before; nil if it is new.
    private mutating func note(_ key: ArraySlice<UInt8>, _ number: Int) -> Int? {
        let hash = hash(key)
        guard numbers == nil else {
            return numbers?.updateValue(Int32(clamping: number), forKey: hash).map(Int.init)
        }
        if ascent.count == 0 || ascent.last.lexicographicallyPrecedes(key) {
            ascent.append(hash, number)
            ascent.last.replaceSubrange(0..., with: key)
            return nil
        }
        numbers = ascent.numbers
        ascent = Ascent()
        return numbers?.updateValue(Int32(clamping: number), forKey: hash).map(Int.init)
    }

    private func hash(_ key: ArraySlice<UInt8>) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(seed)
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
