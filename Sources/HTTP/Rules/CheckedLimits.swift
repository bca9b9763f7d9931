// The protocol limits as parsers and connections use them: checked, shared, with durations in nanoseconds.

import Base

/// Limits that agree with each other, shared by all connections of a server.
public final class CheckedLimits: Sendable {
    /// The limits as they were configured.
    public let values: ProtocolLimits
    // A Duration has 128 bits, and dividing them at each request costs more than parsing a field.
    let handshakeTime: Int64
    let headTime: Int64
    let idleTime: Int64
    let halfCloseTime: Int64
    let lingerTime: Int64
    let contentCredit: Int64
    let outputCredit: Int64

    /// Checks the limits. Limits that contradict each other stop the program.
    ///
    /// - Parameter values: the limits as they were configured.
    public init(_ values: ProtocolLimits) {
        precondition(values.methodBytesMax < values.requestLineBytesMax, "a method has to fit its line")
        precondition(
            values.requestLineBytesMax + values.fieldBytesMax < 1 << 20, "a head is one buffer of a connection")
        precondition(values.chunkBytesMax <= Int.max >> 4, "one more hexadecimal digit must not overflow")
        precondition(values.chunkLineBytesMax >= 16, "a chunk size of 64 bits has to fit its line")
        precondition(
            values.pieceBytesMax >= 16 * 1024, "a piece holds a whole TLS record, so none stays in the session")
        precondition(values.outputBytesMax >= values.pieceBytesMax, "a writer's piece fits the output")
        precondition(values.contentRateMin > 0 && values.outputRateMin > 0, "rates divide")
        precondition(values.connectionsMax > 0 && values.pipelinedPerTurnMax > 0, "a server serves")
        self.values = values
        handshakeTime = values.handshakeTime.wholeNanoseconds
        headTime = values.headTime.wholeNanoseconds
        idleTime = values.idleTime.wholeNanoseconds
        halfCloseTime = values.halfCloseTime.wholeNanoseconds
        lingerTime = values.lingerTime.wholeNanoseconds
        contentCredit = values.contentCredit.wholeNanoseconds
        outputCredit = values.outputCredit.wholeNanoseconds
    }
}
