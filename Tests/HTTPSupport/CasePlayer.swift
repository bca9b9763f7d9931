// Plays the conformance and abuse cases to a server.

extension HTTPCase {
    /// How long a connection has to be quiet to count as waiting, or as having said all.
    private static let quietSeconds = 0.2
    /// Cases played at once: most of their time is waiting for what must not come.
    private static let lanes = 16

    /// Plays every case to a server.
    ///
    /// - Parameters:
    ///   - port: of 127.0.0.1.
    ///   - tls: for TLS, nil to speak without.
    ///   - route: the path that takes the place of `/echo`, for servers that have no such route.
    /// - Returns: the faults, each with the name of its case; empty when the server passes.
    /// - Throws: when the server does not answer in time, or sends what is no answer.
    public static func playAll(port: Int, tls: TestTLS? = nil, route: String = "/echo") async throws -> [String] {
        let cases = try all()
        return try await withThrowingTaskGroup(of: [String].self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    try await onThread {
                        try stride(from: lane, to: cases.count, by: lanes).flatMap { index in
                            try cases[index].play(port, tls, route).map { "\(cases[index].name): \($0)" }
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    private func play(_ port: Int, _ tls: TestTLS?, _ route: String) throws -> [String] {
        let isHead = steps.first?.sent?.starts(with: "HEAD".utf8) == true
        let client = try TestClient(port: port, heads: isHead ? [0] : [], tls: tls)
        for step in steps {
            guard let bytes = step.sent else {
                client.finishSending()
                continue
            }
            do {
                try client.send(bytes.replacing("/echo".utf8, with: route.utf8))
            } catch is TestClient.Broken {
                // The server may refuse before it has read everything.
            }
            if step.waitMilliseconds > 20 { try client.readAll(quietFor: Self.quietSeconds) }
        }
        // What has to come is waited for, however busy the machine is.
        while !hasSaidEnough(client.observation), try client.readOnce(seconds: 10) {}
        try client.readAll(quietFor: Self.quietSeconds)
        return faults(of: client.observation)
    }
}
