/* A fast Modbus server of libmodbus: 65536 addresses in each area, many connections, any unit.
 *
 * usage: modbus_server PORT [update MS] [forbid FIRST LAST]...
 *        modbus_server rtu DEVICE UNIT [forbid FIRST LAST]...
 *
 * Register i of the holding registers holds i, of the input registers 65535 - i; coil i is set
 * where i % 3 == 0, discrete input i where i % 2 == 1. With "update" the holding registers are
 * 32768 floats (ABCD) instead, number n holding n + the updates so far. A read that touches a
 * forbidden register (0-based, both ends included) is refused with exception 2.
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ADDRESSES 65536
#define CONNECTIONS 1024
#define RANGES 64

static modbus_mapping_t *map;
static int forbidden[RANGES][2], ranges, update_ms, updates;

static void fill(void) {
    for (int i = 0; i < ADDRESSES; i++) {
        map->tab_registers[i] = i;
        map->tab_input_registers[i] = 65535 - i;
        map->tab_bits[i] = i % 3 == 0;
        map->tab_input_bits[i] = i % 2;
    }
}

static void fill_floats(void) { /* modbus_set_float_abcd means other bytes in each version */
    for (int i = 0; i < ADDRESSES / 2; i++) {
        float value = i + updates;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        map->tab_registers[2 * i] = bits >> 16;
        map->tab_registers[2 * i + 1] = bits & 0xFFFF;
    }
}

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int is_forbidden(const uint8_t *pdu) {
    int start = pdu[1] << 8 | pdu[2], end = start + (pdu[3] << 8 | pdu[4]);
    if (pdu[0] != 3 && pdu[0] != 4)
        return 0;
    for (int i = 0; i < ranges; i++)
        if (start <= forbidden[i][1] && end > forbidden[i][0])
            return 1;
    return 0;
}

/* Answer one request; -1 when the connection is to be closed. */
static int serve(modbus_t *ctx) {
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int length = modbus_receive(ctx, query);
    if (length <= 0)
        return length;
    if (is_forbidden(query + modbus_get_header_length(ctx)))
        return modbus_reply_exception(ctx, query, MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS);
    return modbus_reply(ctx, query, length, map);
}

static int serve_serial(const char *device, int unit) {
    modbus_t *ctx = modbus_new_rtu(device, 9600, 'N', 8, 1);
    if (!ctx || modbus_set_slave(ctx, unit) || modbus_connect(ctx)) {
        fprintf(stderr, "%s: %s\n", device, modbus_strerror(errno));
        return 1;
    }
    /* after a question to another unit libmodbus is out of step: let it flush, and soon */
    modbus_set_error_recovery(ctx, MODBUS_ERROR_RECOVERY_PROTOCOL);
    modbus_set_response_timeout(ctx, 0, 20000);
    while (serve(ctx) >= 0 || errno != EIO)
        ;
    return 1;
}

static int serve_tcp(int port) {
    static struct pollfd fds[CONNECTIONS];
    int used = 1, on = 1;
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", port);
    fds[0] = (struct pollfd){.fd = modbus_tcp_listen(ctx, 128), .events = POLLIN};
    if (fds[0].fd < 0) {
        fprintf(stderr, "port %d: %s\n", port, modbus_strerror(errno));
        return 1;
    }
    long long next = now_ms() + update_ms;
    for (;;) {
        if (update_ms && now_ms() >= next) {
            next += update_ms;
            updates++, fill_floats();
        }
        if (poll(fds, used, update_ms ? 10 : -1) < 0)
            continue;
        for (int i = used - 1; i > 0; i--) {
            int waiting = 0, alive = 1;
            if (!fds[i].revents)
                continue;
            modbus_set_socket(ctx, fds[i].fd);
            do /* all that came in one go, without a poll for each */
                alive = serve(ctx) >= 0;
            while (alive && !ioctl(fds[i].fd, FIONREAD, &waiting) && waiting >= 12);
            if (!alive) {
                close(fds[i].fd);
                fds[i] = fds[--used];
            }
        }
        if (fds[0].revents & POLLIN && used < CONNECTIONS) {
            int fd = accept(fds[0].fd, NULL, NULL);
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            fds[used] = (struct pollfd){.fd = fd, .events = POLLIN};
            used += fd >= 0;
        }
    }
}

int main(int argc, char **argv) {
    int serial = argc > 3 && !strcmp(argv[1], "rtu");
    if (argc < 2)
        return 2;
    for (int i = serial ? 4 : 2; i < argc; i++)
        if (!strcmp(argv[i], "update") && i + 1 < argc)
            update_ms = atoi(argv[++i]);
        else if (!strcmp(argv[i], "forbid") && i + 2 < argc && ranges < RANGES) {
            forbidden[ranges][0] = atoi(argv[++i]);
            forbidden[ranges++][1] = atoi(argv[++i]);
        } else
            return 2;
    signal(SIGPIPE, SIG_IGN);
    map = modbus_mapping_new(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES);
    fill();
    if (update_ms)
        fill_floats();
    return serial ? serve_serial(argv[2], atoi(argv[3])) : serve_tcp(atoi(argv[1]));
}
