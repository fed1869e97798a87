// sse_load: opens N event streams to one server, publishes rounds of events, measures fan-out.
//
//   cc -O2 -o sse_load sse_load.c
//   sse_load -p PORT[,PORT...] [-s SUBSCRIBE_PATH] [-P PUBLISH_PATH] [-n STREAMS] [-r ROUNDS] [-w WINDOW] [-b BODY_BYTES]
//            [-H HOST] [-S SUBSCRIBE_HEADER] [-X PUBLISH_HEADER] [-d BODY_PREFIX] [-t SECONDS] [-i PID[,PID...]]
//
// Only talks to 127.0.0.1. Every event's data ends in '~', which is how deliveries are counted, so a body must hold no other.
// WINDOW events are outstanding at once: 1 measures the cost of one broadcast, 10 what joining events into one write gains.
// Of several PORTs each gets its share of the streams; events are published at the first.
// -S and -X may hold several headers separated by CRLF. PIDs are the server's processes: their CPU and memory are reported.
// Prints one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PUBLISHER 0xffffffffu
static int pids[32], pid_count, ports[32], port_count;
static char buffer[65536];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

// Milliseconds since 1970: whoever runs this tells by it what else was measured while events were outstanding.
static long long unix_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static long server_rss_kb(void) {
  long total = 0;
  for (int i = 0; i < pid_count; i++) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", pids[i]);
    FILE *f = fopen(path, "r");
    if (!f) continue;
    while (fgets(line, sizeof line, f)) if (!strncmp(line, "VmRSS:", 6)) total += atol(line + 6);
    fclose(f);
  }
  return total;
}

static double server_cpu_s(void) {
  double total = 0;
  for (int i = 0; i < pid_count; i++) {
    char path[64], stat[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pids[i]);
    FILE *f = fopen(path, "r");
    if (!f) continue;
    stat[fread(stat, 1, sizeof stat - 1, f)] = 0;
    fclose(f);
    unsigned long user = 0, kernel = 0;
    sscanf(strrchr(stat, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    total += (user + kernel) / (double)sysconf(_SC_CLK_TCK);
  }
  return total;
}

static double own_cpu_s(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_utime.tv_usec / 1e6 + u.ru_stime.tv_sec + u.ru_stime.tv_usec / 1e6;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void fail(const char *what) { perror(what); exit(1); }

// Binds to one of many loopback addresses, so that one client can hold more than 28,000 connections.
static int dial(int port, int index) {
  int s = socket(AF_INET, SOCK_STREAM, 0), one = 1, small = 8192;
  struct linger reset = {1, 0};
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  setsockopt(s, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
  struct sockaddr_in a = {.sin_family = AF_INET};
  char ip[32];
  snprintf(ip, sizeof ip, "127.0.0.%d", 2 + index / 4000 % 200);
  inet_pton(AF_INET, ip, &a.sin_addr);
  if (bind(s, (void *)&a, sizeof a) < 0) fail("bind");
  a.sin_port = htons(port);
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  if (connect(s, (void *)&a, sizeof a) < 0) fail("connect");
  return s;
}

int main(int argc, char **argv) {
  int streams = 1000, rounds = 20, window = 1, body_bytes = 120, opt;
  double limit = 60;
  const char *subscribe = "/sse", *publish = "/pub", *host = "localhost", *sub_headers = "", *prefix = "";
  const char *pub_headers = "Content-Type: text/plain";
  while ((opt = getopt(argc, argv, "p:s:P:n:r:w:b:H:S:X:d:t:i:")) != -1) switch (opt) {
    case 'p': for (char *p = strtok(optarg, ","); p && port_count < 32; p = strtok(NULL, ",")) ports[port_count++] = atoi(p); break;
    case 's': subscribe = optarg; break;
    case 'P': publish = optarg; break;
    case 'n': streams = atoi(optarg); break;
    case 'r': rounds = atoi(optarg); break;
    case 'w': window = atoi(optarg); break;
    case 'b': body_bytes = atoi(optarg); break;
    case 'H': host = optarg; break;
    case 'S': sub_headers = optarg; break;
    case 'X': pub_headers = optarg; break;
    case 'd': prefix = optarg; break;
    case 't': limit = atof(optarg); break;
    case 'i': for (char *p = strtok(optarg, ","); p && pid_count < 32; p = strtok(NULL, ",")) pids[pid_count++] = atoi(p); break;
    default: fprintf(stderr, "see the head of sse_load.c\n"); return 2;
  }
  if (!port_count) { fprintf(stderr, "-p PORT is missing; see the head of sse_load.c\n"); return 2; }

  char request[8192];
  int request_len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s%s\r\n",
                             subscribe, host, sub_headers, *sub_headers ? "\r\n" : "");
  long rss_before = server_rss_kb();
  int epoll = epoll_create1(0), opened = 0, ready = 0, *fd = malloc(sizeof(int) * streams);
  char *has_headers = calloc(streams, 1);
  struct epoll_event events[512];
  double started = now();
  while (ready < streams) {
    if (now() - started > limit) { fprintf(stderr, "only %d of %d streams answered in time\n", ready, streams); return 1; }
    for (int burst = 0; burst < 64 && opened < streams && opened - ready < 256; burst++, opened++) {
      fd[opened] = dial(ports[opened % port_count], opened);
      if (write(fd[opened], request, request_len) != request_len) fail("subscribe");
      fcntl(fd[opened], F_SETFL, O_NONBLOCK);
      struct epoll_event e = {.events = EPOLLIN, .data.u32 = opened};
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd[opened], &e);
    }
    int n = epoll_wait(epoll, events, 512, 100);
    for (int i = 0; i < n; i++) {
      unsigned k = events[i].data.u32;
      int r = read(fd[k], buffer, sizeof buffer - 1);
      if (r < 0 && errno == EAGAIN) continue;
      if (r <= 0) { fprintf(stderr, "stream %u was closed before it began\n", k); return 1; }
      buffer[r] = 0;
      if (!has_headers[k] && strstr(buffer, "\r\n\r\n")) {
        if (strncmp(buffer, "HTTP/1.1 200", 12)) { fprintf(stderr, "stream refused: %.200s\n", buffer); return 1; }
        has_headers[k] = 1;
        ready++;
      }
    }
  }
  double connect_s = now() - started;
  sleep(1);
  for (int n; (n = epoll_wait(epoll, events, 512, 50)) > 0;)
    for (int i = 0; i < n; i++) if (read(fd[events[i].data.u32], buffer, sizeof buffer) == 0) { fprintf(stderr, "a stream closed\n"); return 1; }
  long rss_idle = server_rss_kb();

  int publisher = dial(ports[0], 999999), prefix_len = strlen(prefix);
  char *body = malloc(prefix_len + body_bytes + 1), *message = malloc(prefix_len + body_bytes + 16384);
  memcpy(body, prefix, prefix_len);
  memset(body + prefix_len, 'x', body_bytes);
  body[prefix_len + body_bytes - 1] = '~';
  body[prefix_len + body_bytes] = 0;
  int message_len = sprintf(message, "POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s", publish, host, pub_headers,
                            prefix_len + body_bytes, body);
  fcntl(publisher, F_SETFL, O_NONBLOCK);
  struct epoll_event pe = {.events = EPOLLIN, .data.u32 = PUBLISHER};
  epoll_ctl(epoll, EPOLL_CTL_ADD, publisher, &pe);

  long delivered = 0, reads = 0;
  int sent = 0, done = 0, refused = 0;
  double *sent_at = malloc(sizeof(double) * (rounds + 1)), *took = malloc(sizeof(double) * (rounds + 1));
  double cpu_before = server_cpu_s(), own_before = own_cpu_s(), begun = now();
  long long begun_ms = unix_ms();
  while (done < rounds) {
    for (; sent < rounds && sent < done + window; sent++) {
      sent_at[sent] = now();
      if (write(publisher, message, message_len) != message_len) fail("publish");
    }
    if (now() - begun > limit) { fprintf(stderr, "time is up: %ld of %ld delivered\n", delivered, (long)streams * rounds); break; }
    int n = epoll_wait(epoll, events, 512, 200);
    for (int i = 0; i < n; i++) {
      unsigned k = events[i].data.u32;
      int r = read(k == PUBLISHER ? publisher : fd[k], buffer, sizeof buffer);
      if (r == 0) { fprintf(stderr, "%s closed\n", k == PUBLISHER ? "the publisher's connection" : "a stream"); return 1; }
      if (r < 0) continue;
      if (k == PUBLISHER) { if (r > 12 && !strncmp(buffer, "HTTP/1.1 ", 9) && buffer[9] != '2' && !refused++) fprintf(stderr, "publish refused: %.200s\n", buffer); continue; }
      reads++;
      for (char *p = buffer, *end = buffer + r; (p = memchr(p, '~', end - p)); p++) delivered++;
    }
    while (done < rounds && delivered >= (long)streams * (done + 1)) { took[done] = now() - sent_at[done]; done++; }
  }
  long long ended_ms = unix_ms();
  double wall = now() - begun, server = server_cpu_s() - cpu_before, own = own_cpu_s() - own_before;
  long rss_after = server_rss_kb();
  qsort(took, done, sizeof(double), ascending);
  printf("{\"streams\":%d,\"connect_s\":%.2f,\"rss_idle_kb_per_stream\":%.2f,\"rss_after_kb_per_stream\":%.2f,\"rss_mb\":%.0f,\"rounds\":%d,"
         "\"window\":%d,\"deliveries_per_s\":%.0f,\"broadcast_ms_p50\":%.2f,\"broadcast_ms_max\":%.2f,\"server_cpu_us_per_delivery\":%.2f,"
         "\"server_cores\":%.2f,\"client_cores\":%.2f,\"reads_per_delivery\":%.2f,"
         "\"begun_ms\":%lld,\"ended_ms\":%lld}\n",
         streams, connect_s, (rss_idle - rss_before) / (double)streams, (rss_after - rss_before) / (double)streams, rss_after / 1024.0, done,
         window, delivered / wall, done ? took[done / 2] * 1e3 : -1, done ? took[done - 1] * 1e3 : -1, server * 1e6 / (delivered ? delivered : 1),
         server / wall, own / wall, reads / (double)(delivered ? delivered : 1), begun_ms, ended_ms);
  return done == rounds ? 0 : 1;
}
