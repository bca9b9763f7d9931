// Runs something with a time limit.

/// The result of `body`; nil where it takes longer than `patience`, after which it is cancelled.
func within<T: Sendable>(_ patience: Duration, _ body: @escaping @Sendable () async -> T) async -> T? {
    await withTaskGroup(of: T?.self) { group in
        group.addTask { await body() }
        group.addTask {
            // A cancelled sleep ends early, which is what is wanted.
            do { try await Task.sleep(for: patience) } catch {}
            return nil
        }
        let first = await group.next()
        group.cancelAll()
        return first ?? nil
    }
}
