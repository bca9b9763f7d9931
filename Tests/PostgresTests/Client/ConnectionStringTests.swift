// Faults of connection strings that show without a server.

import Postgres
import Testing

@Suite("Connection strings")
struct ConnectionStringTests {
    @Test(
        "a usable string has no fault",
        arguments: [
            "", "dbname=metaxy", "postgresql://metaxy@db.example.org/metaxy", "postgres://a:p%40ss@h1:1,h2:65535/db",
            "postgresql://h1,h2/db?target_session_attrs=read-write&sslmode=verify-full",
            "postgresql://u@h/db?application_name=a@b", "host=h port='' user='a b' password='p@ss@word'",
            "host=h connect_timeout=3 channel_binding=require",
        ])
    func usable(_ text: String) {
        #expect(ConnectionString.fault(in: text) == nil)
    }

    @Test(
        "a fault is named",
        arguments: [
            ("nonsense", "missing"), ("postgresql+asyncpg://u@h/db", "missing"),
            ("postgresql://u@h/db?search_path=app", "search_path"), ("postgresql://u@h/db?sslmode=bogus", "sslmode"),
            ("postgresql://u:50%off@h/db", "percent"), ("postgresql://u:p@q@h/db", "%40"),
            ("postgresql://u:p@q/x@h/db", "%40"), ("host=h port=0", "port"), ("host=h port=1,x", "port"),
            ("host=h port=70000", "port"), ("host=h connect_timeout=soon", "connect_timeout"),
            ("host=h target_session_attrs=master", "target_session_attrs"), ("host=h colour=red", "colour"),
        ])
    func named(_ text: String, _ word: String) throws {
        let fault = try #require(ConnectionString.fault(in: text))
        #expect(fault.contains(word), "\(fault)")
    }
}
