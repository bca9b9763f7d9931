// What the kernel says about this process.

import Foundation
import Glibc

/// Bytes of memory that the process has in use.
public func residentBytes() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    guard let pages, pages.count > 1, let resident = Int(pages[1]) else { preconditionFailure("Linux has statm") }
    return resident * Int(getpagesize())
}

/// Descriptors that the process has open, the one for counting them aside.
public func openDescriptors() -> Int {
    guard let directory = opendir("/proc/self/fd") else { preconditionFailure("Linux has /proc/self/fd") }
    defer { closedir(directory) }
    var count = -3
    while readdir(directory) != nil {
        count += 1
    }
    return count
}

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
