// Bytes of one connection that wait to be sent.

/// Bytes that wait to be sent, in order.
///
/// Small pieces are gathered in one buffer so that pipelined answers leave in one call; large ones are kept as they
/// are, without a copy.
struct OutputQueue {
    /// A piece of this size is worth a system call of its own rather than a copy.
    static let largePieceBytes = 16 * 1024

    /// The part being sent, of which `sent` bytes are gone.
    private(set) var first: [UInt8] = []
    private(set) var sent = 0
    private var rest: [[UInt8]] = []
    /// Whether the last part is a buffer of the queue's own, and not somebody's array that gathering would copy.
    private var isGathering = true
    /// Bytes that wait.
    private(set) var count = 0

    /// Whether more follows the first part.
    var hasMore: Bool {
        !rest.isEmpty
    }

    /// Takes an empty buffer that has its storage already, instead of growing a new one.
    mutating func borrow(_ buffer: inout [UInt8]) {
        if count == 0, first.capacity == 0 { swap(&first, &buffer) }
    }

    /// Gives up the storage of an empty queue, for others to borrow.
    mutating func giveBack(to buffer: inout [UInt8]) {
        precondition(count == 0, "nothing waits in the buffer")
        if first.capacity > buffer.capacity { swap(&first, &buffer) }
        first = []
    }

    /// Appends what `write` appends.
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

    /// Takes note that this many bytes from `sent` on were sent.
    mutating func advance(by bytes: Int) {
        sent += bytes
        count -= bytes
        skipEmptyParts()
    }

    private mutating func skipEmptyParts() {
        while sent == first.count {
            sent = 0
            if rest.isEmpty {
                // The storage stays for the next answer, unless the part was somebody's array.
                if isGathering { first.removeAll(keepingCapacity: true) } else { first = [] }
                isGathering = true
                return
            }
            first = rest.removeFirst()
        }
    }
}
