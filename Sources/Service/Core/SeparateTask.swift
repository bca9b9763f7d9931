// A step of a long task as a task of its own.

/// What `body` answers, run as a task of its own: the memory of its frames goes with it.
///
/// The runtime keeps the stack of a task at the greatest size that it ever had, until the task ends: one that waits for an
/// hour after it did much would hold all of it.
///
/// - Throws: what `body` throws.
func apart<T: Sendable, E: Error>(
    _ body: @escaping @Sendable () async throws(E) -> T
) async throws(E) -> T {
    let result = await withTaskGroup(of: Result<T, E>.self) { group in
        group.addTask { () async -> Result<T, E> in
            do throws(E) { return .success(try await body()) } catch { return .failure(error) }
        }
        guard let result = await group.next() else { preconditionFailure("the group has a task") }
        return result
    }
    return try result.get()
}
