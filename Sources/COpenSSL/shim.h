// OpenSSL's server side, with its macros as functions, and the verification of signatures.
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>
#include <string.h>

/* The versions that a context speaks. */
static inline int openssl_limit_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) == 1 && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

/* A key with a passphrase is refused; OpenSSL would ask at the terminal and block the process. */
static inline int openssl_no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer; (void)size; (void)writing; (void)context;
    return -1;
}

/* OpenSSL would take itself down at exit, while other threads may still be in it; the kernel frees everything anyway. */
static inline SSL_CTX *openssl_new_server_context(void) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
    return SSL_CTX_new(TLS_server_method());
}

/* TLS 1.2 at least, no renegotiation, and buffers only while a record is under way. */
static inline int openssl_configure_server(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(context, openssl_no_passphrase);
    /* Sessions are resumed by tickets, which the client keeps: no cache to bound. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    static const unsigned char name[] = "metaxy";
    return openssl_limit_versions(context, TLS1_2_VERSION, TLS1_3_VERSION)
        && SSL_CTX_set_session_id_context(context, name, sizeof name - 1) == 1;
}

/* A write that is tried again may be from another address. */
static inline void openssl_allow_moving_writes(SSL *session) {
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

/* RFC 7301: http/1.1 if the client offers protocols at all, else no_application_protocol. */
static inline int openssl_select_protocol(SSL *session, const unsigned char **chosen, unsigned char *length,
                                          const unsigned char *offered, unsigned int offered_length, void *unused) {
    (void)session;
    (void)unused;
    static const unsigned char http[] = "\x08http/1.1";
    unsigned char *match = NULL;
    if (SSL_select_next_proto(&match, length, http, sizeof http - 1, offered, offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

static inline void openssl_offer_http(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, openssl_select_protocol, NULL);
}

/* A new certificate keeps the ticket keys, so that sessions from before it still resume. */
static inline int openssl_copy_ticket_keys(SSL_CTX *from, SSL_CTX *to) {
    unsigned char keys[256];
    long size = SSL_CTX_get_tlsext_ticket_keys(from, NULL, 0);
    if (size <= 0 || size > (long)sizeof keys) return 0;
    int ok = SSL_CTX_get_tlsext_ticket_keys(from, keys, size) == 1
        && SSL_CTX_set_tlsext_ticket_keys(to, keys, size) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return ok;
}

/* Verifies a signature over `message`, after which the key is freed. 1 for a good one, 0 for anything else. */
static inline int openssl_verify_with(EVP_PKEY *key, const unsigned char *message, size_t length,
                                      const unsigned char *signature, size_t signature_length) {
    int good = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (key && context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1)
        good = EVP_DigestVerify(context, signature, signature_length, message, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    /* What is left in this thread's queue of errors would be taken for that of a TLS session. */
    ERR_clear_error();
    return good;
}

/* A public key of these parameters, or NULL. */
static inline EVP_PKEY *openssl_public_key(const char *type, OSSL_PARAM *parameters) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (context && parameters && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2); modulus and exponent are big-endian. */
static inline int openssl_verify_rs256(const unsigned char *modulus, size_t modulus_length,
                                       const unsigned char *exponent, size_t exponent_length,
                                       const unsigned char *message, size_t length,
                                       const unsigned char *signature, size_t signature_length) {
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_length, NULL), *e = BN_bin2bn(exponent, (int)exponent_length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    int good = openssl_verify_with(openssl_public_key("RSA", parameters), message, length, signature, signature_length);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return good;
}

/* ECDSA on P-256 with SHA-256; the point is 0x04, x, y, the signature r and s in 32 bytes each (RFC 7518 section 3.4). */
static inline int openssl_verify_es256(const unsigned char *point, const unsigned char *message, size_t length,
                                       const unsigned char *signature) {
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *parameters = NULL;
    if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 65) == 1)
        parameters = OSSL_PARAM_BLD_to_param(builder);
    unsigned char *encoded = NULL;
    int encoded_length = 0;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    /* From here on the numbers belong to the signature. */
    if (numbers && r && s && ECDSA_SIG_set0(numbers, r, s) == 1) {
        encoded_length = i2d_ECDSA_SIG(numbers, &encoded);
    } else {
        BN_free(r);
        BN_free(s);
    }
    int good = encoded_length > 0
        && openssl_verify_with(openssl_public_key("EC", parameters), message, length, encoded, (size_t)encoded_length);
    OPENSSL_free(encoded);
    ECDSA_SIG_free(numbers);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    return good;
}
