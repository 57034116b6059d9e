/* The first and only process: set up, then wait for keys, pointers, text and display changes. */
#define _GNU_SOURCE
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct screen screen;
static int serial = -1;

enum motion { STILL, MOVING, NOISE };
static enum motion motion = STILL;
static int rate = 30; /* frames per second while something moves */

static void say(const char *format, ...)
{
    char line[512];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    if (length > (int)sizeof line - 2)
        length = sizeof line - 2;
    line[length++] = '\n';
    if (write(serial, line, length) < 0)
        return; /* no serial port: nobody listens */
}

static void set_motion(enum motion to)
{
    motion = motion == to ? STILL : to;
    if (motion == STILL) {
        paint_all(&screen);
        screen_flush(&screen, 0, 0, screen.width, screen.height);
    }
}

void on_key(int code, int value, uint32_t character)
{
    if (code == KEY_POWER && value == 1) {
        say("POWEROFF");
        sync();
        reboot(RB_POWER_OFF);
    }
    if (value != 2)
        say("key %d %s", code, value ? "down" : "up");
    if (value == 1 && code == KEY_F9)
        set_motion(MOVING);
    if (value == 1 && code == KEY_F10)
        set_motion(NOISE);
    if (character && motion == STILL)
        paint_type(&screen, character);
}

void on_pointer(int x, int y, unsigned buttons)
{
    static unsigned last;
    char text[64];
    snprintf(text, sizeof text, "pointer %d %d buttons %u", x, y, buttons);
    say("%s", text);
    screen_move_cursor(&screen, x, y);
    if (motion == STILL && buttons != last)
        paint_status(&screen, text);
    last = buttons;
}

void on_wheel(int vertical, int horizontal)
{
    if (vertical)
        say("wheel %d", vertical);
    if (horizontal)
        say("hwheel %d", horizontal);
}

/* One character of UTF-8, and how many bytes it took; a bad byte counts as one unknown character. */
static size_t next_character(const uint8_t *text, size_t length, uint32_t *character)
{
    static const uint8_t masks[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = text[0] < 0x80 ? 1 : text[0] < 0xc0 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    *character = 0xfffd;
    if (!size || size > length)
        return 1;
    uint32_t value = text[0] & masks[size];
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (text[i] & 0x3f);
    }
    *character = value;
    return size;
}

void on_text(const uint8_t *text, size_t length)
{
    char escaped[400];
    size_t used = 0;
    for (size_t i = 0; i < length && used < sizeof escaped - 8; i++) {
        if (text[i] == '\n' || text[i] == '\\')
            used += sprintf(escaped + used, "\\%c", text[i] == '\n' ? 'n' : '\\');
        else if (text[i] < 32 || text[i] == 127)
            used += sprintf(escaped + used, "\\x%02x", text[i]);
        else
            escaped[used++] = text[i];
    }
    escaped[used] = 0;
    say("text %s", escaped);
    for (size_t i = 0; i < length;) {
        uint32_t character;
        i += next_character(text + i, length - i, &character);
        paint_type(&screen, character);
    }
}

/* Each line of /modules/order: a file and its parameters. They are in order of need. */
static void load_modules(void)
{
    FILE *order = fopen("/modules/order", "re");
    char line[256];
    while (order && fgets(line, sizeof line, order)) {
        char *name = strtok(line, " \n"), *parameters = strtok(NULL, "\n"), path[300];
        if (!name)
            continue;
        snprintf(path, sizeof path, "/modules/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, parameters ? parameters : "", 0) < 0)
            say("module %s: %s", name, strerror(errno));
        close(fd);
    }
    if (order)
        fclose(order);
}

static void read_command_line(void)
{
    char line[2048] = "";
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, line, sizeof line - 1) > 0)
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
            int frames = 0;
            if (sscanf(word, "tsg.animate=%d", &frames) == 1 && frames > 0)
                motion = MOVING;
            else if (sscanf(word, "tsg.noise=%d", &frames) == 1 && frames > 0)
                motion = NOISE;
            if (frames > 0)
                rate = frames > 1000 ? 1000 : frames;
        }
    close(fd);
}

static int open_uevents(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd >= 0)
        bind(fd, (struct sockaddr *)&address, sizeof address);
    return fd;
}

/* Devices come after their modules, some later than others: look again whenever the kernel says so. */
static void on_uevents(int fd)
{
    char event[4096];
    bool display = false;
    ssize_t got;
    while ((got = recv(fd, event, sizeof event - 1, 0)) > 0) {
        event[got] = 0;
        display |= strncmp(event, "change@", 7) == 0 && strstr(event, "/drm/") != NULL;
    }
    input_rescan();
    text_rescan();
    if (display && screen_follow(&screen))
        say("READY %dx%d", screen.width, screen.height);
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Paint the next frame when its time has come; how long to wait for the one after it. */
static int paint_frame(void)
{
    static unsigned frame, told;
    static int64_t next, second;
    if (motion == STILL)
        return -1;
    int64_t now = milliseconds();
    if (now >= next) {
        if (motion == MOVING)
            paint_moving(&screen, frame++);
        else
            paint_noise(&screen, frame++);
        next = (now - next > 500 ? now : next) + 1000 / rate;
    }
    if (now - second >= 1000) {
        say("frames %u", frame - told);
        told = frame;
        second = now;
    }
    now = milliseconds();
    return now >= next ? 0 : (int)(next - now);
}

static void serve(int uevents, int signals)
{
    for (;;) {
        int timeout = paint_frame();
        int inputs = input_count();
        struct pollfd waits[2 + INPUT_LIMIT] = {{.fd = uevents, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        for (int i = 0; i < inputs; i++)
            waits[2 + i] = (struct pollfd){.fd = input_descriptor(i), .events = POLLIN};
        if (poll(waits, 2 + inputs, timeout) <= 0)
            continue;
        for (int i = inputs - 1; i >= 0; i--)
            if (waits[2 + i].revents)
                input_read(i, &screen);
        if (waits[1].revents) {
            struct signalfd_siginfo signal;
            while (read(signals, &signal, sizeof signal) > 0)
                ;
            text_read();
        }
        if (waits[0].revents)
            on_uevents(uevents);
    }
}

int main(void)
{
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    serial = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    int uevents = open_uevents();
    load_modules();
    read_command_line();
    for (int tries = 0; !screen_open(&screen) && tries < 100; tries++)
        usleep(50000);
    while (!screen_follow(&screen))
        usleep(50000); /* the driver asks the host for the size; the answer may be on its way */
    screen_show_cursor(&screen);
    int signals = text_open();
    input_rescan();
    say("READY %dx%d", screen.width, screen.height);
    serve(uevents, signals);
}
