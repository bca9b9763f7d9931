// The verification of signatures, by OpenSSL.

import COpenSSL

extension KeySet.Key {
    /// Whether `signature` over `message` was made with this key; false also where it is of another algorithm.
    ///
    /// - Parameter algorithm: what the token says that it is signed with; the key decides whether that can be.
    func verifies(_ signature: [UInt8], over message: [UInt8], algorithm: String) -> Bool {
        switch self {
        case .rsa(let modulus, let exponent):
            guard algorithm == "RS256", signature.count == modulus.count else { return false }
            return unsafe openssl_verify_rs256(
                modulus, modulus.count, exponent, exponent.count, message, message.count, signature, signature.count)
                == 1
        case .p256(let point):
            guard algorithm == "ES256", signature.count == 64 else { return false }
            return unsafe openssl_verify_es256(point, message, message.count, signature) == 1
        }
    }
}
