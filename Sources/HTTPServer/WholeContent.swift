// Request content that arrived together with its head.

import HTTP
import Synchronization

/// Content that can be taken once.
final class WholeContent: Sendable {
    private let content: Mutex<[UInt8]?>

    private init(_ content: [UInt8]) {
        self.content = Mutex(content)
    }

    /// The body of a request with this content. The content is not empty.
    static func body(_ content: [UInt8]) -> RequestBody {
        let whole = WholeContent(content)
        return RequestBody(length: content.count) { whole.content.withLock { $0.take() } }
    }
}
