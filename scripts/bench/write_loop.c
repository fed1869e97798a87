// write_loop: the least that a fan-out can cost. Writes what is posted to every stream, one `write` after the other.
//
//   cc -O2 -o write_loop write_loop.c
//   write_loop PORT
//
// Only talks to 127.0.0.1. GET /sse opens a stream, POST is an event, any other GET is answered at once. A request must
// come in one piece: the benches' do. It joins nothing and keeps nothing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 65536
static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
static const char EMPTY[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
// As long as the id of an event of ours.
static const char ID[] = "id: 01234567.0123456789abcdef0000.0";
static int streams[MOST], count, place[MOST], epoll;
static char buffer[65536], event[70000];

static void fail(const char *what) { perror(what); exit(1); }

static int listen_at(int port) {
  int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(s, (void *)&a, sizeof a) < 0) fail("bind");
  if (listen(s, 4096) < 0) fail("listen");
  return s;
}

static void watch(int fd) {
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

static void welcome(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), one = 1;
  if (fd < 0) return;
  if (fd >= MOST) { close(fd); return; }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  place[fd] = -1;
  watch(fd);
}

static void leave(int fd) {
  if (place[fd] >= 0) {
    int last = streams[--count];
    streams[place[fd]] = last;
    place[last] = place[fd];
  }
  close(fd);
}

static void answer(int fd, const char *text, size_t size) {
  if (write(fd, text, size) < 0) perror("answer");
}

static void join(int fd) {
  place[fd] = count;
  streams[count++] = fd;
  answer(fd, HEAD, sizeof HEAD - 1);
}

static void tell_all(const char *body, int size) {
  int length = sprintf(event, "%s\ndata: %.*s\n\n", ID, size, body), failed = 0;
  for (int i = 0; i < count; i++) if (write(streams[i], event, length) != length) failed++;
  if (failed) fprintf(stderr, "%d streams did not take an event\n", failed);
}

// Answers one request, and says how long it was.
static int serve(int fd, char *request) {
  char *end = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "content-length: ");
  if (!end) return strlen(request);
  int size = length && length < end ? atoi(length + 16) : 0;
  if (!strncmp(request, "GET /sse", 8)) join(fd);
  else answer(fd, EMPTY, sizeof EMPTY - 1);
  if (!strncmp(request, "POST", 4)) tell_all(end + 4, size);
  return end + 4 + size - request;
}

static void take(int fd) {
  int size = read(fd, buffer, sizeof buffer - 1);
  if (size <= 0) { leave(fd); return; }
  buffer[size] = 0;
  for (char *at = buffer; at < buffer + size;) at += serve(fd, at);
}

int main(int argc, char **argv) {
  struct epoll_event events[512];
  if (argc != 2) { fprintf(stderr, "see the head of write_loop.c\n"); return 2; }
  int listener = listen_at(atoi(argv[1]));
  epoll = epoll_create1(0);
  watch(listener);
  for (;;) {
    int n = epoll_wait(epoll, events, 512, -1);
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == listener) welcome(listener);
      else take(events[i].data.fd);
    }
  }
}
