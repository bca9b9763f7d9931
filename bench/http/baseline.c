/* The floor to compare with: an epoll loop that answers each CRLFCRLF with the same bytes. It parses nothing.
 *
 *     cc -O2 -o baseline baseline.c -lpthread && ./baseline PORT LOOPS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                             "Content-Length: 3\r\n\r\nok\n";
enum { ANSWER = sizeof answer - 1, INPUT = 65536 };
static int port;

static void serve(int fd) {
    static __thread char in[INPUT], out[INPUT];
    ssize_t n = recv(fd, in, INPUT, 0);
    if (n <= 0) {
        close(fd);
        return;
    }
    size_t used = 0;
    for (char *at = in, *end; (end = memmem(at, in + n - at, "\r\n\r\n", 4)); at = end + 4) {
        if (used + ANSWER > INPUT) {
            send(fd, out, used, MSG_NOSIGNAL);
            used = 0;
        }
        memcpy(out + used, answer, ANSWER);
        used += ANSWER;
    }
    if (used) send(fd, out, used, MSG_NOSIGNAL);
}

static void *loop(void *unused) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(0x7f000001)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, SOMAXCONN)) exit(1);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd != listener) {
                serve(ready[i].data.fd);
                continue;
            }
            for (int fd; (fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0;) {
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 3) return 64;
    port = atoi(argv[1]);
    pthread_t thread;
    for (int i = 0; i < atoi(argv[2]); i++) pthread_create(&thread, 0, loop, 0);
    pause();
}
