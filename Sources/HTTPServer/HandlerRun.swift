// The task of a handler: its request, its answer, and the way back to the connection's loop.

import HTTP
import Sockets

/// One request of one connection. A handler that outlives its request reaches nothing with it.
struct ExchangeID: Sendable {
    let token: UInt64
    let number: Int
}

/// One run of the application's handler, in a task on the loop's thread.
struct HandlerRun: Sendable {
    let worker: Worker
    let id: ExchangeID

    /// Starts the handler's task.
    ///
    /// - Parameters:
    ///   - parsed: the head of the request.
    ///   - content: the whole content, where it arrived together with the head.
    ///   - peer: the client's address.
    func start(_ parsed: ParsedHead, _ content: [UInt8]?, peer: String) -> Task<Void, Never> {
        let body = content.map(WholeContent.body) ?? body(parsed.content)
        let request = Request(head: parsed.head, body: body, remote: peer)
        return Task(executorPreference: worker.loop) { await serve(request) }
    }

    private func body(_ content: ParsedHead.Content) -> RequestBody {
        let length: Int? =
            switch content {
            case .none: 0
            case .length(let length): length
            case .chunked: nil
            }
        return RequestBody(declaredLength: length) { () async throws(BodyError) in
            try await worker.nextContent(id).get()
        }
    }

    /// Runs outside the worker's isolation, though on its thread: entering and leaving it would be a job each.
    private func serve(_ request: Request) async {
        let response = await worker.application.handler(request)
        guard deliver(response), case .stream(let produce) = response.body else { return }
        let writer = ResponseWriter { (bytes) async throws(Disconnected) in
            try await worker.write(bytes, id)
        }
        await worker.endStream(await produce(writer), id)
    }

    private func deliver(_ response: Response) -> Bool {
        worker.assumeIsolated { $0.port.deliver(response, id) }
    }
}
