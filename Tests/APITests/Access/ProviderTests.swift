// Tokens of an identity provider: whom they speak for, and what they open.

import JSON
import Service
import Testing

@testable import API

@Suite("Callers that an identity provider vouches for")
struct ProviderTests {
    private static func caller(_ claims: String, scopeClaim: String = "scope") throws -> Caller {
        try ProviderClaims(scopeClaim: scopeClaim).caller(try JSONValue(parsing: Array(claims.utf8)))
    }

    @Test(
        "scopes are those of the claim that begin with metaxy:, others are passed over",
        arguments: [
            (#"{"sub":"a","scope":"openid metaxy:read metaxy:work"}"#, [.read, .work]),
            (#"{"sub":"a","scope":["metaxy:admin"]}"#, [.admin]),
            (#"{"sub":"a","scope":"read metaxy: metaxy:everything METAXY:read"}"#, []),
            (#"{"sub":"a","scope":["metaxy:read",1]}"#, []),
            (#"{"sub":"a","scope":7}"#, []),
            (#"{"sub":"a"}"#, []),
        ] as [(String, Set<Permission>)])
    func scopes(claims: String, expected: Set<Permission>) throws {
        let caller = try Self.caller(claims)
        #expect(caller.scopes == expected)
        #expect(caller.name == "oidc:a")
        #expect(caller.visibleProjects.isEverything)
    }

    @Test("the claim that lists scopes has the name that the settings give it")
    func scopeClaim() throws {
        let caller = try Self.caller(
            #"{"sub":"a","scope":"metaxy:admin","roles":["metaxy:read"]}"#, scopeClaim: "roles")
        #expect(caller.scopes == [.read])
    }

    @Test("a token that lists projects sees no others, one that lists none at all sees nothing")
    func projects() throws {
        #expect(try Self.caller(#"{"sub":"a","metaxy_projects":["p"]}"#).visibleProjects == VisibleProjects(["p"]))
        #expect(try Self.caller(#"{"sub":"a","metaxy_projects":[]}"#).visibleProjects == VisibleProjects([]))
    }

    @Test(
        "a token that names nobody, or projects that cannot be read, is refused",
        arguments: [
            "{}", #"{"sub":""}"#, #"{"sub":7}"#, #"{"sub":"a b"}"#, #"{"sub":"ä"}"#,
            #"{"sub":"a","metaxy_projects":"p"}"#,
            #"{"sub":"a","metaxy_projects":[1]}"#, #"{"sub":"a","metaxy_projects":null}"#,
            #"{"sub":"\#(String(repeating: "a", count: 201))"}"#,
        ])
    func refused(claims: String) {
        #expect(throws: Authorizer.Refusal.self) { try Self.caller(claims) }
    }
}
