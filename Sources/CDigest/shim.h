// One-shot digests of short inputs: SHA-256 and MD5 from OpenSSL, XXH32 and XXH64 from xxHash.
//
// SHA-256 and MD5 use libcrypto's Init/Update/Final with the state on the stack. On inputs of 64 to 400 bytes, where
// record versions lie, that takes 160 to 590 ns (Xeon 2.8 GHz with SHA extensions, OpenSSL 3.0); EVP with a digest
// fetched once takes 490 to 1400 ns, because it allocates a context for each call, and SHA256() 950 to 1600 ns,
// because it fetches the digest for each call. There is no state to share between threads and nothing that can fail.
#ifndef CDIGEST_SHIM_H
#define CDIGEST_SHIM_H

// These functions are marked deprecated from 3.0 on unless the 1.1 interface is asked for.
#define OPENSSL_API_COMPAT 0x10100000L
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#define XXH_NO_XXH3
#include <xxhash.h>

// Writes the 32 bytes of the SHA-256 of count bytes to digest.
static inline void cdigest_sha256(const void *bytes, size_t count, uint8_t *digest) {
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, bytes, count);
    SHA256_Final(digest, &state);
}

// The SHA-256 of bytes that come in pieces.
static inline void cdigest_sha256_begin(SHA256_CTX *state) {
    SHA256_Init(state);
}

static inline void cdigest_sha256_add(SHA256_CTX *state, const void *bytes, size_t count) {
    SHA256_Update(state, bytes, count);
}

// Writes 32 bytes to digest.
static inline void cdigest_sha256_end(SHA256_CTX *state, uint8_t *digest) {
    SHA256_Final(digest, state);
}

// Writes the 16 bytes of the MD5 of count bytes to digest.
static inline void cdigest_md5(const void *bytes, size_t count, uint8_t *digest) {
    MD5_CTX state;
    MD5_Init(&state);
    MD5_Update(&state, bytes, count);
    MD5_Final(digest, &state);
}

// The XXH32 of count bytes with seed 0.
static inline uint32_t cdigest_xxhash32(const void *bytes, size_t count) {
    return XXH32(bytes, count, 0);
}

// The XXH64 of count bytes with seed 0.
static inline uint64_t cdigest_xxhash64(const void *bytes, size_t count) {
    return XXH64(bytes, count, 0);
}

#endif
