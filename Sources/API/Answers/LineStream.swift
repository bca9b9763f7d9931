// NDJSON answers: page after page until the end, as fast as the client takes them.

import HTTP
import JSON

/// A page of a list that streams, and for how many rows it was asked.
struct Portion<Page: Sendable>: Sendable {
    let page: Page
    let limit: Int
    /// Bytes that the lines of a page should have; nil where pages have the same number of rows whatever these are.
    var wantedBytes: Int? = RequestLimits.streamPageBytes

    /// For how many rows to ask next, given the bytes of this portion's lines: as many as make `wantedBytes`, and four
    /// times as many as before at most, as long rows may follow short ones.
    func next(bytes: Int) -> Int {
        guard let wantedBytes else { return limit }
        let fitting = limit * wantedBytes / max(bytes, 1)
        return max(min(fitting, 4 * limit, RequestLimits.streamRowsMax), 1)
    }
}

/// A streamed list of rows, one a line.
///
/// The first page is read before the answer begins, so that a refused request has a status of its own. A later problem
/// ends the stream with a line that reports it, and the body breaks off: no answer looks like a complete list that is
/// not one.
struct LineStream: Sendable {
    private let call: Call
    private let events: EventLog

    /// A stream that answers a call.
    init(_ call: Call, _ events: EventLog) {
        self.call = call
        self.events = events
    }

    /// An answer that streams pages as lines, one after the other.
    ///
    /// - Parameters:
    ///   - write: writes the lines of a page.
    ///   - next: reads the page after another, of so many rows; nil at the end.
    func pages<Page: Sendable>(
        first: Portion<Page>, write: @escaping @Sendable (Page, inout JSONWriter) -> Void,
        next: @escaping @Sendable (Page, Int) async throws(Problem) -> Page?
    ) -> Response {
        let body = ResponseBody.stream { output in
            var portion = first
            var lines = JSONWriter(reservingCapacity: 64 * 1_024)
            while true {
                lines.removeAll()
                write(portion.page, &lines)
                let limit = portion.next(bytes: lines.bytes.count)
                do {
                    try await output.write(lines.bytes)
                } catch {
                    return .aborted
                }
                do throws(Problem) {
                    guard let following = try await next(portion.page, limit) else { return .finished }
                    portion = Portion(page: following, limit: limit, wantedBytes: portion.wantedBytes)
                } catch {
                    return await breakOff(error, output)
                }
            }
        }
        return Response(status: .ok, headers: ["Content-Type": MediaType.ndjson.text], body: body)
    }

    /// An answer that streams parts as lines, in their order, while the next ones are being read.
    ///
    /// - Parameters:
    ///   - parts: the number of parts, one or more. The first part is read before the answer begins.
    ///   - write: writes the lines of a part.
    ///   - read: reads a part by its number.
    func parts<Part: Sendable>(
        _ parts: Int, write: @escaping @Sendable (Part, inout JSONWriter) -> Void,
        read: @escaping @Sendable (Int) async throws(Problem) -> Part
    ) async throws(Problem) -> Response {
        let first = try await read(0)
        let body = ResponseBody.stream { output in
            await withTaskGroup(of: (number: Int, result: Result<Part, Problem>).self) { group in
                var waiting: [Int: Result<Part, Problem>] = [0: .success(first)]
                var (started, written) = (1, 0)
                var lines = JSONWriter(reservingCapacity: 64 * 1_024)
                while written < parts {
                    while started < min(written + RequestLimits.partsAhead, parts) {
                        group.addTask { [started] in
                            (started, await Self.result { () async throws(Problem) in try await read(started) })
                        }
                        started += 1
                    }
                    // Those that were just added begin while this one is written.
                    await Task.yield()
                    guard let result = waiting.removeValue(forKey: written) else {
                        guard let next = await group.next() else { return .aborted }
                        waiting[next.number] = next.result
                        continue
                    }
                    switch result {
                    case .failure(let problem):
                        group.cancelAll()
                        return await breakOff(problem, output)
                    case .success(let part):
                        lines.removeAll()
                        write(part, &lines)
                    }
                    do { try await output.write(lines.bytes) } catch { return .aborted }
                    written += 1
                }
                return .finished
            }
        }
        return Response(status: .ok, headers: ["Content-Type": MediaType.ndjson.text], body: body)
    }

    private static func result<Value>(
        _ body: () async throws(Problem) -> Value
    ) async -> Result<Value, Problem> {
        do throws(Problem) { return .success(try await body()) } catch { return .failure(error) }
    }

    private func breakOff(_ problem: Problem, _ output: ResponseWriter) async -> StreamEnd {
        events.report(problem, call.identity)
        var line = JSONWriter()
        line.beginObject()
        line.key("error")
        problem.write(to: &line, instance: call.head.path, requestID: call.identity.id)
        line.endObject()
        line.endLine()
        // A client that has gone gets no line.
        do { try await output.write(line.bytes) } catch { return .aborted }
        return .aborted
    }
}
