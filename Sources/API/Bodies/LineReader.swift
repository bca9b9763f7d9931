// Cuts an NDJSON body into its lines as it comes in.

import Base
import HTTP
import JSON
import Service

/// Reads elements from lines, whatever the pieces in which they arrive.
///
/// Lines end with LF or CR LF; the last one may lack its end. An empty line is refused: it is a record lost on the way.
struct LineReader<Reader: ElementReader> {
    private(set) var elements: Reader
    private var buffer: [UInt8] = []
    /// Bytes of the buffer in which no line end was found.
    private var scanned = 0
    private var number = 0
    /// Whether the rest of a line that was refused for its length is being passed over.
    private var isSkipping = false
    /// Bytes that came once something was wrong.
    private var faultyBytes = 0

    /// Reads elements into `elements`.
    init(_ elements: Reader) {
        self.elements = elements
    }

    /// Takes the next piece of the body.
    mutating func take(_ chunk: [UInt8]) {
        buffer.append(contentsOf: chunk)
        var lineStart = 0
        while let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
            readLine(lineStart..<end)
            lineStart = end + 1
            scanned = lineStart
        }
        buffer.removeFirst(lineStart)
        scanned = buffer.count
        guard buffer.count > Reader.bytesMax else { return }
        if !isSkipping {
            elements.faults.add(.line(number + 1), "the line has more than \(Reader.bytesMax) bytes")
        }
        isSkipping = true
        buffer.removeAll(keepingCapacity: true)
        scanned = 0
    }

    /// The body has ended; saying so again changes nothing.
    mutating func finish() {
        if !buffer.isEmpty || isSkipping { readLine(0..<buffer.count) }
        buffer = []
    }

    private mutating func readLine(_ range: Range<Int>) {
        number += 1
        if isSkipping {
            isSkipping = false
            return
        }
        var reader = JSONReader(buffer, in: range)
        do {
            try elements.read(&reader, at: .line(number))
            try reader.finish()
        } catch {
            let isEmpty = buffer[range].allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            elements.faults.add(
                .line(number),
                isEmpty
                    ? "the line is empty" : "\(error.reason) at byte \(error.offset - range.lowerBound) of the line",
                isSyntax: true)
        }
    }
}

extension LineReader where Reader: BulkReader {
    /// Reads a whole body.
    ///
    /// - Throws: `content_too_large`; `invalid_json` or `validation_failed` with the lines at fault.
    static func read(_ body: RequestBody, into elements: Reader) async throws(Problem) -> Reader {
        guard (body.declaredLength ?? 0) <= RequestLimits.bulkBytesMax else {
            throw Problem(.tooLarge(limit: RequestLimits.bulkBytesMax))
        }
        var lines = LineReader(elements)
        var total = 0
        do throws(BodyError) {
            while let chunk = try await body.next() {
                total += chunk.count
                guard total <= RequestLimits.bulkBytesMax else { throw .tooLarge(limit: RequestLimits.bulkBytesMax) }
                lines.take(chunk)
                if lines.elements.records > RequestLimits.bulkRowsMax { break }
            }
        } catch {
            throw Problem(error)
        }
        lines.finish()
        return try lines.elements.checked()
    }
}

extension LineReader where Reader == RowReader<PartSink> {
    /// Reads on until there is a part.
    ///
    /// Once something is wrong, no part is given any more: the rest, up to `RequestLimits.faultyBytesMax`, is only read for what
    /// else is wrong.
    ///
    /// - Returns: nil at the end of the body.
    /// - Throws: `invalid_json` or `validation_failed` with the lines at fault; what keeps the body from being read.
    mutating func nextPart(_ body: RequestBody) async throws(Problem) -> RecordPart? {
        do throws(BodyError) {
            while elements.faults.count > 0 || !elements.sink.isFull {
                guard faultyBytes <= RequestLimits.faultyBytesMax else {
                    elements.faults.isPartial = true
                    break
                }
                guard let chunk = try await body.next() else {
                    finish()
                    break
                }
                if elements.faults.count > 0 { faultyBytes += chunk.count }
                take(chunk)
            }
        } catch {
            throw Problem(error)
        }
        if let problem = elements.faults.problem { throw problem }
        return elements.sink.take()
    }
}
