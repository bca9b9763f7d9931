// Limits in the form that the machines use: checked, shared, and with durations as nanoseconds.

import Base

/// Limits that were checked to agree with each other, shared by all connections of a server.
public final class Bounds: Sendable {
    /// The limits.
    public let limits: Limits
    // A Duration has 128 bits, and dividing them at each request costs more than parsing a field.
    let handshakeTime: Int64
    let headTime: Int64
    let idleTime: Int64
    let halfCloseTime: Int64
    let lingerTime: Int64
    let contentCredit: Int64
    let outputCredit: Int64

    /// Checks limits; those that contradict each other stop the program.
    ///
    /// - Parameter limits: the limits.
    public init(_ limits: Limits) {
        precondition(limits.methodBytesMax < limits.requestLineBytesMax, "a method has to fit its line")
        precondition(
            limits.requestLineBytesMax + limits.fieldBytesMax < 1 << 20, "a head is one buffer of a connection")
        precondition(limits.chunkBytesMax <= Int.max >> 4, "one more hexadecimal digit must not overflow")
        precondition(limits.chunkLineBytesMax >= 16, "a chunk size of 64 bits has to fit its line")
        precondition(
            limits.pieceBytesMax >= 16 * 1024, "a piece holds a whole TLS record, so none stays in the session")
        precondition(limits.outputBytesMax >= limits.pieceBytesMax, "a writer's piece fits the output")
        precondition(limits.contentRateMin > 0 && limits.outputRateMin > 0, "rates divide")
        precondition(limits.connectionsMax > 0 && limits.pipelinedPerTurnMax > 0, "a server serves")
        self.limits = limits
        handshakeTime = limits.handshakeTime.wholeNanoseconds
        headTime = limits.headTime.wholeNanoseconds
        idleTime = limits.idleTime.wholeNanoseconds
        halfCloseTime = limits.halfCloseTime.wholeNanoseconds
        lingerTime = limits.lingerTime.wholeNanoseconds
        contentCredit = limits.contentCredit.wholeNanoseconds
        outputCredit = limits.outputCredit.wholeNanoseconds
    }
}
