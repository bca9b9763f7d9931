// Waiting for what other threads bring about.

import Foundation
import Glibc

/// Waits until a condition holds.
///
/// - Parameters:
///   - what: the condition, for the error.
///   - condition: asked every few milliseconds.
/// - Throws: when it does not hold within 10 s.
public func waitUntil(_ what: String, _ condition: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(10)
    while !condition() {
        guard ContinuousClock.now < end else { throw TestClient.TimedOut(description: what) }
        pauseBriefly()
    }
}

/// Gives other threads a little time, inside a loop that waits for a condition with a deadline.
///
/// - Parameter milliseconds: how much.
public func pauseBriefly(milliseconds: Int32 = 5) {
    poll(nil, 0, milliseconds)
}

/// Runs blocking code on a thread of its own, so that it holds up no task.
///
/// - Parameter body: the code.
/// - Returns: what it returns.
/// - Throws: what it throws.
public func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(with: Result { try body() })
        }
    }
}
