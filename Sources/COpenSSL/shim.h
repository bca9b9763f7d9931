// OpenSSL's server side, with its macros as functions.
#include <openssl/err.h>
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
