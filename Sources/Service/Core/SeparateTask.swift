// Runs a step of a long task as a task of its own, so that its memory is freed.

/// Runs `body` as a task of its own and returns its result. The memory of its frames is freed when the task ends.
///
/// The runtime keeps a task's stack at its greatest size until the task ends. A task that works hard and then waits for an
/// hour would keep all of that memory.
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
