// This process's copy of the graph, loaded again where the registry has moved on.

import Feature
import Postgres
import Store
import Synchronization

/// The newest catalog that this process has loaded. It is a copy: every transaction compares its revision with the
/// registry's.
final class CatalogCache: Sendable {
    private let newest = Mutex<Catalog?>(nil)

    /// The newest catalog; nil before the first transaction.
    var known: Catalog? { newest.withLock { $0 } }

    /// The position of a feature in the order in which blocks are locked, by the newest catalog; -1 where it is unknown.
    func rank(_ feature: FeatureID) -> Int { newest.withLock { $0?.rank(feature) ?? -1 } }

    /// What the newest catalog has; nil where there is no catalog. The catalog is not copied.
    func look<T: Sendable>(_ body: (Catalog) -> T?) -> T? { newest.withLock { $0.flatMap(body) } }

    /// The catalog at a revision of the registry.
    ///
    /// - Throws: `.database`; `.corrupt` where the stored graph is invalid.
    /// - Complexity: no round trip where the copy has this revision; two otherwise.
    func catalog(at revision: Int64, _ connection: Connection) throws(StoreError) -> Catalog {
        if let known, known.revision == revision { return known }
        let loaded = try Catalog(Registry(connection).contents())
        newest.withLock { newest in
            if (newest?.revision ?? -1) < loaded.revision { newest = loaded }
        }
        return loaded
    }
}
