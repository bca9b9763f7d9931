// The bytes of one connection that wait to be sent.

/// Bytes that wait to be sent, in order.
///
/// Small pieces are gathered in one buffer, so that one call sends several pipelined answers. Large pieces are kept
/// without a copy.
struct OutputQueue {
    /// The size from which a piece gets a system call of its own instead of a copy.
    static let largePieceBytes = 16 * 1024

    /// The part being sent, of which `sent` bytes were already sent.
    private(set) var first: [UInt8] = []
    private(set) var sent = 0
    private var rest: [[UInt8]] = []
    /// Whether the last part is the queue's own buffer, instead of a caller's array, which gathering would copy.
    private var isGathering = true
    /// Bytes that wait.
    private(set) var count = 0

    /// Whether more follows the first part.
    var hasMore: Bool {
        !rest.isEmpty
    }

    /// Borrows an empty buffer with its storage, instead of growing a new one.
    mutating func borrow(_ buffer: inout [UInt8]) {
        if count == 0, first.capacity == 0 { swap(&first, &buffer) }
    }

    /// Returns the storage of an empty queue, so that other queues can borrow it.
    mutating func giveBack(to buffer: inout [UInt8]) {
        precondition(count == 0, "nothing waits in the buffer")
        if first.capacity > buffer.capacity { swap(&first, &buffer) }
        first = []
    }

    /// Appends the bytes that `write` appends.
    mutating func gather(_ write: (inout [UInt8]) -> Void) {
        if !isGathering {
            rest.append([])
            isGathering = true
        }
        if rest.isEmpty {
            let before = first.count
            write(&first)
            count += first.count - before
        } else {
            let before = rest[rest.count - 1].count
            write(&rest[rest.count - 1])
            count += rest[rest.count - 1].count - before
        }
    }

    mutating func append(_ bytes: [UInt8]) {
        guard bytes.count >= Self.largePieceBytes else { return gather { $0 += bytes } }
        rest.append(bytes)
        isGathering = false
        count += bytes.count
        skipEmptyParts()
    }

    /// Notes that this many more bytes were sent.
    mutating func advance(by bytes: Int) {
        sent += bytes
        count -= bytes
        skipEmptyParts()
    }

    private mutating func skipEmptyParts() {
        while sent == first.count {
            sent = 0
            if rest.isEmpty {
                // The storage stays for the next answer, unless the part was a caller's array.
                if isGathering { first.removeAll(keepingCapacity: true) } else { first = [] }
                isGathering = true
                return
            }
            first = rest.removeFirst()
        }
    }
}
