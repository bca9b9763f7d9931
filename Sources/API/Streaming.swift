// NDJSON answers: page after page until the end, as fast as the client takes them.

import HTTP
import JSON

extension API {
    /// An answer that streams pages as lines.
    ///
    /// The first page is there before the answer begins, so that whatever is wrong with the question has its own status.
    /// What goes wrong later ends the stream with a line that says so, and with a body that breaks off: nothing looks
    /// like a complete list that is not one.
    ///
    /// - Parameters:
    ///   - write: writes the lines of a page.
    ///   - next: reads the page after another, nil at the end.
    func streamLines<Page: Sendable>(
        _ call: Call, first: Page, write: @escaping @Sendable (Page, inout JSONWriter) -> Void,
        next: @escaping @Sendable (Page) async throws(Problem) -> Page?
    ) -> Response {
        let body = ResponseBody.stream { output in
            var page = first
            var lines = JSONWriter(reservingCapacity: 64 * 1_024)
            while true {
                lines.removeAll()
                write(page, &lines)
                do {
                    try await output.write(lines.bytes)
                } catch {
                    return .aborted
                }
                do throws(Problem) {
                    guard let following = try await next(page) else { return .finished }
                    page = following
                } catch {
                    return await self.breakOff(error, call, output)
                }
            }
        }
        return Response(status: .ok, headers: ["Content-Type": MediaType.ndjson.text], body: body)
    }

    private func breakOff(_ problem: Problem, _ call: Call, _ output: ResponseWriter) async -> StreamEnd {
        note(problem, call.identity)
        var line = JSONWriter()
        line.beginObject()
        line.key("error")
        problem.write(to: &line, instance: call.head.path, requestID: call.identity.id)
        line.endObject()
        line.endLine()
        // Where the client has gone there is nobody to tell.
        do { try await output.write(line.bytes) } catch { return .aborted }
        return .aborted
    }
}
