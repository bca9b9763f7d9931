// The keys of an identity provider, read again when they are old or one is missing.

import Foundation
import FoundationNetworking
import WebToken

/// The keys that tokens are verified with, as this process last read them.
actor ProviderKeys {
    /// Why there are no keys.
    struct Missing: Error {
        let detail: String
    }

    /// For how long keys are used without a look for newer ones: a key that is withdrawn is refused after that time.
    private static let age: Duration = .seconds(600)
    /// The shortest time between two looks, however many tokens name unknown keys.
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

    /// The keys: those of the last look, or of a new one where that is too long ago.
    ///
    /// - Throws: where there has never been any.
    func known() async throws(Missing) -> KeySet {
        if let keys, let triedAt, ContinuousClock.now - triedAt < Self.age { return keys }
        return try await read()
    }

    /// The keys of a new look, for a token that names none of the known ones; nil where the last is not long ago.
    ///
    /// - Throws: where there has never been any.
    func renewed() async throws(Missing) -> KeySet? {
        if let triedAt, ContinuousClock.now - triedAt < Self.pause { return nil }
        return try await read()
    }

    /// Reads the keys; all who ask meanwhile wait for the same look. Where it fails, the keys of before stay good.
    private func read() async throws(Missing) -> KeySet {
        let task: Task<Result<KeySet, Missing>, Never>
        if let reading {
            task = reading
        } else {
            if let triedAt, keys == nil, ContinuousClock.now - triedAt < .seconds(1) {
                throw Missing(detail: "they could not be read a moment ago")
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
            Log.write(.warning, "the provider's keys cannot be read again; the known ones stay: \(missing.detail)")
        }
        guard let keys else { throw Missing(detail: "there are none") }
        return keys
    }

    private static func load(_ source: IdentityProvider.Source) async -> Result<KeySet, Missing> {
        let data: Data
        switch source {
        case .file(let path):
            guard let contents = FileManager.default.contents(atPath: path) else {
                return .failure(Missing(detail: "\(path) cannot be read"))
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
                return .failure(Missing(detail: "\(url) cannot be reached: \(error.localizedDescription)"))
            }
        }
        guard data.count <= bytesMax else { return .failure(Missing(detail: "they are more than \(bytesMax) bytes")) }
        do { return .success(try KeySet(json: Array(data))) } catch { return .failure(Missing(detail: error.detail)) }
    }
}
