// zlib, with its macros as functions.
#include <zlib.h>

/* 15 bits of window, the most there is; plus 16: gzip and nothing else (zlib.h, inflateInit2). */
static inline int zlib_begin_inflate(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
static inline int zlib_begin_deflate(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
