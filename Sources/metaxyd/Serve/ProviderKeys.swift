// Caches the public keys of an OpenID Connect issuer, and reads them again when they are old or one is missing.

import Foundation
import FoundationNetworking
import WebToken

/// The keys of the last successful read.
actor ProviderKeys {
    /// The reason why there are no keys.
    struct Missing: Error {
        let detail: String
    }

    /// The age at which keys are read again. A withdrawn key is accepted for at most this long.
    private static let age: Duration = .seconds(600)
    /// The shortest time between two reads, however many tokens name unknown keys.
    private static let pause: Duration = .seconds(30)
    private static let patience: TimeInterval = 5
    private static let bytesMax = 1 << 20

    let source: IdentityProvider.Source
    private var keys: KeySet?
    private var triedAt: ContinuousClock.Instant?
    private var reading: Task<Result<KeySet, Missing>, Never>?

    init(_ source: IdentityProvider.Source) {
        self.source = source
    }

    /// The keys, read again if they are too old.
    ///
    /// - Throws: if no read has ever succeeded.
    func known() async throws(Missing) -> KeySet {
        if let keys, let triedAt, ContinuousClock.now - triedAt < Self.age { return keys }
        return try await read()
    }

    /// Reads the keys again for a token with an unknown key; nil if the last read was a moment ago.
    ///
    /// - Throws: if no read has ever succeeded.
    func renewed() async throws(Missing) -> KeySet? {
        if let triedAt, ContinuousClock.now - triedAt < Self.pause { return nil }
        return try await read()
    }

    /// Reads the keys. Concurrent callers share one read. If it fails, the earlier keys stay valid.
    private func read() async throws(Missing) -> KeySet {
        let task: Task<Result<KeySet, Missing>, Never>
        if let reading {
            task = reading
        } else {
            if let triedAt, keys == nil, ContinuousClock.now - triedAt < .seconds(1) {
                throw Missing(detail: "the last attempt failed a moment ago")
            }
            triedAt = .now
            task = Task { [source] in await Self.load(source) }
            reading = task
        }
        let result = await task.value
        reading = nil
        switch result {
        case .success(let read): keys = read
        case .failure(let missing):
            guard keys != nil else { throw missing }
            Log.write(.warning, "cannot read the issuer's keys again; the earlier keys stay valid: \(missing.detail)")
        }
        guard let keys else { throw Missing(detail: "there are no keys") }
        return keys
    }

    private static func load(_ source: IdentityProvider.Source) async -> Result<KeySet, Missing> {
        let data: Data
        switch source {
        case .file(let path):
            guard let contents = FileManager.default.contents(atPath: path) else {
                return .failure(Missing(detail: "cannot read \(path)"))
            }
            data = contents
        case .url(let url):
            do {
                let request = URLRequest(
                    url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: patience)
                let (body, response) = try await URLSession.shared.data(for: request)
                let status = (response as? HTTPURLResponse)?.statusCode ?? 0
                guard status == 200 else { return .failure(Missing(detail: "\(url) answered with \(status)")) }
                data = body
            } catch {
                return .failure(Missing(detail: "cannot reach \(url): \(error.localizedDescription)"))
            }
        }
        guard data.count <= bytesMax else {
            return .failure(Missing(detail: "the key set is larger than \(bytesMax) bytes"))
        }
        do { return .success(try KeySet(json: Array(data))) } catch { return .failure(Missing(detail: error.detail)) }
    }
}
