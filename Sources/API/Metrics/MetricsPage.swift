// RequestTimings in Prometheus' text format 0.0.4.

import Service

/// Writes a page of metrics.
struct MetricsPage {
    /// The page so far.
    private(set) var text = ""

    /// The requests of this process.
    mutating func requests(_ metrics: RequestTimings) {
        let name = "http_server_request_duration_seconds"
        family(name, "histogram", "Time from a request's head to the end of its answer.")
        for (series, histogram) in metrics.series {
            let labels = [
                ("method", series.method), ("route", series.route), ("status", String(series.status)),
            ]
            var count: UInt64 = 0
            for (bound, bucket) in zip(RequestTimings.Histogram.bounds, histogram.counts) {
                count += bucket
                sample("\(name)_bucket", labels + [("le", Self.number(bound))], String(count))
            }
            count += histogram.counts.last ?? 0
            sample("\(name)_bucket", labels + [("le", "+Inf")], String(count))
            sample("\(name)_sum", labels, Self.number(histogram.sum))
            sample("\(name)_count", labels, String(count))
        }
        gauge("http_server_requests_in_flight", "Requests being answered.", metrics.inFlightCount)
    }

    /// What this process has of connections and waiting workers.
    mutating func service(_ load: ServiceLoad, version: String) {
        let pool = load.pool
        gauge("metaxy_pool_connections_max", "Database connections that may be open.", pool.size)
        gauge("metaxy_pool_connections_open", "Database connections that are open.", pool.open)
        gauge("metaxy_pool_connections_in_use", "Database connections at work.", pool.inUse)
        gauge("metaxy_pool_callers_waiting", "Callers that wait for a database connection.", pool.waiting)
        counter("metaxy_pool_acquired_total", "Callers that were given a connection.", String(pool.acquiredTotal))
        counter("metaxy_pool_wait_seconds_total", "Time that callers waited.", Self.number(pool.waitSeconds))
        counter("metaxy_pool_connects_total", "Database connections opened.", String(pool.connectsTotal))
        counter("metaxy_pool_timeouts_total", "Callers that gave up waiting.", String(pool.timeoutsTotal))
        gauge("metaxy_claims_waiting", "Claim requests that wait for work.", load.waitingClaims)
        counter(
            "metaxy_claim_wakeups_total", "Waiting claim requests that were woken because there may be work.",
            String(load.wakeUpsTotal))
        family("metaxy_build_info", "gauge", "The program's version.")
        sample("metaxy_build_info", [("version", version)], "1")
    }

    mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, "gauge", help)
        sample(name, [], String(value))
    }

    mutating func counter(_ name: String, _ help: String, _ value: String) {
        family(name, "counter", help)
        sample(name, [], value)
    }

    /// Starts a family of metrics.
    mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// Writes one sample.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func escape(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    /// A number without a needless fraction.
    static func number(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : "\(value)"
    }
}
